"""The requests of the page and of programs: send files, ask for conversions, fetch results."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from .access import address_of
from .archive import stream_zip
from .examples import EXAMPLES, example_thumbnail, write_example
from .folders import Folders
from .jobs import JobQueue
from .previews import Previews
from .receiver import Receiver
from .responses import (
    RequestError,
    file_response,
    json_response,
    known_visitor,
    read_json,
    stream_response,
)
from .settings import ConversionSettings, read_settings
from .states import describe_job, describe_server, describe_upload, describe_visitor
from .visitors import Visitors
from .web_job import Upload, WebJob
from .worker import Worker

_EVENT_GAP, _EVENT_PAUSE = 0.2, 15.0  # seconds: the shortest and the longest from one event to the next


class Api:
    """The handlers of requests."""

    def __init__(self, worker: Worker, queue: JobQueue, folders: Folders, visitors: Visitors) -> None:
        self._queue, self._folders, self._visitors, self._limits = queue, folders, visitors, worker.limits
        self._receiver = Receiver(queue, folders, visitors, worker.limits)
        self._previews = Previews(worker, queue)
        self._info: bytes | None = None

    async def read_info(self, _request: Request) -> Response:
        """Styles, limits, examples."""
        self._info = self._info or msgspec.json.encode(describe_server(self._limits))
        return Response(self._info, media_type="application/json")

    async def send_events(self, request: Request) -> Response:
        """Send everything that the visitor has, after each change, while the page is open."""
        visitor = known_visitor(request)
        headers = {"X-Accel-Buffering": "no"}
        return stream_response(request, self._events(visitor), "text/event-stream", headers)

    async def leave(self, request: Request) -> Response:
        """The page is being closed."""
        self._visitors.leave(request.state.visitor)
        return Response(status_code=204)

    async def add_file(self, request: Request) -> Response:
        """Keep a file for conversions, unless the visitor removed it before the answer."""
        known_visitor(request)
        upload, _ = await self._receiver.receive(request)
        if await request.is_disconnected():
            self._queue.remove_upload(upload)
        return json_response(describe_upload(upload), 201)

    async def add_example(self, request: Request) -> Response:
        """Keep one of the photos of the page, as if the visitor had sent it."""
        visitor = known_visitor(request)
        name = request.path_params["name"]
        if name not in EXAMPLES:
            raise RequestError("There is no such example.", 404)
        self._queue.check_uploads(self._receiver.neighbours(request))
        with self._folders.new_or_none(visitor) as folder:
            upload = Upload(visitor, write_example(name, folder), "picture")
        self._queue.add_upload(upload)
        return json_response(describe_upload(upload), 201)

    async def read_example(self, request: Request) -> Response:
        """The thumbnail of a photo."""
        name = request.path_params["name"]
        if name not in EXAMPLES:
            raise RequestError("There is no such example.", 404)
        return Response(await asyncio.to_thread(example_thumbnail, name), media_type="image/webp")

    async def read_file(self, request: Request) -> Response:
        """A file that the visitor sent."""
        return file_response(self._upload(request).path)

    async def read_preview(self, request: Request) -> Response:
        """One frame of a file, drawn with the settings in the query; without any as it is.

        No content while files are converted: an error would be logged by browsers.
        """
        entries = dict(request.query_params)
        settings = read_settings(entries) if entries else None
        content = await self._previews.draw(self._upload(request), settings)
        status = 200 if content else 204
        return Response(content, status, {"Cache-Control": "no-store"}, "image/webp")

    async def remove_file(self, request: Request) -> Response:
        """Remove a file, its jobs and results."""
        self._queue.remove_upload(self._upload(request))
        return Response(status_code=204)

    async def add_job(self, request: Request) -> Response:
        """Ask for the conversion of a file that the visitor sent."""
        visitor, entries = known_visitor(request), await read_json(request)
        upload = self._queue.find_upload(visitor, str(entries.pop("file", "")))
        if upload is None:
            raise RequestError("The file was removed from the server; send it again.", 404)
        job = self._enqueue(request, upload, read_settings(entries))
        return json_response(describe_job(job, self._queue), 201)

    async def list_jobs(self, request: Request) -> Response:
        """All jobs and files of the visitor."""
        return json_response(describe_visitor(request.state.visitor, self._queue))

    async def read_job(self, request: Request) -> Response:
        """The state of a job."""
        return json_response(describe_job(self._job(request), self._queue))

    async def remove_job(self, request: Request) -> Response:
        """Stop a job, and remove its result, and the file if it was sent for this job."""
        job = self._job(request)
        if job.is_only:
            self._queue.remove_upload(job.upload)
        else:
            self._queue.remove_job(job)
        return Response(status_code=204)

    async def stop_job(self, request: Request) -> Response:
        """Stop a job that waits or runs."""
        job = self._job(request)
        self._queue.stop(job)
        return json_response(describe_job(job, self._queue))

    async def read_result(self, request: Request) -> Response:
        """The result of a job; waits for it."""
        job = self._job(request)
        await self._wait(job, request)
        return file_response(_result_of(job))

    async def read_results(self, request: Request) -> Response:
        """All results of the visitor, in one ZIP file."""
        jobs = self._queue.jobs_of(request.state.visitor)
        results = [job.result.after for job in jobs if job.result and job.result.after.is_file()]
        if not results:
            raise RequestError("There is no result yet: convert a file first.", 404)
        headers = {"Content-Disposition": 'attachment; filename="cartoons.zip"'}
        return stream_response(request, stream_zip(results), "application/zip", headers)

    async def read_before(self, request: Request) -> Response:
        """The source of a job, in a format that browsers show if there is one."""
        job = self._job(request)
        return file_response(job.result.before if job.result else job.upload.path)

    async def convert_picture(self, request: Request) -> Response:
        """Convert the picture of a form; responds with a PNG. The server keeps neither of them."""
        upload, form = await self._receiver.receive(request, expected=("picture",))
        try:
            job = self._enqueue(request, upload, read_settings(form.fields), is_only=True, as_png=True)
            await self._wait(job, request)
            path = _result_of(job)
        except BaseException:
            self._queue.remove_upload(upload)
            raise
        return FileResponse(
            path, media_type="image/png", filename=path.name, headers={"Cache-Control": "no-store"},
            background=BackgroundTask(self._forget, upload),
        )  # fmt: skip

    async def convert_video(self, request: Request) -> Response:
        """Ask for the conversion of the video of a form; responds with the job."""
        upload, form = await self._receiver.receive(request, expected=("video", "animation"))
        try:
            job = self._enqueue(request, upload, read_settings(form.fields), is_only=True)
        except BaseException:
            self._queue.remove_upload(upload)
            raise
        headers = {"Location": f"/api/jobs/{job.id}"}
        return json_response(describe_job(job, self._queue), 202, headers)

    async def _events(self, visitor: str) -> AsyncIterator[bytes]:
        sent = None
        with self._visitors.listen(visitor):
            while True:
                state = msgspec.json.encode(describe_visitor(visitor, self._queue))
                yield b": \n\n" if state == sent else b"data: " + state + b"\n\n"
                sent = state
                await asyncio.sleep(_EVENT_GAP)
                if msgspec.json.encode(describe_visitor(visitor, self._queue)) == sent:
                    await self._queue.wait_for_change(_EVENT_PAUSE)

    def _enqueue(
        self,
        request: Request,
        upload: Upload,
        settings: ConversionSettings,
        *,
        is_only: bool = False,
        as_png: bool = False,
    ) -> WebJob:
        self._visitors.record_activity(upload.visitor, address_of(request))
        job = WebJob(upload, address_of(request), settings, as_png, is_only)
        self._queue.add(job)
        return job

    async def _forget(self, upload: Upload) -> None:
        """Remove an upload; a coroutine, as Starlette would call a function in another thread."""
        self._queue.remove_upload(upload)

    async def _wait(self, job: WebJob, request: Request) -> None:
        """Return when a job has ended.

        Raises:
            RequestError: the client is gone.
        """
        with self._visitors.listen(job.visitor):
            ended = asyncio.ensure_future(job.finished.wait())
            disconnected = asyncio.ensure_future(_disconnect(request))
            await asyncio.wait((ended, disconnected), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            disconnected.cancel()
        if not job.finished.is_set():
            raise RequestError("The client is gone.", 499)

    def _upload(self, request: Request) -> Upload:
        upload = self._queue.find_upload(request.state.visitor, request.path_params["id"])
        if upload is None:
            raise RequestError("There is no such file.", 404)
        return upload

    def _job(self, request: Request) -> WebJob:
        job = self._queue.find_job(request.state.visitor, request.path_params["id"])
        if job is None:
            raise RequestError("There is no such job.", 404)
        return job


def _result_of(job: WebJob) -> Path:
    """The file of a result.

    Raises:
        RequestError: the job failed or was stopped.
    """
    if job.state == "failed":
        raise RequestError(job.error, 422)
    if job.result is None or not job.result.after.exists():
        raise RequestError("The job was stopped, or its result was removed.", 410)
    return job.result.after


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
