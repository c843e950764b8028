"""`cartoonize doctor`: what an installation can do, told also by one that is broken."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

from cartoonize.core.choices import MODELS
from cartoonize.models import ARCHITECTURES
from cartoonize.styles import user
from cartoonize.tools import doctor, requirements


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A data folder of the test's own."""
    monkeypatch.setenv(user.HOME_VARIABLE, str(tmp_path / "data"))


def examine(**environment):
    """Run `cartoonize doctor --json` in a process of its own: (exit code, what it printed)."""
    done = subprocess.run(
        [sys.executable, "-m", "cartoonize", "doctor", "--json"],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_sound_installation_draws():
    """Here everything works: a picture is drawn, versions and codecs are told, and the exit code is 0."""
    code, told = examine()
    assert code == 0
    assert told["drawing"]["ok"]
    assert told["drawing"]["style"] == "pepper"
    assert told["versions"]["Python"] == sys.version.split()[0]
    assert told["packages"]["torch"] == version("torch")
    assert told["encoders"]["libx264"]
    assert told["decoders"]["h264"]
    assert told["cpu"]["precision"] in ("bf16", "fp32")
    assert "cpu" in told["back_ends"]["onnxruntime"]
    assert all(place["free"] > 0 for place in told["folders"].values())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_gpus_are_told():
    """Every GPU is listed with its memory and the precision that it draws in."""
    _, told = examine()
    assert len(told["gpus"]) == torch.cuda.device_count()
    assert all(0 < gpu["free"] <= gpu["memory"] and gpu["name"] for gpu in told["gpus"])
    assert all(gpu["precision"] in ("bf16", "fp16") for gpu in told["gpus"])


@pytest.mark.parametrize(
    ("module", "package", "rest"),
    [("torch", "torch", "encoders"), ("av", "av", "cpu"), ("cv2", "opencv", "cpu")],
)
def test_a_broken_library_is_told(tmp_path, module, package, rest):
    """A library that cannot be imported is named with what mends it, and all others are looked at; the exit
    code says whether pictures can be drawn all the same, as they can in integers without PyTorch."""
    (tmp_path / f"{module}.py").write_text("raise OSError('libbroken.so: undefined symbol')")
    code, told = examine(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    (problem,) = [(what, mend) for what, mend in told["problems"] if what.startswith(package)]
    assert "cannot be imported: libbroken.so: undefined symbol" in problem[0]
    assert "pip install" in problem[1]
    assert told[rest]
    assert code == (1 if module == "av" else 0)
    assert told["drawing"]["ok"] is (module != "av")
    assert ("error" in told["drawing"]) is (module == "av")


def test_a_report_does_not_tell_who_made_it(tmp_path):
    """What is pasted into a bug report names neither the user nor a path that tells the user's name."""
    code, told = examine(
        HOME=str(tmp_path / "jane-doe"), **{user.HOME_VARIABLE: str(tmp_path / "jane-doe" / "data")}
    )
    assert code == 0
    assert "jane-doe" not in json.dumps(told)
    assert told["folders"]["your styles"]["path"] == str(Path("~/data/styles"))
    assert "path" not in told["folders"]["current folder"]


def test_what_is_missing_comes_with_its_command(monkeypatch):
    """A missing package, an old one, and an extra that is not installed are told apart, with what to type."""
    needs = [
        "numpy>=2",
        "av>=999",
        "no-such-package>=1",
        "gradio-not-here; extra == 'web'",
        "rich; extra == 'web'",
    ]
    monkeypatch.setattr(requirements, "requires", lambda _: needs)
    monkeypatch.setattr(requirements, "metadata", lambda _: Extras())
    found = doctor.Diagnosis()
    doctor._packages(found)
    assert found.extras == {"web": ["gradio-not-here"]}
    assert found.packages["no-such-package"] == ""
    assert (f"av is {version('av')}.", "pip install 'av>=999'") in found.problems
    assert ("no-such-package is missing.", "pip install 'no-such-package>=1'") in found.problems
    assert len(found.problems) == 2
    assert requirements.extra_mending("web") == "pip install 'cartoonize[web]'"


class Extras:
    """The part of a distribution's metadata that names its extras."""

    def get_all(self, _):
        return ["web", "dev"]


def test_every_package_that_is_needed_can_be_checked():
    """What pyproject.toml asks for is read as pip reads it, extras included."""
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for texts in (project["dependencies"], *project["optional-dependencies"].values()):
        assert all(Requirement(text).name for text in texts)


def test_it_can_be_read(run, tiny_style):
    """For people there are headings and sentences; a style that was changed is a problem with its remedy."""
    run("styles", "add", tiny_style)
    user.verify_file("tiny").write_bytes(b"changed")
    code, out, _ = run("doctor")
    assert code == 0
    for word in ("versions", "devices", "encoders", "extras", "folders", "drew a small picture", "libx264"):
        assert word in out
    assert "Problem: Your style tiny" in out
    assert "cartoonize styles remove tiny" in out


def test_the_words_for_models_are_the_networks():
    """Completion and suggestions offer exactly the networks that there are."""
    assert set(MODELS) == set(ARCHITECTURES)
