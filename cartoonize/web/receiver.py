"""Receives the file of a request: within the visitor's share, and checked before it is kept."""

import asyncio
from collections.abc import Mapping

from starlette.requests import Request

from ..core.errors import MediaError
from .access import address_of
from .folders import Folders, hide_folder
from .jobs import JobQueue
from .limits import Kind, Limits
from .responses import RequestError
from .uploads import MAX_FIELDS, Form, receive_form
from .visitors import Visitors
from .web_job import Upload

_SHARE = 10  # uploads of the largest size that a visitor may keep
_ADDRESSES: Mapping[Kind, str] = {
    "picture": "/api/image", "video": "/api/video", "animation": "/api/video",
}  # fmt: skip


class Receiver:
    """Receives files, and adds them to the queue."""

    def __init__(self, queue: JobQueue, folders: Folders, visitors: Visitors, limits: Limits) -> None:
        self._queue, self._folders, self._visitors, self._limits = queue, folders, visitors, limits

    async def receive(self, request: Request, expected: tuple[Kind, ...] = ()) -> tuple[Upload, Form]:
        """Write the file of a form to the disk and check it.

        Raises:
            RequestError: the request states no length.
            CartoonizeError: the file is beyond a limit, not of an `expected` kind, or cannot be written.
        """
        visitor, length = request.state.visitor, request.headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal()):
            raise RequestError(
                "The request states no length: send the file with the header Content-Length, as "
                "`curl -F file=@photo.jpg` does.",
                411,
            )
        self._limits.check_size(int(length) - MAX_FIELDS)
        neighbours = self.neighbours(request)
        self._queue.check_uploads(neighbours)
        share = _SHARE * self._limits.upload
        with (
            self._folders.reserve(visitor, int(length), share=share, neighbours=neighbours),
            self._folders.new_or_none(visitor) as folder,
        ):
            form = await receive_form(request, folder, self._limits)
            path = form.file or folder
            with hide_folder(folder):
                kind = await asyncio.to_thread(self._limits.check, path)
            if expected and kind not in expected:
                raise MediaError(f"{path.name} is a {kind}; send it to {_ADDRESSES[kind]}.")
        upload = Upload(visitor, path, kind)
        self._queue.add_upload(upload)
        return upload, form

    def neighbours(self, request: Request) -> set[str]:
        """The visitors who share the sender's address, itself included."""
        return self._visitors.neighbours(request.state.visitor, address_of(request))
