"""Long videos: half an hour, or as many minutes as the environment variable CARTOONIZE_MINUTES says, takes no
more of the machine than a minute."""

import json
import os
import subprocess
import sys

import pytest
from clips import Clip

MINUTES = int(os.environ.get("CARTOONIZE_MINUTES", "30"))
RATE = 24

# Samples the process's own pages, threads and open files at every hundredth of the frames. Memory that glibc
# keeps after it was freed is returned first: encoders come and go, and its arenas grow until all are used.
PROBE = """
import ctypes, json, os, sys, threading
from pathlib import Path
from cartoonize import Report, load, open_sink, open_source
from cartoonize.run.job import run

source, target, style, frames = *sys.argv[1:4], int(sys.argv[4])
samples = []

def probe(done):
    if done % (frames // 100) == 0:
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)
        resident, shared = map(int, Path("/proc/self/statm").read_text().split()[1:3])
        samples.append((resident - shared, threading.active_count(), len(os.listdir("/proc/self/fd"))))

with open_source(Path(source)) as video:
    backend = load(style, device="cpu")
    sink = open_sink(Path(target), video)
    report = run(video, sink, backend, Report(target, style), on_frame=probe)
print(json.dumps({"frames": report.frames, "samples": samples}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_half_an_hour(tmp_path, tiny_style):
    """Memory, threads and open files are the same in the first and the last tenth of a long video.

    In Matroska: of an MP4 file the index, 60 to 100 bytes a packet, is kept in memory until it is whole.
    """
    frames = MINUTES * 60 * RATE
    clip = Clip(times=range(frames), codec="mpeg4", options={}, tones=[440]).write(tmp_path / "in.mp4")
    command = [
        sys.executable,
        "-c",
        PROBE,
        str(clip),
        str(tmp_path / "out.mkv"),
        str(tiny_style),
        str(frames),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["frames"] == frames
    first, last = report["samples"][:10], report["samples"][-10:]
    pages = [sum(sample[0] for sample in tenth) / len(tenth) for tenth in (first, last)]
    assert pages[1] <= 1.02 * pages[0], [sample[0] for sample in report["samples"][::9]]
    for kind in (1, 2):
        assert max(sample[kind] for sample in last) <= max(sample[kind] for sample in first)
