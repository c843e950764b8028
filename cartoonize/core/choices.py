"""The values that options accept.

It imports nothing heavy, because shell completion imports it while people type.
"""

from typing import Literal, get_args

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
# Of exported files: for ONNX Runtime, for ncnn, and of TensorRT engines.
OnnxPrecision = Literal["fp32", "fp16", "int8"]
NcnnPrecision = Literal["fp32", "fp16"]
EnginePrecision = Literal["fp16", "bf16", "fp32"]
TrainingPrecision = Literal["auto", "bf16", "fp32"]
PerceptualNetwork = Literal["vgg16", "vgg19"]
ProviderName = Literal["auto", "tensorrt", "cuda", "coreml", "directml", "cpu"]
InputRange = Literal["auto", "-1..1", "0..1", "0..255"]
ChannelOrder = Literal["rgb", "bgr"]

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu", "vulkan")  # and cuda:N, xpu:N, vulkan:N
VENDORS = ("nvidia", "amd", "intel", "apple")
"""Devices by their vendor (see backends/vendors.py)."""
Detail = Literal["low", "normal", "high", "full"]
DETAILS = get_args(Detail)
Hdr = Literal["tonemap", "fail"]
HDR = get_args(Hdr)
Compare = Literal["side", "split", "wipe"]
COMPARE = get_args(Compare)
MAX_SECONDS = 1e9
"""Times are below thirty years: FFmpeg's clock overflows later."""
HARDWARE_ENCODERS = (
    "h264_nvenc", "hevc_nvenc", "av1_nvenc", "h264_videotoolbox", "hevc_videotoolbox", "h264_qsv",
)  # fmt: skip
ENCODERS = (
    "libx264", "libx265", "libsvtav1", "libvpx-vp9", "mpeg4", "prores_ks", "ffv1", "mjpeg",
    *HARDWARE_ENCODERS,
)  # fmt: skip
"""Encoders of FFmpeg to offer; a build of FFmpeg has some of them."""
ENCODER_OF_CODEC = {
    "h264": "libx264", "h265": "libx265", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9",
    "prores": "prores_ks",
}  # fmt: skip
"""The encoder for the name of a codec. FFmpeg itself may choose another one, of lower quality."""
X264_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip
"""Presets of x264 and x265, https://trac.ffmpeg.org/wiki/Encode/H.264."""
