"""The commands of the panel "Other programs": `export-*`, which are here, and `import-weights`."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from ..core.choices import Detail, EnginePrecision, NcnnPrecision, OnnxPrecision
from ..core.errors import BackendError
from .app import App
from .completion import style_names
from .console import escape, print_message
from .import_weights import import_weights
from .options import Overwrite
from .progress import spinner
from .quantities import format_size
from .values import parse_exact_size

app = App()
_PANEL = "Other programs"

StyleArgument = Annotated[
    str,
    typer.Argument(
        metavar="STYLE", help="A style, a style file or a run folder.", autocompletion=style_names
    ),
]


@app.command("export-onnx", rich_help_panel=_PANEL)
def export_onnx_command(
    style: StyleArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    precision: Annotated[
        OnnxPrecision,
        typer.Option(
            help="fp16 is for GPUs, half the size; int8 for swift networks on CPUs, up to twice as fast."
        ),
    ] = "fp32",
    size: Annotated[
        str, typer.Option(metavar="WxH|dynamic", help="The only size of pictures; dynamic: any.")
    ] = "dynamic",
    batch: Annotated[
        str, typer.Option(metavar="N|dynamic", help="The only number of pictures per call; dynamic: any.")
    ] = "dynamic",
    detail: Annotated[
        Detail,
        typer.Option(
            help="Draw pictures of --size at 480, 720 or 1080 lines and enlarge the drawings, all in one "
            "file; full draws them at their own size."
        ),
    ] = "full",
    opset: Annotated[int, typer.Option(min=18, max=23, help="Version of ONNX's operators.")] = 18,
    overwrite: Overwrite = False,
) -> None:
    """Write a style as a self-contained ONNX file, with uint8 RGB pictures in and out.

    It is compared with PyTorch before it is kept. It runs with `--style OUT.onnx`,
    and in any ONNX Runtime without this program.

    This command needs: pip install "cartoonize[export]"

    Examples:
      cartoonize export-onnx pepper pepper.onnx
      cartoonize export-onnx pepper small.onnx --precision fp16 --size 1280x720
      cartoonize export-onnx pepper 4k.onnx --size 3840x2160 --detail normal
      cartoonize export-onnx runs/mine runs/mine/style.int8.onnx --precision int8
    """
    from ..core.draw_size import resolve_detail
    from ..export.checks import check_detail, check_file_export

    number = None if batch == "dynamic" else _parse_batch(batch)
    fixed_size = None if size == "dynamic" else parse_exact_size(size)
    check_detail(detail, fixed_size)
    check_file_export(style, out, ".onnx", overwrite=overwrite)

    with spinner(f"Writing {out}"):
        from ..export.onnx import export_onnx  # imports PyTorch

        parity = export_onnx(
            style,
            out,
            precision=precision,
            size=fixed_size,
            batch=number,
            detail=resolve_detail(detail, style, []),
            opset=opset,
            overwrite=overwrite,
        )
    print_message(escape(f"Wrote {out} ({format_size(out.stat().st_size)}). {parity}"))


@app.command("export-ncnn", rich_help_panel=_PANEL)
def export_ncnn_command(
    style: StyleArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT.param", help="The file to write, and OUT.bin.")],
    precision: Annotated[
        NcnnPrecision, typer.Option(help="fp16 stores the weights in half the size.")
    ] = "fp32",
    overwrite: Overwrite = False,
) -> None:
    """Write a style for ncnn, which runs on phones and on GPUs of any vendor.

    Input and output are RGB values from 0 to 255. It is compared with PyTorch
    before it is kept. You need it for other programs only: `--device vulkan`
    converts styles by itself.

    This command needs: pip install "cartoonize[vulkan]"

    Examples:
      cartoonize export-ncnn pepper pepper.param
      cartoonize export-ncnn runs/mine mine.param --precision fp16
    """
    from ..export.checks import check_file_export

    weights = out.with_suffix(".bin")
    check_file_export(style, out, ".param", overwrite=overwrite, beside=[weights])

    with spinner(f"Writing {out}"):
        from ..export.ncnn import export_ncnn  # imports PyTorch

        parity = export_ncnn(style, out, precision=precision, overwrite=overwrite)
    size = format_size(out.stat().st_size + weights.stat().st_size)
    print_message(escape(f"Wrote {out} and {weights.name} ({size}). {parity}"))


@app.command("export-tensorrt", rich_help_panel=_PANEL)
def export_tensorrt_command(
    style: StyleArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write.")],
    size: Annotated[
        list[str], typer.Option(metavar="WxH", help="Size of the frames; repeat it for several sizes.")
    ],
    precision: Annotated[
        EnginePrecision, typer.Option(help="Of the convolutions; norms are fp32 in all.")
    ] = "fp16",
    batch: Annotated[int, typer.Option(min=1, max=64, help="Frames per call.")] = 4,
    overwrite: Overwrite = False,
) -> None:
    """Build TensorRT engines for the NVIDIA GPU of this machine, one for each size of frames.

    The engines are compared with PyTorch before they are kept. Building them needs
    the GPU that will run them.

    This command needs: pip install "cartoonize[export,tensorrt]"

    Examples:
      cartoonize export-tensorrt pepper engines/ --size 1280x720 --size 1920x1080
      cartoonize export-tensorrt runs/mine engines/ --size 640x360 --batch 8
    """
    from ..export.checks import ENGINES_FOLDER, check_folder_export

    sizes = [parse_exact_size(text) for text in size]
    check_folder_export(style, folder, ENGINES_FOLDER, overwrite=overwrite)

    with spinner(f"Building {folder}, which takes minutes"):
        from ..export.tensorrt import export_tensorrt  # imports PyTorch

        parities = export_tensorrt(
            style, folder, sizes, precision=precision, batch=batch, overwrite=overwrite
        )
    for text, parity in zip(size, parities, strict=True):
        print_message(escape(f"{text}: {parity}"))


@app.command("export-web", rich_help_panel=_PANEL)
def export_web_command(
    style: StyleArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Write a folder for web pages: a style, a JavaScript module that draws with it, and an example page.

    Pictures are converted in the browser of whoever visits the page, and stay
    there. Any web server can serve the folder.

    This command needs: pip install "cartoonize[export]"

    Examples:
      cartoonize export-web pepper cartoons/
      cartoonize export-web runs/mine cartoons/ --overwrite
      python -m http.server --directory cartoons/
    """
    from ..export.checks import WEB_FOLDER, check_folder_export

    check_folder_export(style, folder, WEB_FOLDER, overwrite=overwrite)

    with spinner(f"Writing {folder}"):
        from ..export.web import export_web  # imports PyTorch

        files = export_web(style, folder, overwrite=overwrite)
    size = format_size(sum(file.stat().st_size for file in files))
    server = f"python -m http.server --directory {shlex.quote(str(folder))}"
    text = f"Wrote {len(files)} files to {folder} ({size}). Any web server can serve it:\n  {server}"
    print_message(escape(text))


app.command("import-weights", rich_help_panel=_PANEL)(import_weights)


def _parse_batch(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,2}", text):
        raise BackendError(f"{text!r} is not a batch; write a number from 1 to 999, or dynamic.")
    return int(text)
