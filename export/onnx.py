"""Writes a style as a self-contained ONNX file, which is kept only if it draws what PyTorch draws."""

import logging
import warnings
from pathlib import Path
from typing import get_args

import torch
from torch import nn

from ..backends.metadata import describe_network
from ..backends.onnx import OnnxBackend
from ..core.atomic import AtomicFile
from ..core.choices import Detail, OnnxPrecision
from ..core.draw_size import draw_size
from ..core.errors import BackendError, ModelError
from ..models import FrameModel, Generator, Swift
from ..models.checkpoint import load_style
from ..models.deploy import deploy
from ..models.draw_size import Enlarge, Reduce
from ..models.int8 import fit_grids
from ..styles.card import Header, int8_path, set_int8_file, weights_sha256
from ..styles.user import sha256_of
from .checks import check_detail, check_file_export
from .parity import PHOTOS, Parity, compare, pictures

OPSETS = range(18, 24)
"""18 is the first whose Resize is PyTorch's interpolation; 23 is the newest that the exporter writes."""

CALIBRATION_SIDE = 384  # of the photos, in pixels, to which networks in integers are fitted
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}  # TensorRT alone takes bf16


def export_onnx(
    style: str,
    out: Path,
    *,
    precision: OnnxPrecision = "fp32",
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    detail: Detail = "full",
    opset: int = OPSETS[0],
    overwrite: bool = False,
) -> Parity:
    """Write `out`, from uint8 pictures (N, H, W, 3) RGB to the same, and compare it with PyTorch.

    Args:
        style: a built-in name, a style file or a run folder.
        out: the file to write; it appears only if it agrees (see parity.py).
        precision: of the convolutions; int8 is for networks without norms (see int8.py). In the others
            norms are in float32, or folded into the convolutions.
        size: width and height, if the file is to take no others; some runtimes are faster then.
        batch: pictures per call, if it is to take no other number.
        detail: the file draws pictures of `size` at this detail and enlarges the drawings (see draw_size.py);
            "full" is their own size.
        opset: version of ONNX's operators, one of OPSETS. Older runtimes know only older ones.
        overwrite: replace an existing file.

    An int8 file beside the style file (see backends/int8.py) is named in the header of the style, by its
    hash; only then `load` draws with it.

    Raises:
        ModelError: there is no such style, its file is damaged, or the exported network disagrees.
        MediaError: `out` exists already or cannot be written.
        BackendError: the packages that write ONNX files are not installed, there is no such precision or
            opset, a detail has no size, or `out` has another suffix.
    """
    _check_options(precision, opset)
    check_detail(detail, size)
    path = check_file_export(style, out, ".onnx", overwrite=overwrite)
    drawn = draw_size(*size, detail) if size else None
    generator, header = load_style(path)
    with AtomicFile(out, overwrite=overwrite, sources=[path]) as pending:
        _check_writers()
        if precision == "int8":
            from .int8 import write_int8

            write_int8(_fit_to_int8(generator, style), pending.path, opset, drawn, batch)
        else:
            export_graph(deploy(generator, DTYPES[precision]), pending.path, opset, drawn, batch)
        model, contrast = nn.Sequential(load_deployed(path)), 1.0
        if size and drawn and size != drawn:
            reduce, enlarge = Reduce(drawn), Enlarge(drawn, size)
            _add_resizing(pending.path, reduce, enlarge, opset, size, drawn, batch)
            model, contrast = nn.Sequential(reduce, *model, enlarge), enlarge.gain
        _write_metadata(pending.path, _metadata(path, header, generator, precision))
        with OnnxBackend(pending.path, "cpu", "auto") as backend:
            parity = compare(
                model, backend, pictures(size, batch), precision=precision, name=out, contrast=contrast
            )
        digest = sha256_of(pending.path)
    if precision == "int8" and out.resolve() == int8_path(path).resolve():
        set_int8_file(path, digest)
    return parity


def _check_options(precision: str, opset: int) -> None:
    if precision not in get_args(OnnxPrecision):
        raise BackendError(f"ONNX files are written in fp32, fp16 or int8, not in {precision!r}.")
    if opset not in OPSETS:
        raise BackendError(f"Opsets from {OPSETS[0]} to {OPSETS[-1]} can be written, not {opset}.")


def _fit_to_int8(generator: Generator, style: str) -> Swift:
    """Scale a network for integers; it draws the same.

    Raises:
        BackendError: it is of another architecture.
    """
    if not isinstance(generator, Swift):
        raise BackendError(
            f"Only swift networks can be written in int8, and {style} is not one: it has norms, or layers of "
            "several sizes."
        )
    photos = next(pictures((CALIBRATION_SIDE, CALIBRATION_SIDE), len(PHOTOS)))
    fit_grids(generator, torch.from_numpy(photos).permute(0, 3, 1, 2) / 127.5 - 1)
    return generator


def load_deployed(path: Path, precision: str = "fp32") -> FrameModel:
    """Load the network of a style file, ready to draw."""
    generator, _ = load_style(path)
    return deploy(generator, DTYPES[precision])


def _add_resizing(
    path: Path,
    reduce: Reduce,
    enlarge: Enlarge,
    opset: int,
    size: tuple[int, int],
    drawn: tuple[int, int],
    batch: int | None,
) -> None:
    """Put the graphs of `reduce` and `enlarge` before and after the graph in the file."""
    import onnx
    from onnx import compose

    network = compose.add_prefix(onnx.load(path), "network/")
    export_graph(reduce, path, opset, size, batch, names=("images", "reduced"))
    reduced = compose.merge_models(onnx.load(path), network, [("reduced", "network/images")])
    export_graph(enlarge, path, opset, drawn, batch, names=("drawn", "cartoons"))
    last = compose.add_prefix(onnx.load(path), "enlarge/", rename_inputs=False, rename_outputs=False)
    onnx.save(compose.merge_models(reduced, last, [("network/cartoons", "drawn")]), path)


def export_graph(
    model: nn.Module,
    path: Path,
    opset: int,
    size: tuple[int, int] | None,
    batch: int | None,
    names: tuple[str, str] = ("images", "cartoons"),
) -> None:
    """Write the graph of (N, H, W, 3) uint8 pictures to `path`; None leaves the size or batch open."""
    stride = model.generator.stride if isinstance(model, FrameModel) else 1
    width, height = size or (16 * stride + 3, 16 * stride + 1)
    example = torch.zeros(batch or 2, height, width, 3, dtype=torch.uint8)
    fixed = {0: batch, 1: size, 2: size}
    axes = {axis: torch.export.Dim.DYNAMIC for axis, number in fixed.items() if not number}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter's own code
        try:
            torch.onnx.export(
                model.eval(), (example,), path, input_names=[names[0]], output_names=[names[1]],
                dynamic_shapes=(axes,), opset_version=opset, dynamo=True, verbose=False, external_data=False,
            )  # fmt: skip
        except ImportError as error:  # each PyTorch imports a module of its own from onnxscript
            raise BackendError(
                f"This PyTorch needs a newer onnxscript: pip install --upgrade onnxscript ({error})."
            ) from error


def _check_writers() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401  # torch.onnx needs it and says so less clearly
    except ImportError as error:
        raise BackendError(
            f'Writing ONNX files needs more packages: pip install "cartoonize[export]" ({error}).'
        ) from error


def _metadata(style: Path, header: Header, generator: Generator, precision: str) -> dict[str, str]:
    return describe_network(generator, header) | {
        "precision": precision,
        "source_sha256": sha256_of(style),
        "weights_sha256": weights_sha256(style),
    }


def _write_metadata(path: Path, metadata: dict[str, str]) -> None:
    """Write the metadata into the file, and check the file by ONNX's own rules."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ModelError(f"The exported network breaks the rules of ONNX: {error}.") from error
    onnx.save(model, path)
