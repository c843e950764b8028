"""The report at the end of `train run`."""

import json
from pathlib import Path

import pytest

from cartoonize.styles.figures import FIGURES
from cartoonize.training.style_run.report import assess
from cartoonize.training.style_run.workspace import RunOptions, Workspace

FIGURES_OF_A_RUN = {
    "faint_lost": 0.2, "flatness_ratio": 2.0, "contours_kept": 0.8, "colour_shift": 9.0,
    "flicker_ratio_stabilized": 0.85, "frechet_vgg16_output": 3.0, "frechet_vgg16_source": 6.0,
}  # fmt: skip


@pytest.fixture
def report(tmp_path):
    """A function that writes figures as a run does, and returns the rows of its report by their titles."""

    def rows(figures, clip=None):
        (tmp_path / "quality.json").write_text(json.dumps({"style": "mine", "figures": figures}))
        return {row.title: row for row in assess(Workspace(tmp_path, RunOptions((), (), clip=clip)))}

    return rows


def test_a_poor_figure_has_advice(report):
    """Figures beyond their limits, above or below it, are poor, and say what to do."""
    rows = report(FIGURES_OF_A_RUN, clip=Path("clip.mp4"))
    poor = [title for title, row in rows.items() if not row.is_good]
    assert poor == ["faint structures lost", "contours kept", "flicker in videos, times the source's"]
    assert all(rows[title].advice for title in poor)
    assert rows["contours kept"].wanted == "at least 85 %"
    assert rows["distance to the artist, times the photos'"].value == "0.5"


def test_figures_have_the_names_of_style_cards(report):
    """The report and `styles show` call a figure by the same words."""
    titles = {figure.title for figure in FIGURES.values()}
    assert {title.split(", ")[0] for title in report(FIGURES_OF_A_RUN)} <= titles


def test_flicker_of_the_demo_has_its_own_limit(report):
    """Without a clip the flicker is that of the demo's, and says so."""
    row = report(FIGURES_OF_A_RUN)["flicker in videos, times the demo's"]
    assert (row.is_good, row.wanted) == (True, "at most 0.9")


def test_a_missing_figure_names_its_option(report):
    """A figure that was not measured is not poor; the report names the option that measures it."""
    row = report({**FIGURES_OF_A_RUN, "frechet_vgg16_source": 0})["distance to the artist, times the photos'"]
    assert (row.value, row.is_good) == ("not measured: pass --features", True)
