"""The built-in styles, and how a style is found by name or path."""

from pathlib import Path

from ..errors import ModelError

DEFAULT = "pepper"


def builtin() -> dict[str, Path]:
    """Names and files of the styles that come with the package."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.safetensors"))}


def find(style: str) -> Path:
    """The file of a style: a built-in name, a file, or the folder of a training run.

    Raises:
        ModelError: there is neither.
    """
    styles = builtin()
    if style in styles:
        return styles[style]
    path = Path(style)
    try:
        if path.is_dir():
            path = path / "style.safetensors"
            if not path.is_file():
                raise ModelError(
                    f"There is no {path}: {style} is no run folder, or its training has just begun."
                )
        if path.is_file():
            return path
    except OSError as error:
        raise ModelError(f"Cannot read the style {style}: {error.strerror}.") from error
    names = ", ".join(styles) or "none"
    raise ModelError(f"There is no style {style!r}: it is no file, and the built-in styles are {names}.")
