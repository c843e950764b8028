"""A style as an ONNX file: the FrameModel, whole, with batch, height and width left open."""

import logging
import warnings
from pathlib import Path

import torch

from ..errors import BackendError
from ..models import FrameModel
from ..models.checkpoint import load_style
from ..pending import PendingFile
from ..styles import find
from ..version import __version__

OPSET = 18  # the first in which Resize is what PyTorch's interpolation is


def export_onnx(style: str, out: Path, *, overwrite: bool = False) -> None:
    """Write `out`, which takes and gives uint8 pictures (N, H, W, 3) RGB.

    Raises:
        ModelError: there is no such style, or its file is damaged.
        MediaError: `out` exists already or cannot be written.
        BackendError: the packages that write ONNX files are not installed.
    """
    generator, header = load_style(find(style))
    with PendingFile(out, overwrite=overwrite) as pending:
        try:
            import onnx
            import onnxscript  # noqa: F401  # torch.onnx needs it and says so less clearly
        except ImportError as error:
            raise BackendError(
                f"Writing ONNX files needs more packages: pip install 'cartoonize[export]' ({error})."
            ) from error
        _trace(FrameModel(generator), pending.path)
        model = onnx.load(pending.path)
        about = {
            "architecture": header.architecture,
            "style": header.card.name,
            "licence": header.card.licence,
            "credit": header.card.credit,
            "precision": "fp32",
            "cartoonize": __version__,
        }
        onnx.helper.set_model_props(model, about)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, pending.path)


def _trace(model: FrameModel, path: Path) -> None:
    size = 16 * model.generator.stride
    example = torch.zeros(2, size + 1, size + 3, 3, dtype=torch.uint8)
    axes = dict.fromkeys(range(3), torch.export.Dim.DYNAMIC)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            model.eval(), (example,), path, input_names=["images"], output_names=["cartoons"],
            dynamic_shapes=(axes,), opset_version=OPSET, dynamo=True, verbose=False, external_data=False,
        )  # fmt: skip
