"""The suffix of an exported file, by which programs recognise its format."""

from pathlib import Path

from ..core.errors import BackendError


def check_suffix(out: Path, suffix: str) -> None:
    """Refuse a name that does not end as files of its kind do.

    Raises:
        BackendError: it ends otherwise.
    """
    if out.suffix.lower() != suffix:
        raise BackendError(f"{out} has to end in {suffix}; write {out.with_suffix(suffix).name}.")
