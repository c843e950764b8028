"""`cartoonize doctor` reports what an installation can do, even a broken one."""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from processes import run_program

from cartoonize.styles import user
from cartoonize.tools import doctor, requirements

pytestmark = pytest.mark.usefixtures("home")


def run_doctor(**environment):
    """Run `cartoonize doctor --json` in a separate process; return its exit code and JSON."""
    done = run_program("doctor", "--json", env=os.environ | environment)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """The exit code and the JSON of a complete installation, for a user called jane-doe."""
    home = tmp_path_factory.mktemp("users") / "jane-doe"
    return run_doctor(HOME=str(home), **{user.HOME_VARIABLE: str(home / "data")})


def test_an_intact_installation_converts(intact):
    """If all works, a picture is converted, versions and codecs are listed, and the exit code is 0."""
    code, report = intact
    assert code == 0
    assert report["conversion"]["ok"]
    assert report["conversion"]["style"] == "pepper"
    assert report["versions"]["python"] == sys.version.split()[0]
    assert report["packages"]["torch"] == version("torch")
    assert report["encoders"]["libx264"]
    assert report["decoders"]["h264"]
    assert report["cpu"]["precision"] in ("bf16", "fp32")
    assert "cpu" in report["backends"]["onnxruntime"]
    assert all(folder["free"] > 0 for folder in report["folders"].values())


def test_the_keys_of_the_json_are_stable(intact):
    """Scripts and bug reports rely on the keys of `doctor --json`: none is renamed or removed."""
    _, report = intact
    assert set(report) >= {
        "versions", "packages", "extras", "cpu", "gpus", "decoders", "encoders", "backends", "folders",
        "styles", "conversion", "problems",
    }  # fmt: skip
    assert set(report["versions"]) >= {"cartoonize", "python", "system", "ffmpeg"}
    assert set(report["cpu"]) >= {"name", "cores", "features", "precision"}
    assert set(report["backends"]) >= {"pytorch", "onnxruntime", "tensorrt"}
    assert set(report["folders"]) >= {"styles", "tensorrt_engines", "temporary", "current"}
    assert set(report["folders"]["styles"]) >= {"path", "free", "writable"}
    assert set(report["styles"]) >= {"own", "unusable"}
    assert set(report["conversion"]) >= {"style", "ok", "device", "precision", "seconds"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_gpus_are_listed(intact):
    """Every GPU is listed with its memory and the precision that "auto" selects."""
    _, report = intact
    assert len(report["gpus"]) == torch.cuda.device_count()
    assert all(0 < gpu["free"] <= gpu["memory"] and gpu["name"] for gpu in report["gpus"])
    assert all(gpu["precision"] in ("bf16", "fp16") for gpu in report["gpus"])


@pytest.mark.parametrize(
    ("module", "package", "unaffected"),
    [("torch", "torch", "encoders"), ("av", "av", "cpu"), ("cv2", "opencv", "cpu")],
)
def test_a_broken_library_is_reported(tmp_path, module, package, unaffected):
    """A library that cannot be imported is named, with the command that repairs it, and the other checks run.

    The exit code says whether pictures can be converted, as in int8 without PyTorch.
    """
    (tmp_path / f"{module}.py").write_text("raise OSError('libbroken.so: undefined symbol')")
    code, report = run_doctor(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    [problem] = [problem for problem in report["problems"] if problem["text"].startswith(package)]
    assert "cannot be imported: libbroken.so: undefined symbol" in problem["text"]
    assert "pip install" in problem["command"]
    assert report[unaffected]
    assert code == (1 if module == "av" else 0)
    assert report["conversion"]["ok"] is (module != "av")
    assert ("error" in report["conversion"]) is (module == "av")


def test_a_report_does_not_reveal_the_user(intact):
    """The output for a bug report contains neither the user's name nor a path that reveals it."""
    _, report = intact
    assert "jane-doe" not in json.dumps(report)
    assert report["folders"]["styles"]["path"] == str(Path("~/data/styles"))
    assert "path" not in report["folders"]["current"]


def test_what_is_missing_comes_with_its_command(monkeypatch):
    """A missing package, an old one and a missing extra are each named with a command."""
    requires = [
        "numpy>=2",
        "av>=999",
        "no-such-package>=1",
        "s3fs-not-here; extra == 'cloud'",
        "rich; extra == 'cloud'",
    ]
    monkeypatch.setattr(requirements, "requires", lambda _: requires)
    monkeypatch.setattr(requirements, "metadata", lambda _: Extras())
    diagnosis = doctor.Diagnosis()
    doctor.check_packages(diagnosis)
    assert diagnosis.extras == {"cloud": ["s3fs-not-here"]}
    assert diagnosis.packages["no-such-package"] == ""
    assert diagnosis.problems == [
        (f"av is {version('av')}.", 'pip install "av>=999"'),
        ("no-such-package is missing.", 'pip install "no-such-package>=1"'),
    ]
    assert requirements.extra_install_command("cloud") == 'pip install "cartoonize[cloud]"'


class Extras:
    """The part of a distribution's metadata that names its extras."""

    def get_all(self, _):
        return ["cloud", "dev", "web"]


def test_people_can_read_it(run, tiny_style):
    """People get headings and sentences; a changed style is a problem with its remedy."""
    run("styles", "add", tiny_style)
    user.verify_file("tiny").write_bytes(b"changed")
    code, out, _ = run("doctor")
    assert code == 0
    for word in ("versions", "devices", "encoders", "extras", "folders", "converted a small", "libx264"):
        assert word in out
    assert "Problem: Your style tiny" in out
    assert "cartoonize styles remove tiny" in out
