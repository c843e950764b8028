"""Converting between a video's YUV and RGB, by the matrix and range that the video states.

swscale converts. By default it rounds down and does not interpolate chroma, which shifts colours by up to 3
of 255; with accurate rounding it is at most 2 (measured for BT.601, 709 and 2020).
"""

from dataclasses import dataclass, replace

import av
import numpy as np
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from ..core.frames import Image, Plane
from ..core.yuv import YuvWeights, yuv_weights

# AVColorSpace (how the stream is tagged, ISO/IEC 23091-2) -> swscale's name of the matrix.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_TAGS = {Colorspace.ITU709: 1, Colorspace.ITU601: 6}
_LUMA = {
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.FCC: (0.30, 0.11),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.BT2020: (0.2627, 0.0593),
}
"""The weights of red and blue in luma."""
UNSPECIFIED = 2


@dataclass(frozen=True, slots=True)
class Colour:
    """The tags of a stream, as AVColorSpace, AVColorRange, AVColorTransferCharacteristic, AVColorPrimaries.

    `sws` is the matrix to convert by: the tagged one or, without a tag, the one that players assume, BT.709
    from 720 lines on and BT.601 below. An untagged stream stays untagged, so that players assume the same for
    source and output.
    """

    matrix: int
    range: int
    transfer: int
    primaries: int
    sws: Colorspace

    @classmethod
    def of_frame(cls, frame: av.VideoFrame) -> "Colour":
        """Read the tags of a decoded frame; RGB video gets the matrix that its YUV form will have."""
        sws = _MATRICES.get(frame.colorspace, Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601)
        if frame.format.is_rgb:
            return cls(
                _TAGS.get(sws, frame.colorspace),
                ColorRange.MPEG.value,
                frame.color_trc,
                frame.color_primaries,
                sws,
            )
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        color_range = ColorRange.JPEG.value if full else frame.color_range
        matrix = frame.colorspace if frame.colorspace in _MATRICES else UNSPECIFIED
        return cls(matrix, color_range, frame.color_trc, frame.color_primaries, sws)

    @classmethod
    def of_pictures(cls, height: int) -> "Colour":
        """For pictures that become a video: the matrix that players assume for the size, limited range."""
        sws = Colorspace.ITU709 if height >= 720 else Colorspace.ITU601
        return cls(_TAGS[sws], ColorRange.MPEG.value, UNSPECIFIED, UNSPECIFIED, sws)

    def to_rgb(self, frame: av.VideoFrame) -> Image:
        """Convert a decoded frame of any pixel format to RGB; deeper samples are reduced to 8 bits."""
        source = ColorRange.JPEG if frame.format.is_rgb else self._range
        rgb = frame.reformat(
            format="rgb24",
            src_colorspace=self.sws,
            src_color_range=source,
            dst_color_range=ColorRange.JPEG,
            interpolation=_ACCURATE,
            threads=1,
        )
        return np.ascontiguousarray(rgb.to_ndarray())

    def from_rgb(
        self, image: Image, pixel_format: str, width: int, height: int, alpha: Plane | None = None
    ) -> av.VideoFrame:
        """Convert an RGB picture to a frame for an encoder, scaled to the size."""
        rgb = (
            av.VideoFrame.from_ndarray(image, "rgb24")
            if alpha is None
            else av.VideoFrame.from_ndarray(np.dstack([image, alpha]), "rgba")
        )
        target = ColorRange.JPEG if VideoFormat(pixel_format).is_rgb else self._range
        return rgb.reformat(
            width=width,
            height=height,
            format=pixel_format,
            dst_colorspace=self.sws,
            src_color_range=ColorRange.JPEG,
            dst_color_range=target,
            interpolation=_ACCURATE,
            threads=1,
        )

    def from_planes(self, planes: Image) -> av.VideoFrame:
        """Make a frame for an encoder of a picture that was converted by `yuv_weights` (`Frame.image`)."""
        frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
        frame.colorspace, frame.color_range = self.matrix, self._range
        return frame

    @property
    def yuv_weights(self) -> YuvWeights:
        """The weights of red, green and blue in Y, U and V."""
        return yuv_weights(*_LUMA[self.sws], full_range=self._range == ColorRange.JPEG)

    def tag_encoder(self, context: "av.VideoCodecContext") -> None:
        """Set the tags of an encoder."""
        context.colorspace = self.matrix
        context.color_range = self.range
        context.color_trc = self.transfer
        context.color_primaries = self.primaries

    def as_full_range(self) -> "Colour":
        """The same in full range."""
        return replace(self, range=ColorRange.JPEG.value)

    def as_tagged(self) -> "Colour":
        """The same with the matrix tagged, for a size for which players would assume another one."""
        return replace(self, matrix=_TAGS.get(self.sws, self.matrix))

    @property
    def _range(self) -> ColorRange:
        return ColorRange.JPEG if self.range == ColorRange.JPEG else ColorRange.MPEG


_ACCURATE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

SDR = Colour(_TAGS[Colorspace.ITU709], ColorRange.MPEG.value, 1, 1, Colorspace.ITU709)
"""The result of tone mapping HDR: all tags BT.709, limited range."""
