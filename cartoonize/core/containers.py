"""The containers of videos, one row each. Whatever differs between them is in this table only.

Reading, writing, the help text and shell completion read this table, so a new container is a new row. It
imports nothing heavy, because shell completion imports it while people type.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container: its names, its default encoders, and what it can hold.

    Attributes:
        muxer: FFmpeg's name of the container.
        suffixes: the suffixes of targets that select it; outputs that cartoonize names get the first.
        read_suffixes: further suffixes by which such files are found in folders.
        names: values of `--format` that select it, besides FFmpeg's name.
        is_animation: whether it is for short animations, which most programs treat as pictures.
        encoder: the default encoder of video.
        alpha_encoder: the default encoder of transparent video; None if it is `encoder`.
        audio_encoder: the encoder of sound that cannot be copied.
        copied_audio: the codecs of sound that are copied, if the muxer accepts some that players cannot read;
            None if players can read all that the muxer accepts.
        named_opus: whether the channels of Opus have to be speakers; ambisonic sound could not be read.
        copied_subtitles: the same for subtitles.
        subtitle_encoder: the encoder of text subtitles that cannot be copied; None if the container holds no
            text subtitles.
        covers: whether it holds a cover picture.
        free_keys_flag: FFmpeg's flag in `movflags` for metadata keys of any name, such as those of phones.
            It replaces the common keys, which more players show.
        attachments: whether it holds files, such as fonts. A cover is then an attachment, not a stream.
        display_size: whether its header states the shape of pixels as the size to show. FFmpeg leaves that
            out, as PyAV cannot set it (see media/writing/matroska.py).
        negative_times: whether packets may be before time zero, as the priming of AAC is. In other containers
            such packets are put at zero: the muxer would shift all streams instead, and move every frame.
        priming: whether it states how much sound at the beginning is priming, which players leave out.
        header_times: whether the header states how long a packet of sound and a frame last, so that frames at
            a constant rate need that rate as the clock.
        starts_at_zero: whether all streams begin together and go on without a gap, as packets have no times,
            so that silence fills the gaps of sound.
        frame_reordering: whether frames may be stored in another order than they are shown. If not, the clock
            starts at zero and has no other times, and reordering would delay all frames.
        constant_rate: whether frames follow each other at one rate, without times.
        ticks: ticks of the clock per second, if the clock is coarse and each frame needs a tick; else None.
    """

    muxer: str
    suffixes: tuple[str, ...] = ()
    read_suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    is_animation: bool = False
    encoder: str = "libx264"
    alpha_encoder: str | None = None
    audio_encoder: str = "aac"
    copied_audio: frozenset[str] | None = None
    named_opus: bool = False
    copied_subtitles: frozenset[str] | None = None
    subtitle_encoder: str | None = None
    covers: bool = True
    free_keys_flag: str | None = None
    attachments: bool = False
    display_size: bool = False
    negative_times: bool = False
    priming: bool = False
    header_times: bool = False
    starts_at_zero: bool = False
    frame_reordering: bool = True
    constant_rate: bool = False
    ticks: int | None = None


CONTAINERS = (
    Container(
        muxer="mp4", suffixes=(".mp4",), subtitle_encoder="mov_text", free_keys_flag="use_metadata_tags",
        negative_times=True, priming=True,
    ),
    Container(
        muxer="ipod", suffixes=(".m4v",), subtitle_encoder="mov_text", free_keys_flag="use_metadata_tags",
        negative_times=True, priming=True,
    ),
    Container(
        muxer="mov", suffixes=(".mov",), alpha_encoder="prores_ks", subtitle_encoder="mov_text",
        free_keys_flag="use_metadata_tags", negative_times=True, priming=True, covers=False,
    ),
    Container(
        muxer="matroska", suffixes=(".mkv",), names=("mkv",), alpha_encoder="libvpx-vp9",
        subtitle_encoder="subrip", attachments=True, display_size=True, priming=True,
    ),
    Container(
        muxer="webm", suffixes=(".webm",), encoder="libvpx-vp9", audio_encoder="libopus",
        subtitle_encoder="webvtt", display_size=True, priming=True,
    ),
    # MPEG-TS takes anything as private data, which no player can read.
    Container(
        muxer="mpegts", suffixes=(".ts",), read_suffixes=(".mts", ".m2ts"), names=("ts",),
        copied_audio=frozenset({"aac", "mp2", "mp3", "ac3", "eac3", "opus", "dts"}),
        named_opus=True, copied_subtitles=frozenset({"dvb_subtitle", "dvb_teletext"}), covers=False,
    ),
    # FFmpeg does not know the times of H.264 in AVI, and puts all a frame late.
    # A cover would be a second video.
    Container(
        muxer="avi", suffixes=(".avi",), encoder="mpeg4", audio_encoder="libmp3lame", header_times=True,
        starts_at_zero=True, frame_reordering=False, covers=False,
    ),
    # FFmpeg's FLV muxer aborts over some sound.
    Container(
        muxer="flv", suffixes=(".flv",), copied_audio=frozenset({"aac", "mp3"}), frame_reordering=False
    ),
    Container(
        muxer="yuv4mpegpipe", suffixes=(".y4m",), names=("y4m",), encoder="rawvideo", constant_rate=True
    ),
    Container(muxer="gif", suffixes=(".gif",), is_animation=True, encoder="gif", ticks=100),
    Container(muxer="webp", suffixes=(".webp",), is_animation=True, encoder="libwebp_anim"),
    Container(muxer="apng", suffixes=(".png", ".apng"), is_animation=True, encoder="apng"),
    Container(muxer="avif", suffixes=(".avif",), is_animation=True, encoder="libsvtav1"),
)  # fmt: skip
"""The containers that are tested. FFmpeg knows more; they get the defaults of `Container`."""

STREAMED = "matroska"
"""The one for standard output: it holds any codec, and is written without going back."""
ANY_SOURCE = "matroska"
"""The one for sources whose own cannot be written: it holds nearly all sound and subtitles as they are."""

READ_ONLY_SUFFIXES = frozenset({
    ".mpg", ".mpeg", ".vob", ".f4v", ".wmv", ".asf", ".3gp", ".3g2", ".ogv", ".mxf", ".nut", ".h264", ".h265",
    ".hevc", ".dv", ".m2t", ".mod", ".tod", ".m2v", ".mpe", ".qt", ".divx", ".ogm", ".rm", ".rmvb", ".3gpp",
    ".amv", ".ivf",
})  # fmt: skip
"""Videos in a folder that are read; as targets they may be named, but tests do not cover them."""

VIDEO_SUFFIXES = READ_ONLY_SUFFIXES | {
    suffix
    for container in CONTAINERS
    if not container.is_animation
    for suffix in container.suffixes + container.read_suffixes
}
"""The lower-case suffixes by which videos are found in a folder. A file that is named may have any suffix."""

WRITTEN_SUFFIXES = frozenset(suffix for container in CONTAINERS for suffix in container.suffixes)
"""The lower-case suffixes of targets that select a container of the table."""

SUFFIX_LIST = ", ".join(suffix for container in CONTAINERS for suffix in container.suffixes)
"""The suffixes of targets, for messages."""

FORMAT_NAMES = tuple(
    name for container in CONTAINERS for name in dict.fromkeys((container.muxer, *container.names))
)
"""Completions of `--format`."""


def container_named(name: str) -> Container:
    """The container of that name, FFmpeg's or a short one; with defaults if it is not in the table."""
    return next((row for row in CONTAINERS if name == row.muxer or name in row.names), Container(muxer=name))


def is_tested(container: Container) -> bool:
    """Whether it is one of the table, and its default encoder is known to work in it."""
    return container in CONTAINERS


def container_of_suffix(suffix: str) -> Container | None:
    """The container that the suffix of a target, in any case, selects; None if the table has none."""
    return next((row for row in CONTAINERS if suffix.lower() in row.suffixes), None)
