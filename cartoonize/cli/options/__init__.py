"""The options that commands share, each declared once, in groups that commands take (see ../groups.py).

network.py     which network draws, and what it runs on
look.py        the size of the drawing, its blend with the source, the effects of videos
reading.py     how INPUT is read
writing.py     how OUTPUT is compressed
video.py       all of these, for the conversion of a video
live.py        what `live` reads and where the result goes
web.py         the limits of the files that `web` accepts
output.py      what to do about an output that exists, and how to report
panels.py      the panels of `--help`
"""

from .live import LiveOptions, LiveSizeOptions
from .look import DetailName, LookOptions, SizeOptions, VideoLookOptions
from .network import Device, NetworkOptions, OnCluster, OnnxFileOptions, Style
from .output import AsJson, Debug, FilesOptions, OutputOptions, Overwrite, Quiet
from .panels import LOOK
from .reading import DecodingOptions, MaxPixels, RangeOptions
from .video import ConversionOptions, VideoOptions
from .web import LimitOptions
from .writing import EncoderOptions, EncodingOptions

__all__ = [
    "LOOK", "AsJson", "ConversionOptions", "Debug", "DecodingOptions", "DetailName", "Device",
    "EncoderOptions", "EncodingOptions", "FilesOptions", "LimitOptions", "LiveOptions", "LiveSizeOptions",
    "LookOptions", "MaxPixels", "NetworkOptions", "OnCluster", "OnnxFileOptions", "OutputOptions",
    "Overwrite", "Quiet", "RangeOptions", "SizeOptions", "Style", "VideoLookOptions", "VideoOptions",
]  # fmt: skip
