"""The resizing of pictures in browsers, by Node.js, compared with the one of the command."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from cartoonize.core.draw_size import draw_size, enlarge, resize
from cartoonize.export.browser_files import BROWSER

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node.js: apt-get install nodejs")

SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const { drawSize, resizeDrawing, resizePicture } = await import(process.argv[2]);
const { sizes, jobs } = JSON.parse(readFileSync("jobs.json"));
for (const { name, from, to } of jobs) {
    const pixels = readFileSync(name);
    const rgb = name.startsWith("picture")
        ? resizePicture(new Uint8ClampedArray(pixels), from, to)
        : resizeDrawing(new Uint8Array(pixels), from, to);
    writeFileSync(`${name}.resized`, rgb);
}
console.log(JSON.stringify(sizes.map(([width, height, detail]) => drawSize(width, height, detail))));
"""


def run_node(folder: Path, **jobs):
    """Run the script in a folder; return the sizes that it prints."""
    (folder / "script.mjs").write_text(SCRIPT)
    (folder / "jobs.json").write_text(json.dumps({"sizes": [], "jobs": []} | jobs))
    command = [NODE, "script.mjs", (BROWSER / "draw_size.js").as_uri()]
    return json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout)


def noise(width, height):
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_draw_size_is_that_of_the_command(tmp_path):
    """The same picture is drawn at the same size in a browser and by the command."""
    sides = [1, 2, 3, 7, 100, 180, 333, 479, 480, 505, 720, 756, 757, 1080, 1999, 6000]
    sizes = [(w, h, detail) for w in sides for h in sides for detail in ("low", "normal", "high", "full")]
    assert run_node(tmp_path, sizes=sizes) == [list(draw_size(*size)) for size in sizes]


def test_pictures_are_resized_as_by_the_command(tmp_path):
    """Each value is within a level of the command's, and nearly all are the same where OpenCV uses IPP."""
    sizes = [(1, 1), (3, 5), (1, 90), (400, 7), (97, 33), (241, 199), (333, 500), (300, 200), (551, 400)]
    sizes += [(640, 360), (757, 760), (960, 961), (1440, 1440), (1013, 1311)]
    jobs, expected = [], {}
    for width, height in sizes:
        drawn = draw_size(width, height, "normal")
        for name, source, target, function in (
            (f"picture-{width}-{height}", (width, height), drawn, resize),
            (f"drawing-{width}-{height}", drawn, (width, height), enlarge),
        ):
            pixels = noise(*source)
            expected[name] = function(pixels, target)
            if name.startswith("picture"):
                pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
            (tmp_path / name).write_bytes(pixels.tobytes())
            jobs.append({"name": name, "from": source, "to": target})
    run_node(tmp_path, jobs=jobs)
    for name, picture in expected.items():
        resized = np.fromfile(tmp_path / f"{name}.resized", np.uint8).reshape(picture.shape)
        differences = np.abs(resized.astype(int) - picture)
        assert differences.max() <= 1, name
        if cv2.ipp.useIPP():
            assert (differences > 0).mean() < 1e-4, name
