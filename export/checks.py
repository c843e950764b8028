"""What an export refuses at once, before PyTorch is imported and long work begins."""

from collections.abc import Sequence
from pathlib import Path

from ..core.atomic import check_target
from ..core.atomic_folder import FolderKind, check_folder
from ..core.choices import Detail
from ..core.errors import BackendError, ModelError
from ..core.messages import unknown_choice_message
from ..models import NAMES
from ..styles import ENGINES, find_style

ENGINES_FOLDER = FolderKind("folder of engines", ENGINES)
WEB_FOLDER = FolderKind("folder of export-web", "styles.json")


def check_suffix(out: Path, suffix: str) -> None:
    """Refuse a name that does not end as files of its kind do.

    Raises:
        BackendError: it ends otherwise.
    """
    if out.suffix.lower() != suffix:
        raise BackendError(f"{out} has to end in {suffix}; write {out.with_suffix(suffix).name}.")


def check_architecture(name: str | None) -> None:
    """Refuse the name of an unknown architecture; None is any.

    Raises:
        ModelError: there is none of that name.
    """
    if name is not None and name not in NAMES:
        raise ModelError(unknown_choice_message("architecture", name, NAMES))


def check_detail(detail: Detail, size: tuple[int, int] | None) -> None:
    """Refuse a detail without a size: such a file would not know what to enlarge its drawings to.

    Raises:
        BackendError: there is no size, and the detail is not "full".
    """
    if detail != "full" and size is None:
        raise BackendError(
            f"A file that draws at detail {detail} is for one size: state it, as --size 3840x2160."
        )


def check_file_export(
    style: str, out: Path, suffix: str, *, overwrite: bool, beside: Sequence[Path] = ()
) -> Path:
    """Refuse an export whose style is missing or whose file cannot be written; return the style's file.

    Args:
        style: a built-in name, a style file or a run folder.
        out: the file to write.
        suffix: how its name has to end.
        overwrite: existing files are replaced.
        beside: more files that the export writes.

    Raises:
        BackendError: `out` has another suffix.
        ModelError: there is no such style.
        MediaError: a file exists already or cannot be written.
    """
    check_suffix(out, suffix)
    path = find_style(style)
    for target in (out, *beside):
        check_target(target, overwrite=overwrite, sources=[path])
    return path


def check_folder_export(style: str, folder: Path, kind: FolderKind, *, overwrite: bool) -> Path:
    """Refuse an export whose style is missing or whose folder cannot be written; return the style's file.

    Raises:
        ModelError: there is no such style.
        MediaError: as `atomic_folder`.
    """
    path = find_style(style)
    check_folder(folder, kind, overwrite=overwrite)
    return path
