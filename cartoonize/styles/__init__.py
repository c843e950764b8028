"""The built-in styles, those of one's own, and how a style is found by name or path."""

from pathlib import Path

from ..core.choices import did_you_mean
from ..core.errors import ModelError
from . import user

DEFAULT = "pepper"
ENGINES = "engines.json"  # what a folder of TensorRT engines holds beside them


def builtin_styles() -> dict[str, Path]:
    """Names and files of the styles that come with the package, the default one first."""
    files = Path(__file__).parent.glob("*.safetensors")
    return {path.stem: path for path in sorted(files, key=lambda path: (path.stem != DEFAULT, path.stem))}


def style_names() -> list[str]:
    """All names that there are: the built-in ones, then those of one's own."""
    return list(dict.fromkeys((*builtin_styles(), *user.names())))


def check_style_name(name: str) -> None:
    """Refuse what cannot be the name of a style of one's own.

    Raises:
        ModelError: it is of another form, or means something already.
    """
    if not user.is_valid_name(name):
        like = user.suggest_name(name) or "my-style"
        raise ModelError(
            f"{name!r} cannot be the name of a style: write at most {user.MAX_NAME} lower-case letters, "
            f"digits and hyphens, as in {like}."
        )
    if name in builtin_styles() or name == "null":
        raise ModelError(f"{name} is a built-in style; choose another --name.")


def remove(name: str) -> None:
    """Remove a style of one's own.

    Raises:
        ModelError: it is a built-in one, or there is none of the name.
    """
    if name in builtin_styles():
        raise ModelError(f"{name} comes with cartoonize, and cannot be removed.")
    user.remove(name)


def find_style(style: str) -> Path:
    """The file of a style: a name, a file, or what the folder of a run or of engines holds.

    Raises:
        ModelError: there is none, or one of the user's own is no longer what was added.
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
        f"There is no style {style!r}: it is no file, and the styles are {', '.join(known)}."
        f"{did_you_mean(style, known)}"
    )


def find_style_file(path: Path) -> Path | None:
    """A file, or what the folder of a run or of engines holds; None if the path is neither.

    Raises:
        ModelError: it cannot be read, or is the folder of something else.
    """
    try:
        if path.is_dir():
            held = [path / name for name in ("style.safetensors", ENGINES) if (path / name).is_file()]
            if not held:
                raise ModelError(
                    f"There is no {path / 'style.safetensors'}: {path} is no folder of a run or of engines, "
                    "or the run has just begun."
                )
            return held[0]
        return path if path.is_file() else None
    except OSError as error:
        raise ModelError(f"Cannot read the style {path}: {error.strerror}.") from error
