"""Reading recipes: `recipes/NAME.toml`, or a file of the user's own, each perhaps with a `base`.

A recipe with `base = "pepper"` inherits from that built-in recipe; with `base = "other.toml"` from a file,
relative to the recipe's folder. Tables merge key by key; other values replace those of the base.
"""

import math
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..core.errors import TrainingError
from ..core.messages import did_you_mean
from ..core.structs import build
from .recipe import PhaseName, Recipe

FOLDER = Path(__file__).parent / "recipes"


def builtin_recipes(phase: PhaseName | None = None) -> list[str]:
    """Names of the recipes that come with the package, or of those that have the phase."""
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return [name for name in names if phase is None or phase in load_recipe(name).phases()]


@cache
def load_recipe(name: str) -> Recipe:
    """The built-in recipe of that name, or that of a TOML file.

    Raises:
        TrainingError: there is no such recipe, one of its bases is missing or leads back to it, or a key or
            a value is not a recipe's.
    """
    path = _find(name, Path())
    if path is None:
        names = builtin_recipes()
        raise TrainingError(
            f"There is no preset {name!r}: it is no file, and the presets are {', '.join(names)}."
            f"{did_you_mean(name, names)}"
        )
    values = _read_with_bases(path)
    try:
        check_finite(values)
        return build(Recipe, values)
    except ValueError as error:
        raise TrainingError(f"The recipe {path} is not valid: {error}") from error
    except RecursionError as error:
        raise TrainingError(f"The recipe {path} is not valid: its tables are nested too deeply.") from error


def _find(name: str, folder: Path) -> Path | None:
    """The file of a built-in recipe, or of the path `name` relative to `folder`; None if there is none."""
    builtin = [FOLDER / f"{name}.toml"] if Path(name).name == name else []
    with suppress(OSError):  # the name is too long for a file
        return next((path for path in (*builtin, folder / name) if path.is_file()), None)
    return None


def _read_with_bases(path: Path, heirs: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a recipe merged onto those of its bases; `heirs` are the files that led to it."""
    heirs = (*heirs, path.resolve())
    values = _read(path)
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise TrainingError(f"The recipe {path} is not valid: base: expected the name of a recipe or a path.")
    base_path = _find(base, path.parent)
    if base_path is None:
        raise TrainingError(
            f"The recipe {path} has the base {base!r}, which is neither a built-in recipe nor a file."
            f"{did_you_mean(base, builtin_recipes())}"
        )
    if base_path.resolve() in heirs:
        chain = " -> ".join(file.name for file in (*heirs, base_path))
        raise TrainingError(f"The bases of the recipe {path} lead back to it: {chain}.")
    return _merge(_read_with_bases(base_path, heirs), values)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"Cannot read the recipe {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # of TOML or of UTF-8
        raise TrainingError(f"The recipe {path} is not valid TOML: {error}.") from error


def check_finite(value: object, place: str = "") -> None:
    """Refuse `nan`, `inf` and numbers too large for a float, in any table or list.

    Raises:
        ValueError: with the place of the number.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            check_finite(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for inner in value:
            check_finite(inner, place)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place}: expected a finite number, got {value}.")


def _merge(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """`values` over `base`: tables merge, everything else replaces."""
    merged = dict(base)
    for key, value in values.items():
        inherited = base.get(key)
        if isinstance(inherited, dict) and isinstance(value, dict):
            merged[key] = _merge(inherited, value)
        else:
            merged[key] = value
    return merged
