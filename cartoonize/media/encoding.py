"""How videos are compressed: the encoders, and what each gets unless the user says otherwise."""

from dataclasses import dataclass

import av

from ..core.choices import ENCODERS, X264_PRESETS, did_you_mean
from ..core.containers import Container
from ..core.errors import MediaError


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a video is compressed.

    `codec`: an FFmpeg encoder; by default what suits the container (H.264, or VP9 in WebM). `crf`: constant
    quality, lower is better and larger; `preset`: the encoder's trade of time for size. Both have a
    default for each encoder. `audio`: carry the sound over. `format`: that of the container, by FFmpeg's
    name or a short one such as y4m; by default what the suffix says. `background`: a colour, by name
    or as #rrggbb, on which transparent video is laid where the output cannot be transparent.
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
        return self.codec or default or container.encoder

    def describe(self) -> str:
        """What was asked for beyond the defaults, for messages."""
        options = {"crf": self.crf, "preset": self.preset}
        return "".join(f", {name} {value}" for name, value in options.items() if value is not None)

    def check_options(self, encoder: str) -> None:
        """Refuse what the encoder would leave aside without a word, and presets that it does not have.

        Raises:
            MediaError: a quality or preset was asked of an encoder that has none, or not that one.
        """
        known = _ENCODER_OPTIONS.get(encoder)
        for option, asked in (("crf", self.crf), (_preset_name(encoder), self.preset)):
            if asked is not None and known is not None and option not in known:
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


# Fast presets: at a constant quality a slower one buys a smaller file, and our users wait for frames.
_ENCODER_OPTIONS = {
    # On processors with AVX-512, x264 otherwise does not always make the same packets of the same frames,
    # which going on where a run stopped relies on. No cost could be measured.
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
"""Encoders of which one can go on where another stopped: given the same frames and settings they write the
same packets, and the same header. Others, of animations or in hardware, are not known to."""
_KEEP_ALPHA = {"libvpx", "libvpx-vp9", "prores_ks", "ffv1", "qtrle", "png", "apng", "libwebp_anim"}


def available_encoders() -> list[str]:
    """Encoders of this build of FFmpeg that are worth naming."""
    return [name for name in ENCODERS if name in av.codecs_available]


def choose_pixel_format(codec: av.Codec, source: str, *, transparent: bool) -> str:
    """What to give to an encoder: the source's chroma sampling in 8 bits if it has that, else the nearest."""
    if codec.name == "gif":
        return "pal8"
    sampling = next((s for s in ("444", "422") if s in source), "420")  # grey too: drawings have colours
    wanted = [f"yuv{sampling}p", "yuv420p", "yuvj420p", "yuv422p10le"]
    if codec.name == "mjpeg":
        wanted = [f"yuvj{sampling}p"]
    if transparent and codec.name in _KEEP_ALPHA:
        if codec.name.startswith("libvpx"):  # alpha in 4:2:0 only
            sampling = "420"
        wanted = [f"yuva{sampling}p", "yuva420p", "yuva444p10le", "rgba", "argb", *wanted]
    available = [known.name for known in codec.video_formats or ()]
    return next((name for name in wanted if name in available), available[0] if available else wanted[0])


def versions() -> dict[str, str]:
    """Of PyAV and FFmpeg: another one may compress the same frames otherwise."""
    return {"pyav": av.__version__, "ffmpeg": av.ffmpeg_version_info}


def _preset_name(encoder: str) -> str:
    return "cpu-used" if encoder == "libvpx-vp9" else "preset"
