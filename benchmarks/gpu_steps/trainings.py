"""The trainings of --train: each gets an equal share of the time that is left."""

import io
import sys
import tarfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from PIL import Image as Pillow

from .figures import record
from .processes import run_limited

GRACE = 20.0  # seconds in which a training that was asked to end saves its checkpoint
SHEETS = 4  # of each phase
RESULTS = {".safetensors", ".onnx", ".png", ".webp", ".json", ".jsonl", ".toml", ".csv"}
DATA = {"pairs", "taught", "drawings", "smoothed", "held-back", "left-out"}  # folders of a run with pictures


def run_trainings(
    trainings: Sequence[str], out: Path, folder: Path, deadline: float, environment: dict[str, str]
) -> None:
    """Run each training, the words after `cartoonize train`, in a run folder below `folder`.

    What it makes is packed into `out` every minute and at the end. A training of a style gets its time by
    --minutes, so that it gets through all its steps.
    """
    for number, arguments in enumerate(trainings, 1):
        seconds = (deadline - time.monotonic()) / (len(trainings) - number + 1) - GRACE
        seconds = max(1.0, seconds)
        run, name, words = folder / f"training-{number}", f"training-{number}", arguments.split()
        command = [sys.executable, "-m", "cartoonize", "train", *words]
        command += ["--run", str(run), "--save-every", "60"]
        if words[0] == "run" and not {"--minutes", "--preset"} & set(words):
            command += ["--minutes", f"{seconds / 60:.2f}"]
        keep = partial(pack, run, out, name)
        printed, code = run_limited(command, seconds, environment, grace=GRACE, every_minute=keep)
        keep()
        figures = {"arguments": arguments, "exit_code": code, "last": printed.splitlines()[-25:]}
        record(out, name, figures)
        print(f"{name}: {figures}", flush=True)


def pack(run: Path, out: Path, name: str) -> None:
    """Write two archives of a run folder: what it has made, and its newest checkpoint, the largest file."""
    files = [path for path in sorted(run.rglob("*")) if not DATA & set(path.relative_to(run).parts)]
    checkpoints = [path for path in files if path.name.startswith("checkpoint-")]
    archives = {name: list(filter(_is_result, files)), f"{name}-checkpoint": _newest(checkpoints)}
    for archive, paths in archives.items():
        part = out / f"{archive}.part"
        with tarfile.open(part, "w:gz") as tar:
            for path in paths:
                with suppress(FileNotFoundError):  # the training has replaced it
                    _add(tar, path, path.relative_to(run))
        if paths:
            part.replace(out / f"{archive}.tar.gz")
        else:
            part.unlink()


def _add(archive: tarfile.TarFile, path: Path, name: Path) -> None:
    """Add a file; a picture as JPEG, which is a tenth as large."""
    if path.suffix != ".png":
        archive.add(path, str(name))
        return
    content = io.BytesIO()
    Pillow.open(path).convert("RGB").save(content, "JPEG", quality=92, subsampling=0)
    entry = tarfile.TarInfo(str(name.with_suffix(".jpg")))
    entry.size = content.tell()
    content.seek(0)
    archive.addfile(entry, content)


def _is_result(path: Path) -> bool:
    """Whether it is a style, a table, a picture to show, or one of the newest sheets of a phase."""
    if path.parent.name == "samples":
        return path in sorted(path.parent.iterdir())[-SHEETS:]
    return path.suffix in RESULTS


def _newest(paths: Sequence[Path]) -> list[Path]:
    return sorted(filter(Path.exists, paths), key=lambda path: path.stat().st_mtime)[-1:]
