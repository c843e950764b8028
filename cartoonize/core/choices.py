"""The words that options take, where there is a list of them, and the nearest to one that is on no list.

Imports nothing heavy, as shells ask for these words while people type.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, get_args

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
ProviderName = Literal["auto", "tensorrt", "cuda", "cpu"]
InputRange = Literal["auto", "-1..1", "0..1", "0..255"]
ChannelOrder = Literal["rgb", "bgr"]

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")  # and cuda:N, xpu:N
Detail = Literal["low", "normal", "high", "full"]
DETAILS = get_args(Detail)
Hdr = Literal["tonemap", "fail"]
HDR = get_args(Hdr)
Compare = Literal["side", "split", "wipe"]
COMPARE = get_args(Compare)
HARDWARE_ENCODERS = (
    "h264_nvenc", "hevc_nvenc", "av1_nvenc", "h264_videotoolbox", "hevc_videotoolbox", "h264_qsv",
)  # fmt: skip
ENCODERS = (
    "libx264", "libx265", "libsvtav1", "libvpx-vp9", "mpeg4", "prores_ks", "ffv1", "mjpeg",
    *HARDWARE_ENCODERS,
)  # fmt: skip
"""Encoders of FFmpeg that are worth naming; a build of it has some of them."""
X264_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip
"""Of x264 and x265, https://trac.ffmpeg.org/wiki/Encode/H.264."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What to add to a sentence about an unknown name: " Did you mean ...?", or nothing if none is near."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[found[0]]}?" if found else ""
