"""The built-in styles, and how a style is found by name or path."""

from pathlib import Path

from ..errors import ModelError

DEFAULT = "pepper"
ENGINES = "engines.json"  # what a folder of TensorRT engines holds beside them


def builtin() -> dict[str, Path]:
    """Names and files of the styles that come with the package."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.safetensors"))}


def find(style: str) -> Path:
    """The file of a style: a built-in name, a file, or what the folder of a run or of engines holds.

    Raises:
        ModelError: there is neither.
    """
    styles = builtin()
    if style in styles:
        return styles[style]
    path = Path(style)
    try:
        if path.is_dir():
            held = [path / name for name in ("style.safetensors", ENGINES) if (path / name).is_file()]
            if not held:
                raise ModelError(
                    f"There is no {path / 'style.safetensors'}: {style} is no folder of a run or of engines, "
                    "or the run has just begun."
                )
            path = held[0]
        if path.is_file():
            return path
    except OSError as error:
        raise ModelError(f"Cannot read the style {style}: {error.strerror}.") from error
    names = ", ".join(styles) or "none"
    raise ModelError(f"There is no style {style!r}: it is no file, and the built-in styles are {names}.")
