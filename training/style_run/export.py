"""Step: write the style file and its version in 8-bit integers."""

from collections.abc import Callable
from pathlib import Path

from ...models.checkpoint import load_style, save_style
from .card import complete_card
from .step import Display, Step
from .workspace import Workspace

WriteInt8 = Callable[[Path, Path], object]
"""Writes the int8 file of a style file; it is in the package `export`, which this one does not import."""


class Export(Step):
    """Write RUN/style.safetensors, with its card, and RUN/style.int8.onnx."""

    name, title = "export", "Writing the style files"

    def __init__(self, write_int8: WriteInt8) -> None:
        self.write_int8 = write_int8

    def estimate(self, workspace: Workspace) -> float:  # noqa: ARG002  # as measured on two cores
        """Some seconds."""
        return 15.0

    def run(self, workspace: Workspace, display: Display) -> None:  # noqa: ARG002
        """Write both."""
        generator, _ = load_style(workspace.folder / "refine" / "style.safetensors")
        save_style(workspace.style, generator, complete_card(workspace))
        self.write_int8(workspace.style, workspace.style.with_name("style.int8.onnx"))
