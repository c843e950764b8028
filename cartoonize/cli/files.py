"""One file, many, or all that come into a folder: what `video` and `image` have in common."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from ..core.errors import CartoonizeError, DamageError, MediaError, Stopped
from .console import Bars, finish, plain, print_result, progress, say, say_all, sentence, tell
from .drawing import Bar

if TYPE_CHECKING:
    from ..run.files import Job, Kind, Outcome, Plan
    from ..run.job import Report

SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave alone what is in DST already, and draw the rest.")
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch", help="Draw what is in the folders SRC, then whatever comes into them, until Ctrl-C."
    ),
]
Draw: TypeAlias = Callable[["Job", Bar], "Report"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What to do about outputs that are there, whether to go on for ever, and how to tell of it all."""

    skip_existing: bool
    overwrite: bool
    watch: bool
    as_json: bool


def draw_files(
    paths: Sequence[Path],
    kind: "Kind",
    draw: Draw,
    load: Callable[[], object],
    rules: Rules,
    *,
    alone: bool = False,
) -> None:
    """Draw SRC... into DST.

    Args:
        paths: SRC... and, last, DST.
        kind: of the sources.
        draw: draws one of them.
        load: loads the network that `draw` uses, if that has not been done.
        alone: SRC and DST are one job, whatever they are.
    """
    from ..run.files import Job, plan, stands_alone

    if len(paths) < 2:
        raise MediaError(f"Name at least one {kind.name} and, last, the file or folder to write.")
    if rules.skip_existing and rules.overwrite:
        raise MediaError("--skip-existing keeps what is there, and --overwrite replaces it; choose one.")
    *sources, target = paths
    if rules.watch:
        _follow(sources, target, kind, draw, load, rules)
    elif not rules.skip_existing and (alone or stands_alone(sources, target, kind)):
        _draw_one(Job(sources[0], target), draw, rules)
    else:
        _draw_all(plan(sources, target, kind), draw, load, rules)


def _draw_one(job: "Job", draw: Draw, rules: Rules) -> None:
    from ..run.job import damage_sentence

    report = draw(job, progress)
    finish(report, rules.as_json)
    if report.partial:
        raise DamageError(damage_sentence(report))


def _draw_all(plan: "Plan", draw: Draw, load: Callable[[], object], rules: Rules) -> None:
    from ..run.files import outcomes

    tally = Tally(rules.as_json)
    for source, error in plan.refused:
        tally.fail(source, None, error)
    jobs = []
    for job in plan.jobs:
        if rules.skip_existing and job.target.exists():
            tally.skip(job)
        else:
            jobs.append(job)
    if jobs:
        load()
    with Bars([_size(job.source) for job in jobs]) as bars:

        def draw_new(job: "Job") -> "Report":
            if job.target.exists() and not rules.overwrite:
                raise MediaError(
                    f"{job.target} exists already; --skip-existing keeps it, --overwrite (-y) replaces it."
                )
            return draw(job, bars.file)

        try:
            for outcome in outcomes(jobs, draw_new):
                tally.add(outcome)
                bars.passed(drawn=outcome.report is not None)
        except Stopped as stopped:
            rest = "" if rules.overwrite else " --skip-existing goes on with the rest."
            stopped.add_note(tally.sentence() + rest)
            raise
    tally.end()


def _follow(
    folders: Sequence[Path],
    target: Path,
    kind: "Kind",
    draw: Draw,
    load: Callable[[], object],
    rules: Rules,
) -> None:
    """Draw what comes in. What is drawn already is left alone unless it is to be replaced, and is older."""
    from ..run.files import find, outcomes
    from ..run.watch import watch_folder

    _check_followed(folders, target, kind)
    tally = Tally(rules.as_json)
    load()
    say(f"Following {plain(', '.join(map(str, folders)))}; Ctrl-C ends it.")
    with closing(watch_folder(folders, lambda: find(folders, target, kind).jobs)) as arriving:
        try:
            jobs = _wanted(arriving, tally, overwrite=rules.overwrite)
            for outcome in outcomes(jobs, lambda job: draw(job, progress)):
                tally.add(outcome)
        except Stopped as stopped:
            stopped.add_note(tally.sentence())
            raise
    tally.end()


def _check_followed(folders: Sequence[Path], target: Path, kind: "Kind") -> None:
    from ..run.files import is_folder

    for folder in folders:
        if not folder.is_dir():
            raise MediaError(f"--watch follows folders, and {folder} is none.")
        if target.is_dir() and target.samefile(folder):
            raise MediaError(f"{target} is the folder that is followed; name another folder to write to.")
    if not is_folder(target, kind):
        raise MediaError(f"{target} is no folder; name a folder for several {kind.name}s.")


def _wanted(arriving: Iterable[tuple["Job", bool]], tally: "Tally", *, overwrite: bool) -> Iterator["Job"]:
    """Those that are to be drawn; the others are told of."""
    owners: dict[Path, Path] = {}
    for job, again in arriving:
        owner = owners.setdefault(job.target, job.source)
        if owner != job.source:
            tally.fail(job.source, job.target, MediaError(f"{owner} becomes {job.target} too; rename one."))
        elif not job.target.exists() or (overwrite and (again or _is_newer(job))):
            yield job
        elif again:
            say(f"{plain(str(job.source))} has changed; --overwrite would draw it again.")
        else:
            tally.skip(job)


class Tally:
    """Tells what becomes of each file at once, and of all at the end."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._files: dict[Path, dict[str, Any]] = {}  # by source: what became of it last
        self._started = time.perf_counter()
        self._told: set[str] = set()

    def add(self, outcome: "Outcome") -> None:
        """A file was drawn, or could not be."""
        job, report, error = outcome.job, outcome.report, outcome.error
        if report is not None:
            # What is the same for many files, as all that the network has to say, is said once.
            tell(notice for notice in report.notices if notice not in self._told)
            self._told.update(report.notices)
            if not self._as_json:
                say(plain(sentence(report)))
        if error is not None:
            self.fail(job.source, job.target, error, asdict(report) if report else {})
        elif report is not None:
            self._keep(job.source, "drawn", asdict(report))

    def fail(self, source: Path, target: Path | None, error: CartoonizeError, report: Any = None) -> None:
        """A file could not be drawn, or only in part."""
        told = str(error) if str(source) in str(error) else f"{source}: {error}"
        say_all(f"[bold red]Failed:[/bold red] {plain(told)}", error)
        output = None if target is None else str(target)
        why = {"output": output, "error": told, "exit_code": error.exit_code}
        self._keep(source, "failed", {**why, **(report or {})})

    def skip(self, job: "Job") -> None:
        """A file is there already."""
        self._keep(job.source, "skipped", {"output": str(job.target)})

    def sentence(self) -> str:
        """What there was so far."""
        drawn, skipped = self._count("drawn"), self._count("skipped")
        there = f"; {skipped} {'was' if skipped == 1 else 'were'} there already" if skipped else ""
        return f"{drawn} {'file' if drawn == 1 else 'files'} drawn in {self._seconds:.1f} s{there}."

    def end(self) -> None:
        """Say what there was.

        Raises:
            MediaError: files could not be drawn; its notes name them.
        """
        if self._as_json:
            counts = {state: self._count(state) for state in ("drawn", "skipped", "failed")}
            files = list(self._files.values())
            frames = sum(file.get("frames", 0) for file in files)
            print_result({**counts, "frames": frames, "seconds": self._seconds, "files": files})
        else:
            say(self.sentence())
        failed = [file["error"] for file in self._files.values() if file["state"] == "failed"]
        if failed:
            error = MediaError(f"{len(failed)} of {len(self._files)} files could not be drawn:")
            for sentence in failed:
                error.add_note(f"  {sentence}")
            raise error

    @property
    def _seconds(self) -> float:
        return round(time.perf_counter() - self._started, 3)

    def _count(self, state: str) -> int:
        return sum(file["state"] == state for file in self._files.values())

    def _keep(self, source: Path, state: str, told: dict[str, Any]) -> None:
        self._files[source] = {"source": str(source), "state": state, **told}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # its turn will tell
        return 0


def _is_newer(job: "Job") -> bool:
    """Whether a source has changed since it was drawn."""
    try:
        return job.source.stat().st_mtime > job.target.stat().st_mtime
    except OSError:  # one of them went away meanwhile
        return True
