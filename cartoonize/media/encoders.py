"""The encoders of videos, one row each: what cartoonize knows of them, and FFmpeg does not tell.

Whatever depends on the name of an encoder is in this table only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..core.choices import X264_PRESETS


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTraits:
    """An encoder of FFmpeg.

    Attributes:
        defaults: FFmpeg's options and their default values; None for an unknown encoder, which gets any
            option that the user states.
        preset_option: FFmpeg's name of the option for `preset`.
        presets: the presets of the encoder; empty if FFmpeg checks them.
        is_restartable: whether it can continue where another one stopped: the same frames and settings give
            the same packets and the same header.
        max_crf: the worst quality on its scale, which begins at 0.
        keeps_alpha: whether it encodes transparency.
        alpha_sampling: the only chroma sampling of transparent frames; None for any.
        pixel_format: the only pixel format; None for the one nearest to the source's.
        is_full_range: whether it knows full range only.
        odd_sizes_need_444: whether frames with an odd width or height have to be in 4:4:4.
        states_aspect: whether its packets state the shape of pixels, so that the header need not.
        max_size: the largest width and height that it accepts; None if no limit is known.
        max_rate: frames per second above which it refuses to start; None if no limit is known.
        max_ticks: the most ticks per second that its clock can have; None if no limit is known.
    """

    defaults: Mapping[str, str] | None = None
    preset_option: str = "preset"
    presets: tuple[str, ...] = ()
    is_restartable: bool = False
    max_crf: int = 63
    keeps_alpha: bool = False
    alpha_sampling: str | None = None
    pixel_format: str | None = None
    is_full_range: bool = False
    odd_sizes_need_444: bool = False
    states_aspect: bool = False
    max_size: tuple[int, int] | None = None
    max_rate: Fraction | None = None
    max_ticks: int | None = None


# Fast presets: at a constant quality a slower one makes a smaller file, but users wait for frames. The sizes
# are those that FFmpeg 8 refuses to exceed, and for WebP those of RFC 9649.
_ENCODERS = {
    # Without cpu-independent, x264 on processors with AVX-512 does not always make the same packets from the
    # same frames, on which resuming relies. It costs no measurable time.
    "libx264": EncoderTraits(
        defaults={"crf": "18", "preset": "veryfast", "x264-params": "cpu-independent=1"},
        presets=X264_PRESETS, is_restartable=True, max_crf=51, odd_sizes_need_444=True, states_aspect=True,
        max_size=(16384, 16384),
    ),
    "libx265": EncoderTraits(
        defaults={"crf": "20", "preset": "fast", "x265-params": "log-level=error"},
        presets=X264_PRESETS, is_restartable=True, max_crf=51, odd_sizes_need_444=True, states_aspect=True,
    ),
    "libvpx": EncoderTraits(keeps_alpha=True, alpha_sampling="420", max_size=(16383, 16383)),
    "libvpx-vp9": EncoderTraits(
        defaults={"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
        preset_option="cpu-used", is_restartable=True, keeps_alpha=True, alpha_sampling="420",
    ),
    "libsvtav1": EncoderTraits(
        defaults={"crf": "26", "preset": "9"}, is_restartable=True,
        max_size=(16384, 8704), max_rate=Fraction(240),
    ),
    "mpeg4": EncoderTraits(
        defaults={"flags": "+qscale", "global_quality": "354"},  # qscale 3; FF_QP2LAMBDA is 118
        is_restartable=True, states_aspect=True, max_size=(8191, 8191), max_ticks=(1 << 16) - 1,
    ),
    "mjpeg": EncoderTraits(
        defaults={"flags": "+qscale", "global_quality": "236"}, is_restartable=True, is_full_range=True
    ),
    "prores_ks": EncoderTraits(defaults={}, is_restartable=True, keeps_alpha=True),
    "ffv1": EncoderTraits(defaults={}, is_restartable=True, keeps_alpha=True),
    "libwebp_anim": EncoderTraits(defaults={"quality": "90"}, keeps_alpha=True, max_size=(16383, 16383)),
    "gif": EncoderTraits(defaults={}, pixel_format="pal8"),
    "apng": EncoderTraits(defaults={}, keeps_alpha=True),
    "png": EncoderTraits(keeps_alpha=True),
    "qtrle": EncoderTraits(keeps_alpha=True),
    "rawvideo": EncoderTraits(defaults={}),
}  # fmt: skip
"""Encoders are restartable only if tests show it: those for animations and in hardware are not."""


def encoder_traits(name: str) -> EncoderTraits:
    """What is known of an encoder by FFmpeg's name; the defaults of `EncoderTraits` if it is not listed."""
    return _ENCODERS.get(name, EncoderTraits())
