"""The outcomes of many files: one line for each file at once, and a summary at the end."""

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import CartoonizeError, MediaError
from ..core.messages import count_noun
from .console import escape, print_error, print_json, print_message, print_notices, summary

if TYPE_CHECKING:
    from ..run.file_jobs import Job, Outcome
    from ..run.report import Report

_NAMED = 5  # failed files that the last message names


class OutcomeLog:
    """Prints the outcome of each file at once, and of all files at the end."""

    def __init__(self, output: str, style: str, *, as_json: bool) -> None:
        from ..run.report import FilesReport

        self._as_json = as_json
        self._report = FilesReport(output, style)
        self._files: dict[str, Report] = {}  # the latest report of each source
        self._started = time.perf_counter()
        self._printed: set[str] = set()

    def add(self, outcome: "Outcome") -> None:
        """Add the outcome of a job that ran."""
        job, report, error = outcome.job, outcome.report, outcome.error
        if report is not None:
            # A notice that many files share, such as those about the network, is printed once.
            print_notices(notice for notice in report.notices if notice not in self._printed)
            self._printed.update(report.notices)
            if not self._as_json:
                print_message(escape(summary(report)))
        if error is not None:
            self.fail(job.source, str(job.target), error, report)
        elif report is not None:
            self._keep(report)

    def fail(self, source: Path, output: str, error: CartoonizeError, report: "Report | None" = None) -> None:
        """Add a file that failed. A partial result comes with its report."""
        from ..media import parse_location
        from ..run.report import Report

        name = str(parse_location(source))
        sentence = str(error) if name in str(error) else f"{name}: {error}"
        print_error(error, label="Failed", text=sentence)
        report = report or Report(output, self._report.style, name)
        report.fail(error, sentence)
        self._keep(report)

    def skip(self, job: "Job") -> None:
        """Add a job whose output exists and is kept."""
        from ..run.report import skipped

        self._keep(skipped(job.source, job.target, self._report.style))

    def _keep(self, report: "Report") -> None:
        self._files.pop(report.source, None)  # a file that is converted again moves to the end
        self._files[report.source] = report

    def summary(self) -> str:
        """The outcome so far, in one sentence."""
        states = Counter(file.state for file in self._files.values())
        converted, skipped = states["converted"], states["skipped"]
        kept = f"; {skipped} existed already" if skipped else ""
        return f"{count_noun(converted, 'file')} converted in {self._seconds:.1f} s{kept}."

    def end(self) -> None:
        """Print the outcome of all files.

        Raises:
            MediaError: files could not be converted.
        """
        self._report.files = list(self._files.values())
        self._report.summarize(self._seconds)
        if self._as_json:
            print_json(asdict(self._report))
        else:
            print_message(self.summary())
        failed = [file.source for file in self._report.files if file.state == "failed"]
        if failed:
            more = f" and {len(failed) - _NAMED} more" if failed[_NAMED:] else ""
            names = ", ".join(failed[:_NAMED]) + more
            count = f"{len(failed)} of {len(self._report.files)}"
            raise MediaError(f"{count} files could not be converted: {names}.")

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self._started
