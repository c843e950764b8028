"""Reports: one shape for all jobs."""

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from cartoonize import MediaError, Report
from cartoonize.live import LiveReport
from cartoonize.run.report import FilesReport, frames_per_second, skipped

PAGE = Path(__file__).resolve().parents[2] / "docs" / "json.md"


def keys(report):
    return {field.name for field in fields(report)}


def documented():
    """The keys of each table in docs/json.md, by its heading."""
    page = PAGE.read_text()
    sections = re.split(r"^#+ (.*)\n", page, flags=re.MULTILINE)[1:]
    return {
        title: {
            key
            for line in text.splitlines()
            if line.startswith("| `")
            for key in re.findall(r"`(\w+)`", line.split("|")[1])
        }
        for title, text in zip(sections[::2], sections[1::2], strict=True)
    }


def test_all_reports_have_one_shape():
    """Every report has the keys of a single file's, and docs/json.md names exactly the keys of each."""
    tables = documented()
    assert keys(Report) == tables["JSON reports"]
    assert keys(FilesReport) == keys(Report) | tables["Many files"]
    assert keys(LiveReport) == keys(Report) | tables["Live"]


def test_a_cluster_reports_in_the_same_shape():
    """The report of a cluster has the keys of a single file's, and those that docs/json.md names."""
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    from cartoonize.cluster.video_job import ClusterReport

    assert keys(ClusterReport) == keys(Report) | documented()["A cluster"]


def test_many_files_add_up():
    """Counts and frames are sums, a value that all files share is kept, and one that differs is not."""
    report = FilesReport("out", "pepper")
    broken = Report("out/d.mp4", "pepper", "d.mp4")
    broken.fail(MediaError("It is damaged."))
    report.files = [
        Report("out/a.mp4", "pepper", "a.mp4", device="cpu", frames=10, width=64, notices=["A note."]),
        Report("out/b.mp4", "pepper", "b.mp4", device="cpu", frames=20, width=32, notices=["A note."]),
        skipped(Path("c.mp4"), Path("out/c.mp4"), "pepper"),
        broken,
    ]
    report.summarize(2.0)
    assert (report.converted, report.skipped, report.failed) == (2, 1, 1)
    assert (report.frames, report.fps, report.device, report.width) == (30, 15.0, "cpu", 0)
    assert report.notices == ["A note."]
    assert (report.state, report.exit_code) == ("failed", 1)
    assert report.error == "1 of 4 files could not be converted."
    assert asdict(report)["files"][3]["error"] == "It is damaged."
    assert asdict(report)["files"][3]["exit_code"] == 1


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 0.0004])
def test_a_clock_that_does_not_move(seconds):
    """A job that ends within a tick of the clock is reported, without a division by zero."""
    for report in (Report("out", "null"), FilesReport("out", "null"), LiveReport("null", "null")):
        report.frames = 1
        report.set_duration(seconds)
        assert report.seconds == pytest.approx(0, abs=0.001)
        assert report.fps >= 0
    assert frames_per_second(3, 0.0) == 0.0
