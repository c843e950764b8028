"""The display of `train run` where there is no terminal."""

import json
import re
from pathlib import Path

from PIL import Image

from cartoonize.cli.train.run_display import RunDisplay


def test_steps_are_lines(capsys):
    """Each step prints its title, the time that is left, and ten lines at most; sheets are named."""
    with RunDisplay() as display:
        display.begin_step("Redrawing photos", 5, 10, 2500.0)
        for done in range(1, 501):
            display.show_pictures(done, 500)
        display.begin_step("Training", 6, 10, None)
        display.show_images(5440, 10_000, 40.2)
        display.show_sheet(Path("runs/mine/samples/1.png"))
        display.show_note("110 drawings to learn from.")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "5/10 Redrawing photos. 42 min left"
    assert sum("pictures" in line for line in lines) == 10
    assert lines[-4:] == [
        "6/10 Training.",
        "6/10 Training: 5,440/10,000, 40/s",
        "Newest sheet: runs/mine/samples/1.png",
        "110 drawings to learn from.",
    ]


def test_a_dry_run_is_a_table_of_steps(run, tmp_path):
    """`train run --dry-run` prints each step with its time in words, in 80 columns, and trains nothing."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (8, 8)).save(pictures / "picture.png")
    words = ["train", "run", "--style", pictures, "--photos", pictures, "--run", tmp_path / "r", "--dry-run"]
    code, out, _ = run(*words, "--device", "cpu", "--minutes", "60")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert re.search(r"Redrawing photos by filters +│ about \d+ minutes", out)
    assert not (tmp_path / "r").exists()
    steps = json.loads(run(*words, "--json")[1])["steps"]
    assert [step["title"] in out for step in steps] == [True] * len(steps)
    short = run(*words, "--device", "cpu", "--minutes", "1")[1]
    words_in_a_row = "".join(short.split())  # the length of the path decides where lines break
    assert re.search(r"r:about\d+(seconds|minutes),oncpu", words_in_a_row)
    assert "morethan--minutes1" in words_in_a_row
    assert "more than --minutes" not in out
