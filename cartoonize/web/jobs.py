"""The files that visitors uploaded, and the queue of conversions: one at a time, visitors take turns."""

import asyncio
import logging
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..core.errors import DISK_FAILURES, CartoonizeError, UnexpectedError, WriteError
from ..core.messages import without_folder
from .folders import Folders
from .visitors import Visitors, is_loopback
from .web_job import State, Upload, WebJob
from .worker import CancelledError, Conversion, OnProgress, Worker

QUEUED = 50
"""Files of one visitor that may wait at once. They delay others little, as visitors take turns."""
QUEUED_BY_ADDRESS = 100
QUEUED_TOGETHER = 1000
UPLOADS = 200
"""Uploads that visitors of one address may keep at once."""


class ShareError(CartoonizeError):
    """A visitor has used up a share of the server."""


class JobQueue:
    """Uploads and jobs of all visitors. Call its methods in the thread of the event loop."""

    def __init__(self, worker: Worker, folders: Folders, visitors: Visitors) -> None:
        self._worker, self._folders, self._visitors = worker, folders, visitors
        self._uploads: dict[str, Upload] = {}
        self._jobs: dict[str, WebJob] = {}
        self._turn = 0  # of the job that was started last
        self._change = asyncio.Event()
        # The places of waiting jobs until the next change, as each open page asks for those of its visitor.
        self._places: dict[str, int] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return any(job.is_active for job in self._jobs.values())

    def add_upload(self, upload: Upload) -> None:
        """Remember an upload, for as long as its file exists."""
        self._uploads[upload.id] = upload
        self._changed()

    def check_uploads(self, neighbours: set[str]) -> None:
        """Refuse more uploads than visitors of an address may keep.

        Raises:
            ShareError: they have as many already.
        """
        if sum(upload.visitor in neighbours for upload in self._uploads.values()) >= UPLOADS:
            raise ShareError(f"You have {UPLOADS} files here already; remove some first.")

    def add(self, job: WebJob) -> None:
        """Append a job; the first of a visitor goes before the second of every other one.

        Raises:
            ShareError: the visitor, or the address, has as many in the queue as it may.
        """
        active = [other for other in self._jobs.values() if other.is_active]
        own = sum(other.visitor == job.visitor for other in active)
        at_address = 0 if is_loopback(job.address) else sum(other.address == job.address for other in active)
        if own >= QUEUED or at_address >= QUEUED_BY_ADDRESS:
            raise ShareError("Many of your files wait already; let one end first.")
        if len(active) >= QUEUED_TOGETHER:
            raise ShareError("Too many files wait already; try again later.")
        self._remove_failed(job)
        job.turn = max((other.turn + 1 for other in active if other.owner == job.owner), default=self._turn)
        self._jobs[job.id] = job
        self._changed()

    def find_upload(self, visitor: str, name: str) -> Upload | None:
        """An upload by its id, if it is the visitor's."""
        upload = self._uploads.get(name)
        return upload if upload is not None and upload.visitor == visitor else None

    def find_job(self, visitor: str, name: str) -> WebJob | None:
        """A job by its id, if it is the visitor's."""
        job = self._jobs.get(name)
        return job if job is not None and job.visitor == visitor else None

    def uploads_of(self, visitor: str) -> list[Upload]:
        """A visitor's uploads, in the order in which they came."""
        return [upload for upload in self._uploads.values() if upload.visitor == visitor]

    def jobs_of(self, visitor: str) -> list[WebJob]:
        """A visitor's jobs, in the order in which they came."""
        return [job for job in self._jobs.values() if job.visitor == visitor]

    def count_before(self, job: WebJob) -> int:
        """The number of conversions that end before a waiting job begins."""
        if self._places is None:
            running = sum(other.state == "converting" for other in self._jobs.values())
            self._places = {other.id: place for place, other in enumerate(self._waiting(), running)}
        return self._places.get(job.id, 0)

    def stop(self, job: WebJob) -> None:
        """Stop a job: a waiting one at once, a running one before its next frame."""
        job.cancelled.set()
        if job.state == "waiting":
            self._finish(job, "stopped")

    def remove_job(self, job: WebJob) -> None:
        """Stop a job, and forget it and its result."""
        self.stop(job)
        self._jobs.pop(job.id, None)
        if not job.is_active and job.folder is not None:
            shutil.rmtree(job.folder, ignore_errors=True)
        self._changed()

    def remove_upload(self, upload: Upload) -> None:
        """Remove a file and all its jobs."""
        for job in [job for job in self._jobs.values() if job.upload is upload]:
            self.remove_job(job)
        self._uploads.pop(upload.id, None)
        shutil.rmtree(upload.path.parent, ignore_errors=True)
        self._changed()

    def folders_in_use(self) -> set[Path]:
        """The folders of jobs that wait or run, which have to stay however long that takes."""
        active = [job for job in self._jobs.values() if job.is_active]
        return {job.upload.path.parent for job in active} | {job.folder for job in active if job.folder}

    def drop_abandoned(self) -> None:
        """Stop the jobs for which nobody waits, and forget what is no longer on the disk."""
        for job in [job for job in self._jobs.values() if job.is_active]:
            if not self._visitors.is_waiting(job.visitor):
                self.stop(job)
        for upload in [upload for upload in self._uploads.values() if not upload.path.exists()]:
            self.remove_upload(upload)
        for job in [job for job in self._jobs.values() if job.result and not job.result.after.exists()]:
            self.remove_job(job)

    async def wait_for_change(self, seconds: float) -> None:
        """Return when any job or upload has changed, or after some seconds."""
        try:
            await asyncio.wait_for(self._change.wait(), seconds)
        except TimeoutError:
            return

    async def run(self) -> None:
        """Convert until this task is cancelled."""
        with ThreadPoolExecutor(1, "cartoonize-web") as thread:
            while True:
                waiting = self._waiting()
                if waiting:
                    await self._convert(waiting[0], thread)
                else:
                    await self._change.wait()

    async def _convert(self, job: WebJob, thread: ThreadPoolExecutor) -> None:
        loop, began = asyncio.get_running_loop(), time.monotonic()

        def on_progress(done: int, total: int | None, left: float | None) -> None:
            loop.call_soon_threadsafe(self._note_progress, job, done, total, left)

        job.state, self._turn = "converting", max(self._turn, job.turn)
        self._changed()
        try:
            with self._result_folder(job) as folder:
                job.result = await loop.run_in_executor(
                    thread, partial(self._convert_file, job, folder, on_progress)
                )
        except CancelledError:
            self._finish(job, "stopped")
        except OSError as error:  # of the disk, for the folder of the result or temporary files
            job.error = str(WriteError.from_os_error("the result", error))
            self._finish(job, "failed")
        except CartoonizeError as error:
            job.error = str(error)
            for own in filter(None, (job.upload.path.parent, job.folder)):
                job.error = without_folder(job.error, own)
            self._finish(job, "failed")
        else:
            job.seconds = time.monotonic() - began
            self._finish(job, "done")
            if job.id in self._jobs:
                self._remove_earlier(job)

    def _convert_file(self, job: WebJob, folder: Path, on_progress: OnProgress) -> Conversion:
        try:
            return self._worker.convert(
                job.upload.path, folder, job.settings.style, job.settings.look(), on_progress,
                detail=job.settings.detail, cancelled=job.cancelled, as_png=job.as_png,
            )  # fmt: skip
        except (CancelledError, CartoonizeError):
            raise
        except Exception as error:  # a defect, which ends this job and not the server
            if isinstance(error, OSError) and error.errno in DISK_FAILURES:
                raise
            logging.getLogger(__name__).exception("A conversion failed.")
            raise UnexpectedError.from_exception(error) from error

    @contextmanager
    def _result_folder(self, job: WebJob) -> Iterator[Path]:
        with self._folders.new_or_none(job.visitor) as folder:
            job.folder = folder
            yield folder

    def _note_progress(self, job: WebJob, done: int, total: int | None, left: float | None) -> None:
        job.done, job.total, job.seconds_left = done, total, left
        self._changed()

    def _finish(self, job: WebJob, state: State) -> None:
        job.state, job.seconds_left = state, None
        job.finished.set()
        if job.id not in self._jobs and job.folder is not None:  # it was removed while it ran
            shutil.rmtree(job.folder, ignore_errors=True)
        self._changed()

    def _remove_earlier(self, job: WebJob) -> None:
        """Keep one result of each file, the latest."""
        for other in self.jobs_of(job.visitor):
            if other.upload is job.upload and other is not job and not other.is_active:
                self.remove_job(other)

    def _remove_failed(self, job: WebJob) -> None:
        """Forget earlier jobs of the same file that failed or were stopped.

        Otherwise a file that is queued and stopped again and again would fill the memory.
        """
        for other in self.jobs_of(job.visitor):
            if other.upload is job.upload and other.state in ("failed", "stopped"):
                self.remove_job(other)

    def _waiting(self) -> list[WebJob]:
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        return sorted(waiting, key=lambda job: job.turn)  # jobs of one turn stay in the order of arrival

    def _changed(self) -> None:
        self._places = None
        self._change.set()
        self._change = asyncio.Event()
