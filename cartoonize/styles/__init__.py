"""The built-in styles and those that the user added; finds a style by its name or path."""

from pathlib import Path

from ..core.errors import ModelError
from ..core.messages import did_you_mean, is_special_file, missing_file_message
from . import user

DEFAULT = "pepper"
ENGINES = "engines.json"  # describes the TensorRT engines in a folder


def builtin_styles() -> dict[str, Path]:
    """Return the names and files of the styles that come with the package, the default one first."""
    files = Path(__file__).parent.glob("*.safetensors")
    return {path.stem: path for path in sorted(files, key=lambda path: (path.stem != DEFAULT, path.stem))}


def style_names() -> list[str]:
    """Return all names: the built-in ones, then those that the user added."""
    return list(dict.fromkeys((*builtin_styles(), *user.names())))


def check_style_name(name: str) -> None:
    """Refuse what cannot be the name of a user's style.

    Raises:
        ModelError: the name is malformed, or a built-in style has it.
    """
    if not user.is_valid_name(name):
        suggestion = user.suggest_name(name) or "my-style"
        raise ModelError(
            f"{name!r} cannot be the name of a style: write at most {user.MAX_NAME} lower-case letters, "
            f"digits and hyphens, as in {suggestion}."
        )
    if name in builtin_styles() or name == "null":
        raise ModelError(f"{name} is a built-in style; choose another --name.")


def remove(name: str) -> None:
    """Remove a style that the user added.

    Raises:
        ModelError: it is a built-in one, or there is no such style.
    """
    if name in builtin_styles():
        raise ModelError(f"{name} is a built-in style, and cannot be removed.")
    user.remove(name)


def find_style(style: str) -> Path:
    """Return the file of a style: by name, by file, or by the folder of a run or of engines.

    Raises:
        ModelError: there is no such style, or the file of a user's style has changed since it was added.
    """
    styles = builtin_styles()
    if style in styles:
        return styles[style]
    if style in user.names():
        return user.verify_file(style)
    path = find_style_file(Path(style))
    if path is not None:
        return path
    known = style_names()
    raise ModelError(
        f"There is no style {style!r}: it is not a file, and the styles are {', '.join(known)}."
        f"{did_you_mean(style, known)}"
    )


def label_style(path: Path) -> str:
    """Return what users call the style of a file: its name if it is built in or theirs, else the path."""
    if path in builtin_styles().values():
        return path.stem
    name = path.stem.rpartition("-")[0]  # see user.py
    return name if path.parent == user.folder() and name in user.names() else str(path)


def find_style_file(path: Path) -> Path | None:
    """Return a file, or the one in the folder of a run or of engines; None if the path is neither.

    Raises:
        ModelError: the path cannot be read, or is another folder.
    """
    try:
        if path.is_dir():
            files = [path / name for name in ("style.safetensors", ENGINES) if (path / name).is_file()]
            if not files:
                raise ModelError(
                    f"There is no {path / 'style.safetensors'}: {path} is not the folder of a run or of "
                    "engines, or the run has just begun."
                )
            return files[0]
        if is_special_file(path):
            raise ModelError(missing_file_message(path))
        return path if path.is_file() else None
    except OSError as error:
        raise ModelError(f"Cannot read the style {path}: {error.strerror}.") from error
