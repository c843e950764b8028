"""The commands that export."""

import json

import pytest
from processes import run_python

CASES = {
    "export-onnx pepper out.mp3": "out.mp3 has to end in .onnx; write out.onnx.",
    "export-onnx nobody out.onnx": "There is no style 'nobody'",
    "export-onnx pepper none/out.onnx": "there is no folder none",
    "export-onnx pepper out.onnx --detail normal": "is for one size",
    "export-onnx pepper out.onnx --size 640": "'640' is not a size",
    "export-ncnn pepper out.mp3": "out.mp3 has to end in .param; write out.param.",
    "export-tensorrt pepper . --size 640x360": ". exists already",
    "export-tensorrt pepper new --size 640": "'640' is not a size",
    "export-web pepper .": ". exists already",
    "import-weights none.pth out.safetensors": "There is no file or folder none.pth",
    "import-weights none.pth out.mp3": "out.mp3 has to end in .safetensors",
    "import-weights none.pth out.safetensors --architecture swif": "Did you mean swift?",
}
RUN_ALL = """
import contextlib, io, json, sys
sys.modules["torch"] = None  # importing it fails
from cartoonize.cli.main import main
errors = []
for line in json.loads(sys.argv[1]):
    sys.argv = ["cartoonize", *line.split()]
    with contextlib.redirect_stderr(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        main()
    errors.append(" ".join(printed.getvalue().split()))
print(json.dumps(errors))
"""


def test_wrong_exports_are_refused_before_pytorch_is_imported(workdir):
    """A wrong suffix, folder, style, size or architecture is refused before PyTorch is imported."""
    errors = json.loads(run_python(RUN_ALL, json.dumps(list(CASES))).stdout)
    for line, expected, error in zip(CASES, CASES.values(), errors, strict=True):
        assert expected in error, line
    assert not list(workdir.iterdir())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("export-onnx", "@", "out.onnx"), "Writing out.onnx"),
        (("export-ncnn", "@", "out.param"), "Writing out.param"),
        (("doctor",), "Checking this installation"),
    ],
)
def test_long_work_says_what_it_does(run, workdir, monkeypatch, tiny_style, words, shown):
    """On a terminal, commands that load PyTorch say at once what they do."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    code, _, err = run(*[tiny_style if word == "@" else word for word in words])
    assert (code, shown in err) == (0, True)


def test_a_web_folder_comes_with_the_command_that_serves_it(run, workdir, tiny_style):
    """`export-web` ends with the command that serves its folder, whose name may contain spaces."""
    code, _, err = run("export-web", tiny_style, "my page")
    assert code == 0
    assert err.rstrip().endswith("python -m http.server --directory 'my page'")
