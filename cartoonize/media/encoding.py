"""The options for compressing videos: what a user may choose, and each encoder's defaults."""

from dataclasses import dataclass

import av

from ..core.choices import ENCODER_OF_CODEC, ENCODERS, X264_PRESETS
from ..core.containers import Container
from ..core.errors import MediaError
from ..core.messages import did_you_mean


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to compress a video.

    Attributes:
        codec: an encoder of FFmpeg, or a codec such as "hevc"; None for the default of the container: H.264,
            or VP9 in WebM (see core/containers.py).
        crf: constant quality: lower is better and larger; None for the default of the encoder.
        preset: the speed of the encoder: slower makes smaller files; None for the default of the encoder.
        audio: keep the sound.
        format: the container, by FFmpeg's name or a short one such as "y4m"; None for that of the suffix.
        background: a colour, by name or as #rrggbb, behind transparent video if the output cannot be
            transparent.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    audio: bool = True
    format: str | None = None
    background: str = "white"

    def encoder_name(self, container: Container, *, transparent: bool = False) -> str:
        """FFmpeg's name of the encoder to use for a container."""
        default = container.alpha_encoder if transparent else None
        codec = self.codec and ENCODER_OF_CODEC.get(self.codec, self.codec)
        return codec or default or container.encoder

    def describe(self) -> str:
        """The options that differ from the defaults, for messages."""
        options = {"crf": self.crf, "preset": self.preset}
        return "".join(f", {name} {value}" for name, value in options.items() if value is not None)

    def check_options(self, encoder: str) -> None:
        """Refuse options that the encoder would ignore silently, and presets that it does not have.

        Raises:
            MediaError: the encoder has no quality or no preset, or not that preset.
        """
        known = _ENCODER_OPTIONS.get(encoder)
        for option, value in (("crf", self.crf), (_preset_name(encoder), self.preset)):
            if value is not None and known is not None and option not in known:
                raise MediaError(f"{encoder} has no {option.replace('cpu-used', 'preset')}; leave it out.")
        if self.preset is not None and encoder in ("libx264", "libx265") and self.preset not in X264_PRESETS:
            raise MediaError(
                f"{encoder} has no preset {self.preset!r}: choose {', '.join(X264_PRESETS)}."
                f"{did_you_mean(self.preset, X264_PRESETS)}"
            )

    def encoder_options(self, encoder: str) -> dict[str, str]:
        """FFmpeg options of the encoder."""
        options = dict(_ENCODER_OPTIONS.get(encoder, {}))
        if self.crf is not None:
            options["crf"] = f"{self.crf:g}"
        if self.preset is not None:
            options[_preset_name(encoder)] = self.preset
        return options


# Fast presets: at a constant quality a slower one makes a smaller file, but users wait for frames.
_ENCODER_OPTIONS = {
    # Without this, x264 on processors with AVX-512 does not always make the same packets from the same
    # frames, on which resuming relies. It costs no measurable time.
    "libx264": {"crf": "18", "preset": "veryfast", "x264-params": "cpu-independent=1"},
    "libx265": {"crf": "20", "preset": "fast", "x265-params": "log-level=error"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
    "libsvtav1": {"crf": "26", "preset": "9"},
    "mpeg4": {"flags": "+qscale", "global_quality": "354"},  # qscale 3; FF_QP2LAMBDA is 118
    "mjpeg": {"flags": "+qscale", "global_quality": "236"},
    "prores_ks": {},
    "ffv1": {},
    "libwebp_anim": {"quality": "90"},
    "gif": {},
    "apng": {},
    "rawvideo": {},
}
RESTARTABLE = frozenset(
    {"libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "mjpeg", "prores_ks", "ffv1"}
)
"""Encoders that can continue where another one stopped: the same frames and settings give the same packets
and the same header. This is not known of others, those for animations and those in hardware."""
LARGEST = {
    "libx264": (16384, 16384),
    "libsvtav1": (16384, 8704),
    "libvpx": (16383, 16383),
    "libwebp_anim": (16383, 16383),
    "mpeg4": (8191, 8191),
}
"""Encoders that refuse frames above this width and height: as FFmpeg 8 does, and for WebP by RFC 9649."""
_KEEP_ALPHA = {"libvpx", "libvpx-vp9", "prores_ks", "ffv1", "qtrle", "png", "apng", "libwebp_anim"}


def available_encoders() -> list[str]:
    """The known encoders that this build of FFmpeg has."""
    return [name for name in ENCODERS if name in av.codecs_available]


def choose_pixel_format(codec: av.Codec, source: str, *, transparent: bool) -> str:
    """The pixel format for an encoder: the source's chroma sampling in 8 bits, or the nearest to it."""
    if codec.name == "gif":
        return "pal8"
    sampling = next((s for s in ("444", "422") if s in source), "420")  # grey too: drawings have colours
    candidates = [f"yuv{sampling}p", "yuv420p", "yuvj420p", "yuv422p10le"]
    if codec.name == "mjpeg":
        candidates = [f"yuvj{sampling}p"]
    if transparent and codec.name in _KEEP_ALPHA:
        if codec.name.startswith("libvpx"):  # alpha in 4:2:0 only
            sampling = "420"
        candidates = [f"yuva{sampling}p", "yuva420p", "yuva444p10le", "rgba", "argb", *candidates]
    available = [known.name for known in codec.video_formats or ()]
    return next(
        (name for name in candidates if name in available), available[0] if available else candidates[0]
    )


def versions() -> dict[str, str]:
    """The versions of PyAV and FFmpeg: another one may compress the same frames differently."""
    return {"pyav": av.__version__, "ffmpeg": av.ffmpeg_version_info}


def _preset_name(encoder: str) -> str:
    return "cpu-used" if encoder == "libvpx-vp9" else "preset"
