"""Many files: which of them are drawn, what each becomes, and what became of them.

Planning looks at names and folders only, and opens no file.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ..core.containers import VIDEO_SUFFIXES, WRITTEN_SUFFIXES
from ..core.errors import CartoonizeError, DamageError, MediaError, UnexpectedError, WriteError
from ..media.pictures.folder import describe_left_out, natural_key, output_name
from ..media.pictures.formats import PICTURE_SUFFIXES
from ..media.pictures.sequence_sink import is_image_sequence
from ..media.reading.standard_input import STANDARD_INPUT
from ..media.remote import parse_location
from ..media.writing.output import output_video_name
from .report import Report

_WILD = frozenset("*?[")
_DOWNLOADS = ".download"  # Safari's folders of unfinished ones


@dataclass(frozen=True, slots=True)
class Job:
    """A file to draw, and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Kind:
    """What is drawn: its name, the suffixes by which it is known in a folder and as a target, and the name
    that a file of it gets in the target's folder, by its own name."""

    name: str
    suffixes: frozenset[str]
    written: frozenset[str]
    rename: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do, in `refused`, why nothing can be done about some of what was named, and in
    `notices` what in the folders is not of this kind."""

    jobs: list[Job]
    refused: list[tuple[Path, MediaError]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: a report, or an error; or both, where the source is damaged."""

    job: Job
    report: Report | None = None
    error: CartoonizeError | None = None


PICTURES = Kind("picture", PICTURE_SUFFIXES, PICTURE_SUFFIXES, output_name)


def videos(container: str | None = None) -> Kind:
    """Videos and animations; `container` is the format that all are to be written in, if one is asked for."""
    return Kind(
        "video",
        VIDEO_SUFFIXES | {".gif", ".apng"},
        WRITTEN_SUFFIXES,
        lambda name: output_video_name(name, container),
    )


def stands_alone(sources: Sequence[Path], target: Path, kind: Kind) -> bool:
    """Whether this is one job, from a source to a target, and not one of many files into a folder.

    One file is. A folder of pictures is one job for a video: its frames; also if there are videos in it, as
    long as the target names a file. If it names a folder, the videos are converted.

    Raises:
        MediaError: there are only videos in the folder, and the target names a file.
    """
    [source, *more] = sources
    if more or _is_pattern(source):
        return False
    if not source.is_dir():
        return True
    if kind is PICTURES:
        return False
    stills = any(path.suffix.lower() in PICTURE_SUFFIXES for path in _files(source))
    to_file = not is_folder(target, kind)
    if (stills and to_file) or not any(path.suffix.lower() in kind.suffixes for path in _below(source)):
        return True
    if to_file:
        raise MediaError(f"There are videos in {source}, and no pictures; name a folder to write them to.")
    return False


def single_job(source: Path, target: Path, kind: Kind, *, target_is_folder: bool) -> Job:
    """The job of a source that stands alone.

    A file gets its own name in a folder, as several files do: in one that exists, or in a new one if
    `target_is_folder`. The frames of a folder and of standard input have no name, and keep the target.
    """
    into_folder = target.is_dir() or target_is_folder
    if not into_folder or source.is_dir() or source == STANDARD_INPUT:
        return Job(source, target)
    location = parse_location(source)
    name = location.name if isinstance(location, Path) else PurePosixPath(urlsplit(str(location)).path).name
    return Job(source, target / kind.rename(name))


def plan(sources: Sequence[Path], target: Path, kind: Kind) -> Plan:
    """Decide what is drawn, and what each becomes; what cannot be found is refused one by one.

    Args:
        sources: files; folders, of which everything of this kind is taken, however deep; and patterns such as
            clips/**/*.mp4. Hidden files are passed over, and what lies in `target`, if that is inside.
        target: a folder, made if need be. The outputs lie in it as the sources lie in their folder, or below
            the part of a pattern that has no wildcards. It may be a file if the sources stand alone.
        kind: of the sources.

    Raises:
        MediaError: the only source does not exist, or has nothing of this kind; two sources would become one
            file; an output would replace a source; or `target` is no folder.
    """
    if not is_folder(target, kind):
        if not stands_alone(sources, target, kind):
            raise MediaError(f"{target} is no folder; name a folder for several {kind.name}s.")
        return Plan([Job(sources[0], target)])
    found = find(sources, target, kind)
    if not found.jobs and len(found.refused) == 1:
        raise found.refused[0][1]
    _check(found.jobs)
    return found


def find(sources: Sequence[Path], folder: Path, kind: Kind) -> Plan:
    """As `plan`, of a target that is a folder; but nothing is checked, and nothing may have been found."""
    jobs: dict[Path, Job] = {}
    refused: list[tuple[Path, MediaError]] = []
    notices: list[str] = []
    for source in sources:
        try:
            for path, place in _found(source, folder, kind, refused, notices):
                job = Job(path, folder / place.with_name(kind.rename(place.name)))
                jobs.setdefault(path.absolute(), job)  # what is named twice is drawn once
        except MediaError as error:
            refused.append((source, error))
    return Plan(list(jobs.values()), refused, notices)


def is_folder(target: Path, kind: Kind) -> bool:
    """Whether a target is a folder, or to become one: it has no suffix of a file that could be written."""
    named_as_file = target.suffix.lower() in kind.written or target.exists() or target == STANDARD_INPUT
    return target.is_dir() or not (named_as_file or is_image_sequence(target))


def outcomes(jobs: Iterable[Job], draw: Callable[[Job], Report]) -> Iterator[Outcome]:
    """Draw one after the other, whatever becomes of the one before. The folders of targets are made."""
    for job in jobs:
        try:
            with folder_of(job.target):
                report = draw(job)
        except CartoonizeError as error:
            yield Outcome(job, error=error)
        except Exception as error:  # noqa: BLE001  # a defect must not cost the files behind this one
            yield Outcome(job, error=UnexpectedError.from_exception(error))
        else:
            yield Outcome(job, report, DamageError(report.error) if report.partial else None)


def _found(
    source: Path,
    folder: Path,
    kind: Kind,
    refused: list[tuple[Path, MediaError]],
    notices: list[str],
) -> list[tuple[Path, PurePath]]:
    """The files that a source stands for, each with its place in the target's folder."""
    if not source.is_dir() and not _is_pattern(source):
        if not source.exists():
            raise MediaError(f"There is no file or folder {source}.")
        return [(source, PurePath(source.name))]
    root = source if source.is_dir() else _root(source)
    spared = _inside(folder, root)
    paths = [*(_below(source, spared, refused) if source.is_dir() else _fitting(source, root, spared))]
    suffixes = kind.suffixes | _named_suffix(source)
    found = [path for path in paths if path.suffix.lower() in suffixes]
    if not found:
        what = f"in the folder {source}" if source.is_dir() else f"that fits {source}"
        raise MediaError(f"There is no {kind.name} {what}.")
    if source.is_dir():
        notices += describe_left_out(source, set(paths).difference(found))
    return [(path, path.relative_to(root)) for path in found]


def _below(
    folder: Path, spared: Path | None = None, refused: list[tuple[Path, MediaError]] | None = None
) -> Iterator[Path]:
    """All files below a folder, in natural order; none that is hidden, or in the folder `spared`."""

    def refuse(error: OSError) -> None:
        place = Path(error.filename)
        if refused is not None:
            refused.append((place, MediaError(f"Cannot read the folder {place}: {error.strerror}.")))

    for place, folders, names in os.walk(folder, onerror=refuse):
        here = Path(place)
        folders[:] = sorted(
            (name for name in folders if _is_open(name) and here / name != spared), key=natural_key
        )
        yield from (here / name for name in sorted(names, key=natural_key) if _is_open(name))


def _fitting(pattern: Path, root: Path, spared: Path | None) -> Iterator[Path]:
    """The files that fit a pattern, and those in folders that do, as a shell would name them."""
    try:
        matches = sorted(root.glob(str(pattern.relative_to(root))), key=_order)
    except (ValueError, NotImplementedError) as error:
        raise MediaError(f"{pattern} is no pattern: {error}.") from error
    for match in matches:
        hidden = not all(map(_is_open, match.relative_to(root).parts))
        if hidden or (spared is not None and match.is_relative_to(spared)):
            continue
        yield from _below(match, spared) if match.is_dir() else [match]


def _order(path: Path) -> list[Any]:
    return [natural_key(part) for part in path.parts]


def _files(folder: Path) -> list[Path]:
    """Those directly in it."""
    try:
        return [path for path in folder.iterdir() if path.is_file() and _is_open(path.name)]
    except OSError as error:
        raise MediaError(f"Cannot read the folder {folder}: {error.strerror}.") from error


def _is_open(name: str) -> bool:
    """Whether a file or folder is the user's, neither hidden nor a download that is not finished."""
    return not name.startswith(".") and not name.endswith(_DOWNLOADS)


def _is_pattern(path: Path) -> bool:
    return not _WILD.isdisjoint(str(path)) and not path.exists()


def _root(pattern: Path) -> Path:
    """The folders of a pattern before the first wildcard; one that is there may have some in its name."""
    return next(parent for parent in pattern.parents if _WILD.isdisjoint(str(parent)) or parent.is_dir())


def _named_suffix(source: Path) -> set[str]:
    """The suffix that a pattern asks for, if it is spelt out: what is named is taken, whatever it is."""
    suffix = source.suffix.lower()
    return {suffix} if suffix and _is_pattern(source) and _WILD.isdisjoint(suffix) else set()


def _inside(folder: Path, root: Path) -> Path | None:
    """`folder` as a path that begins with `root`, if it lies below it."""
    try:
        place = folder.resolve().relative_to(root.resolve())
    except ValueError:
        return None
    return root / place if place.parts else None


def _check(jobs: list[Job]) -> None:
    """Refuse what would lose a file, as some file systems see names: without regard to case."""
    sources = {_key(job.source) for job in jobs}
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(_key(job.target), job)
        if other is not job:
            raise MediaError(
                f"{other.source} and {job.source} would both become {job.target}; rename one of them, or "
                "write them to different folders."
            )
        if _key(job.target) in sources:
            raise MediaError(f"{job.target} is a source itself; name another folder to write to.")


def _key(path: Path) -> str:
    return str(path.resolve()).lower()


@contextmanager
def folder_of(target: Path) -> Iterator[None]:
    """Make the folder of a target, and remove it at the end of the block if it is new and still empty."""
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error
    try:
        yield
    finally:
        with suppress(OSError):
            for folder in missing:
                folder.rmdir()  # fails, as it should, unless it is empty
