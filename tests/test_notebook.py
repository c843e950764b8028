"""The notebook of the documentation works from the first cell to the last, on a CPU."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "cartoonize.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")
def test_the_notebook_runs(tmp_path):
    """Every cell runs; the pictures and the video are written and shown."""
    nbformat = pytest.importorskip("nbformat", reason="needs the extra `dev`")
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    assert sum("image/png" in data for data in shown) == 3
    assert sum("text/html" in data for data in shown) == 1
    assert (tmp_path / "cartoon.mp4").stat().st_size > 10_000


def test_the_notebook_has_no_results():
    """The notebook is committed without outputs, so that it stays small."""
    nbformat = pytest.importorskip("nbformat", reason="needs the extra `dev`")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)
