"""Plans the jobs of a command: selects the sources, and names the output of each.

Planning uses names and folders only, and opens no file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ..core.containers import VIDEO_SUFFIXES, WRITTEN_SUFFIXES
from ..core.errors import MediaError
from ..core.messages import missing_file_message
from ..media.pictures.folder import are_numbered, describe_left_out, output_name
from ..media.pictures.formats import PICTURE_SUFFIXES
from ..media.pictures.sequence_sink import is_image_sequence
from ..media.reading.standard_input import STANDARD_INPUT
from ..media.remote import Location, parse_location
from ..media.writing.output import output_video_name
from .file_jobs import Job
from .find_files import (
    explicit_suffix,
    files_below,
    files_in,
    is_pattern,
    matching_files,
    path_inside,
    pattern_root,
)


@dataclass(frozen=True, slots=True)
class FileKind:
    """The kind of files that a command converts.

    `suffixes` are those of the sources that it takes from a folder, `output_suffixes` those of the files that
    it can write. `output_name` turns the name of a source into the name of its output in a folder.
    """

    name: str
    suffixes: frozenset[str]
    output_suffixes: frozenset[str]
    output_name: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """The jobs; in `refused` the sources that cannot be converted, each with the reason.

    `notices` names the files in the folders that are of another kind.
    """

    jobs: list[Job]
    refused: list[tuple[Path, MediaError]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


PICTURES = FileKind("picture", PICTURE_SUFFIXES, PICTURE_SUFFIXES, output_name)


def videos(format_name: str | None = None) -> FileKind:
    """Videos and animations; `format_name` is that of all outputs, as in `Encoding`, or None."""
    return FileKind(
        "video",
        VIDEO_SUFFIXES | (WRITTEN_SUFFIXES - PICTURE_SUFFIXES),  # animations, unless they are mostly pictures
        WRITTEN_SUFFIXES,
        lambda name: output_video_name(name, format_name),
    )


def is_single_job(sources: Sequence[Path], target: Path, kind: FileKind) -> bool:
    """Whether this is one job, from a source to a target, and not one of many files into a folder.

    One file is one job. A folder of pictures is one job for a video, whose frames they are. If it holds
    videos too, they are converted into a target that is a folder; for a target that is a file, the pictures
    are the frames if they are numbered.

    Raises:
        MediaError: the folder holds videos, no numbered pictures, and the target names a file; or it holds
            nothing to convert.
    """
    [source, *more] = sources
    if not more and source == STANDARD_INPUT:  # even if there is a folder of this name
        return True
    if more or is_pattern(source):
        return False
    if not source.is_dir():
        return True
    if kind is PICTURES:
        return False
    pictures = [path.name for path in files_in(source) if path.suffix.lower() in PICTURE_SUFFIXES]
    to_file = not is_output_folder(target, kind)
    if to_file and are_numbered(pictures):
        return True
    video = next((path for path in files_below(source) if _is_source(path, target, kind)), None)
    if video is None:
        if pictures:
            return True
        raise MediaError(f"There is neither a video nor a picture in the folder {source}.")
    if to_file and pictures:
        raise MediaError(
            f"The folder {source} holds pictures, and videos such as {video.relative_to(source)}: name a "
            "folder to write the videos to, or add --fps 25 to make one video of the pictures."
        )
    if to_file:
        raise MediaError(f"There are videos in {source}, and no pictures; name a folder to write them to.")
    return False


def _is_source(path: Path, target: Path, kind: FileKind) -> bool:
    return path.suffix.lower() in kind.suffixes and path.absolute() != target.absolute()


def single_job(source: Path, target: Path, kind: FileKind, *, target_is_folder: bool) -> Job:
    """The job of a source for which `is_single_job` is true.

    In a folder a file gets its own name, as several files do: in one that exists, or in a new one if
    `target_is_folder`. The frames of a folder and of standard input have no name, and keep the target.
    """
    into_folder = (target.is_dir() and target != STANDARD_INPUT) or target_is_folder
    if not into_folder or source.is_dir() or source == STANDARD_INPUT:
        return Job(source, target)
    name = parse_location(source).name
    return Job(source, target / kind.output_name(name))


def plan_jobs(sources: Sequence[Path], target: Path, kind: FileKind) -> JobPlan:
    """Decide what is converted, and where each output goes.

    Args:
        sources: files; folders, from which all files of this kind are taken, with those in subfolders; and
            patterns such as clips/**/*.mp4. Hidden files are left out, and so are files in `target`.
        target: a folder, created if necessary. It gets the same subfolders as the source folder, or as the
            folder before the wildcards of a pattern. For a single job it may be a file.
        kind: the kind of the sources.

    Raises:
        MediaError: the only source does not exist, or holds no file of this kind; two sources have the same
            output; an output would replace a source; or `target` is not a folder.
    """
    is_folder = is_output_folder(target, kind)
    if not is_folder and is_single_job(sources, target, kind):
        return JobPlan([Job(sources[0], target)])
    plan = find_jobs(sources, target, kind)
    if not plan.jobs and (len(plan.refused) == 1 or not is_folder):
        raise plan.refused[0][1]
    if not is_folder:
        raise MediaError(f"{target} is not a folder; name a folder for several {kind.name}s.")
    _check_outputs(plan.jobs)
    return plan


def find_jobs(sources: Sequence[Path], folder: Path, kind: FileKind) -> JobPlan:
    """As `plan_jobs` for a target that is a folder, but without the checks; the plan may be empty."""
    jobs: dict[Path, Job] = {}
    refused: list[tuple[Path, MediaError]] = []
    notices: list[str] = []
    for source in sources:
        try:
            for path, relative in _expand(source, folder, kind, refused, notices):
                job = Job(path, folder / relative.with_name(kind.output_name(relative.name)))
                jobs.setdefault(path.absolute(), job)  # a file that is named twice is converted once
        except MediaError as error:
            refused.append((source, error))
    return JobPlan(list(jobs.values()), refused, notices)


def is_output_folder(target: Path, kind: FileKind) -> bool:
    """Whether a target is a folder, or is to become one: it has no suffix of a file that can be written."""
    if target == STANDARD_INPUT:
        return False
    is_file_name = target.suffix.lower() in kind.output_suffixes or is_image_sequence(target)
    return target.is_dir() or not (is_file_name or target.exists())


def _expand(
    source: Path,
    folder: Path,
    kind: FileKind,
    refused: list[tuple[Path, MediaError]],
    notices: list[str],
) -> list[tuple[Path, PurePath]]:
    """The files that a source stands for, each with its relative path in the target's folder."""
    if source == STANDARD_INPUT:
        raise MediaError("Standard input (-) is one video; convert it alone.")
    if not source.is_dir() and not is_pattern(source):
        location = parse_location(source)
        if isinstance(location, Path) and not location.exists():
            raise MediaError(missing_file_message(source))
        return [(source, PurePath(location.name))]
    root = source if source.is_dir() else pattern_root(source)
    excluded = path_inside(folder, root)
    candidates = (
        files_below(source, excluded, refused) if source.is_dir() else matching_files(source, excluded)
    )
    paths, suffixes = list(candidates), kind.suffixes | explicit_suffix(source)
    accepted = [path for path in paths if path.suffix.lower() in suffixes]
    if not accepted:
        raise MediaError(_describe_nothing(source, root, kind, is_empty=not paths))
    if source.is_dir():
        notices += describe_left_out(source, set(paths).difference(accepted))
    return [(path, path.relative_to(root)) for path in accepted]


def _describe_nothing(source: Path, root: Path, kind: FileKind, *, is_empty: bool) -> str:
    """Why a folder, or a pattern below `root`, names no file of the kind; `is_empty` if it names none."""
    if source.is_dir():
        return f"There is no {kind.name} in the folder {source}."
    if not root.is_dir():
        return f"Nothing matches the pattern {source}: there is no folder {root}."
    if is_empty:
        return f"Nothing matches the pattern {source}."
    return f"No {kind.name} matches the pattern {source}, but files of other kinds do."


def comparison_key(path: Location) -> str:
    """A text that is equal for two names of one file, also where file systems ignore upper and lower case."""
    return (str(path.resolve()) if isinstance(path, Path) else str(path)).lower()


def _check_outputs(jobs: list[Job]) -> None:
    """Refuse jobs that would lose a file, on file systems that ignore upper and lower case too."""
    sources = {comparison_key(job.source) for job in jobs}
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(comparison_key(job.target), job)
        if other is not job:
            raise MediaError(
                f"{other.source} and {job.source} would both become {job.target}; rename one of them, or "
                "write them to different folders."
            )
        if comparison_key(job.target) in sources:
            raise MediaError(f"{job.target} is a source itself; name another folder to write to.")
