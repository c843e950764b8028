"""The web application: maps addresses to handlers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ..core.errors import CartoonizeError
from ..styles import builtin_styles
from .access import AccessControl, refuse
from .access_key import AccessKey
from .api import Api
from .browser_page import read_browser_file
from .folders import Folders
from .jobs import JobQueue
from .openapi import describe_api
from .responses import respond_to_error
from .visitors import Visitors
from .worker import Worker

_STATIC = Path(__file__).with_name("static")
_SWEEP_FILES, _SWEEP_JOBS = 60.0, 1.0  # seconds from one to the next


def build_app(worker: Worker, folders: Folders, hosts: Collection[str] | None, key: AccessKey) -> ASGIApp:
    """Build the application.

    Args:
        worker: converts the files.
        folders: keeps them.
        hosts: the names that the server has; None allows all.
        key: the key that requests need.
    """
    visitors = Visitors()
    queue = JobQueue(worker, folders, visitors)
    api = Api(worker, queue, folders, visitors)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        loops = (queue.run(), _sweep_files(folders, queue), _sweep_jobs(queue))
        tasks = [asyncio.create_task(loop) for loop in loops]
        yield
        worker.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    app = Starlette(
        routes=_routes(api, has_key=key.is_required),
        lifespan=lifespan,
        exception_handlers={
            CartoonizeError: respond_to_error,
            ClientDisconnect: respond_to_error,
            OSError: respond_to_error,
            HTTPException: _respond_to_refusal,
        },
    )
    return AccessControl(app, visitors, hosts, key)


def _routes(api: Api, *, has_key: bool) -> list[Route | Mount]:
    return [
        Route("/", _page("index.html")),
        Route("/api", _page("api.html")),
        Route("/api/openapi.json", _openapi(has_key=has_key)),
        Route("/api/info", api.read_info),
        Route("/api/image", api.convert_picture, methods=["POST"]),
        Route("/api/video", api.convert_video, methods=["POST"]),
        Route("/api/files", api.add_file, methods=["POST"]),
        Route("/api/files/{id}", api.read_file),
        Route("/api/files/{id}/preview", api.read_preview),
        Route("/api/files/{id}", api.remove_file, methods=["DELETE"]),
        Route("/api/jobs", api.list_jobs),
        Route("/api/jobs", api.add_job, methods=["POST"]),
        Route("/api/jobs/{id}", api.read_job),
        Route("/api/jobs/{id}", api.remove_job, methods=["DELETE"]),
        Route("/api/jobs/{id}/stop", api.stop_job, methods=["POST"]),
        Route("/api/jobs/{id}/result", api.read_result),
        Route("/api/jobs/{id}/before", api.read_before),
        Route("/api/examples/{name}", api.add_example, methods=["POST"]),
        Route("/api/results.zip", api.read_results),
        Route("/api/events", api.send_events),
        Route("/api/leave", api.leave, methods=["POST"]),
        Route("/examples/{name}.webp", api.read_example),
        Route("/styles/{name}.webp", _style_preview),
        Route("/browser/", read_browser_file),
        Route("/browser/{name}", read_browser_file),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_request: Request) -> Response:
        return FileResponse(_STATIC / name)

    return respond


def _openapi(*, has_key: bool) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_request: Request) -> Response:
        return JSONResponse(describe_api(has_key=has_key))

    return respond


async def _style_preview(request: Request) -> Response:
    """The picture of a style: a photo on the left, the result on the right."""
    path = builtin_styles().get(request.path_params["name"])
    picture = path and path.with_suffix(".webp")
    return FileResponse(picture) if picture and picture.is_file() else refuse("There is no such style.", 404)


async def _respond_to_refusal(request: Request, error: Exception) -> Response:
    """The response to an error of the router: an unknown address, or a method that an address lacks."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allow = (error.headers or {}).get("Allow", "another method")
        methods = allow.removeprefix("HEAD, ").replace(", ", " or ")
        advice = f"send {methods}. /api shows how to use each address."
        response = refuse(f"{request.method} is not possible here: {advice}", 405)
        response.headers.update(error.headers or {})
        return response
    status = error.status_code if isinstance(error, HTTPException) else 404
    return refuse("There is nothing here. The page is at /; /api lists all addresses.", status)


async def _sweep_files(folders: Folders, queue: JobQueue) -> None:
    while True:
        await asyncio.sleep(_SWEEP_FILES)
        with suppress(OSError):  # of a disk that is full: the next sweep may succeed
            await asyncio.to_thread(folders.sweep, in_use=queue.folders_in_use())


async def _sweep_jobs(queue: JobQueue) -> None:
    while True:
        await asyncio.sleep(_SWEEP_JOBS)
        with suppress(OSError):
            queue.drop_abandoned()
