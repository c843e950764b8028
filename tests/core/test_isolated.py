"""Functions in a separate process."""

import subprocess
import sys

import pytest

from cartoonize.core.errors import BackendError
from cartoonize.core.isolated import call_isolated

STRANGE = "open('was-run', 'w')"


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """The current folder, with files that are called like modules."""
    for name in ("json", "cartoonize", "multiprocessing"):
        (tmp_path / f"{name}.py").write_text(STRANGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_in_the_current_folder_are_not_run(downloads):
    """A separate process imports this program and its libraries, and no file of the current folder."""
    assert call_isolated("os:getcwd", timeout=60) == str(downloads)
    assert not (downloads / "was-run").exists()


def test_a_crash_in_another_process_is_a_sentence():
    """If a driver crashes, hangs or fails in a separate process, this process reports an error."""
    with pytest.raises(BackendError, match=r"crashed \(exit code"):
        call_isolated("os:_exit", timeout=30, status=139)
    with pytest.raises(BackendError, match=r"within 0.001 seconds"):
        call_isolated("os:getcwd", timeout=0.001)
    with pytest.raises(BackendError, match=r"no attribute"):
        call_isolated("time:nothing", timeout=30)


def test_what_libraries_print_is_dropped(tmp_path, monkeypatch):
    """A C library that prints, which appears when its process ends, does not change the result."""
    program = "import ctypes\ndef five():\n  ctypes.CDLL(None).puts(b'loaded')\n  print('done')\n  return 5\n"
    (tmp_path / "noisy.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    assert call_isolated("noisy:five", timeout=60) == 5


def test_the_command_line_passes_it_on(downloads, tmp_path_factory):
    """Processes that libraries start, such as those that load pictures, do not run files of the current
    folder."""
    start = (
        "import multiprocessing as m; p = m.get_context('spawn').Process(target=print); p.start(); p.join()"
    )
    program = (
        "from cartoonize.__main__ import main; from cartoonize.cli import main as cli\n"
        f"    cli.app = lambda **_: exec({start!r}); main()"
    )
    script = tmp_path_factory.mktemp("bin") / "start.py"  # as pip installs it
    script.write_text(f"if __name__ == '__main__':\n    {program}")
    subprocess.run([sys.executable, script], check=True)
    assert not (downloads / "was-run").exists()
