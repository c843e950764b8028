"""Gradio's routes, queue and uploads, for which it has no public interface.

No other module depends on Gradio's internals. tests/web/test_gradio_server.py fails where a
newer Gradio changes it. Gradio is imported within functions, as it reads its environment, which
`server.serve` sets, when it is imported.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from ..core.errors import MediaError
from .limits import LimitError

if TYPE_CHECKING:
    from gradio import Blocks

PREFIX = "/gradio_api"
UPLOAD = f"{PREFIX}/upload"
JOIN_QUEUE = f"{PREFIX}/queue/join"
RUN = f"{PREFIX}/run/"
READ_QUEUE = f"{PREFIX}/queue/data"
HEARTBEAT = f"{PREFIX}/heartbeat/"
FILE = f"{PREFIX}/file="

PAGE_REQUESTS = re.compile(
    "GET /|GET /(config|theme.css|favicon.ico|manifest.json)|GET /(assets|static|styles)/.+|"
    f"GET {PREFIX}/(queue/data|startup-events|upload_progress|heartbeat/[^/]+|file=.+)|"
    f"POST {PREFIX}/(upload|queue/join|cancel|reset|run/[^/]+)"
)
"""Method and path of every request that the page makes. HEAD counts as GET."""


async def save_upload(request: Request, folder: Path, limit: int) -> list[str]:
    """Write the files of a multipart request below `folder`, and return their paths.

    Raises:
        LimitError: a file has more than `limit` bytes.
        MediaError: the request is malformed.
    """
    from gradio.route_utils import upload_fn
    from gradio.routes import file_upload_statuses

    upload_id = request.query_params.get("upload_id")
    try:
        paths, _, _ = await upload_fn(
            request, str(folder), limit, upload_id, upload_progress=file_upload_statuses
        )
    except MultiPartException as error:
        kind = LimitError if "maximum allowed size" in error.message else MediaError
        raise kind(error.message) from error
    except HTTPException as error:
        raise MediaError(str(error.detail)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # of its parser
        raise MediaError("The upload is malformed.") from error
    return [str(path) for path in paths]


class GradioServer:
    """The queue and the functions of a page."""

    def __init__(self, blocks: "Blocks") -> None:
        self._blocks = blocks

    def queued_sessions(self) -> list[str]:
        """The session of each request that waits or is at work; a session is an open page."""
        queue = self._blocks._queue  # noqa: SLF001
        waiting = [event for part in queue.event_queue_per_concurrency_id.values() for event in part.queue]
        working = [event for job in queue.active_jobs for event in job or ()]
        return [str(event.session_hash) for event in (*waiting, *working)]

    async def drop_session(self, session: str) -> None:
        """Take what waits for a session out of the queue. Call it in the loop of the server."""
        await self._blocks._queue.clean_events(session_hash=session)  # noqa: SLF001

    def is_call(self, entries: dict[str, Any], *, queued: bool) -> bool:
        """Whether a request calls a function of the page, with values that its inputs can have.

        `queued` tells whether the function has to be one that waits in the queue.
        """
        number, values = entries.get("fn_index"), entries.get("data")
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(values, list):
            return False
        function = self._blocks.fns.get(number)
        if function is None or function.fn is None or function.queue is not queued:
            return False
        return len(values) == len(function.inputs) and all(map(_is_value, function.inputs, values))


def _is_value(component: Any, value: Any) -> bool:
    """Whether an input can have a value, as JSON has it."""
    import gradio as gr

    if isinstance(component, gr.Radio):
        return value in [choice for _, choice in component.choices]
    if isinstance(component, gr.Checkbox):
        return isinstance(value, bool)
    if isinstance(component, gr.Slider):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and component.minimum <= value <= component.maximum
    if isinstance(component, gr.File):
        return value is None or _is_file(value)
    return False


def _is_file(value: Any) -> bool:
    import gradio as gr

    try:
        gr.FileData.model_validate(value, context={"validate_meta": True})
    except (TypeError, ValueError):
        return False
    return True
