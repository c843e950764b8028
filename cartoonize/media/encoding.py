"""The options for compressing videos, and what they mean for an encoder (see encoders.py)."""

from dataclasses import dataclass

import av

from ..core.choices import ENCODER_OF_CODEC, ENCODERS
from ..core.containers import Container
from ..core.errors import MediaError
from ..core.messages import did_you_mean
from .encoders import encoder_traits


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
        """Refuse options that the encoder would ignore silently, and values that it does not have.

        Raises:
            MediaError: the encoder has no quality or no preset, or not that one.
        """
        traits = encoder_traits(encoder)
        for name, option in (("crf", "crf"), ("preset", traits.preset_option)):
            is_ignored = traits.defaults is not None and option not in traits.defaults
            if is_ignored and getattr(self, name) is not None:
                raise MediaError(f"{encoder} has no {name}; leave it out.")
        if self.crf is not None and self.crf > traits.max_crf:
            raise MediaError(f"The crf of {encoder} ends at {traits.max_crf}, the worst quality.")
        if self.preset is not None and traits.presets and self.preset not in traits.presets:
            raise MediaError(
                f"{encoder} has no preset {self.preset!r}: choose {', '.join(traits.presets)}."
                f"{did_you_mean(self.preset, traits.presets)}"
            )

    def encoder_options(self, encoder: str) -> dict[str, str]:
        """FFmpeg options of the encoder."""
        traits = encoder_traits(encoder)
        options = dict(traits.defaults or {})
        if self.crf is not None:
            options["crf"] = f"{self.crf:g}"
        if self.preset is not None:
            options[traits.preset_option] = self.preset
        return options


def available_encoders() -> list[str]:
    """The known encoders that this build of FFmpeg has."""
    return [name for name in ENCODERS if name in av.codecs_available]


def choose_pixel_format(codec: av.Codec, source: str, *, transparent: bool) -> str:
    """The pixel format for an encoder: the source's chroma sampling in 8 bits, or the nearest to it."""
    traits = encoder_traits(codec.name)
    if traits.pixel_format:
        return traits.pixel_format
    sampling = next((s for s in ("444", "422") if s in source), "420")  # grey too: drawings have colours
    candidates = [f"yuv{sampling}p", "yuv420p", "yuvj420p", "yuv422p10le"]
    if traits.is_full_range:
        candidates = [f"yuvj{sampling}p"]
    if transparent and traits.keeps_alpha:
        sampling = traits.alpha_sampling or sampling
        candidates = [f"yuva{sampling}p", "yuva420p", "yuva444p10le", "rgba", "argb", *candidates]
    available = [known.name for known in codec.video_formats or ()]
    return next(
        (name for name in candidates if name in available), available[0] if available else candidates[0]
    )


def versions() -> dict[str, str]:
    """The versions of PyAV and FFmpeg: another one may compress the same frames differently."""
    return {"pyav": av.__version__, "ffmpeg": av.ffmpeg_version_info}
