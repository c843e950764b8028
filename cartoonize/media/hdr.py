"""Tone mapping of HDR (PQ, HLG) to SDR, by the tone curve of ITU-R BT.2390.

    signal --EOTF--> cd/m² (BT.2020) --EETF of BT.2390 on max(R, G, B)--> --matrix--> BT.709
           --mixed with its grey until it fits--> --inverse of BT.1886--> signal

Colours up to about 90 cd/m² stay unchanged. Brighter ones are compressed towards 203 cd/m², the reference
white of ITU-R BT.2408. The mapping depends on the colour alone, so it is computed once for a lattice of
colours, between which FFmpeg's lut3d filter interpolates: 45 ms for a frame of 1080p on one core.
"""

import struct
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from ..core.frames import Image
from .side_data import get_side_data

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""The transfer functions that are tone-mapped, by AVColorTransferCharacteristic."""

_TIME_BASE = Fraction(1, 1000)  # any: frames that a decoder returns at the end have none
SDR_WHITE = 203.0  # cd/m²; ITU-R BT.2408
_DEFAULT_PEAK = 1000.0  # cd/m²: of HLG's reference display (BT.2100), and of PQ without metadata
# Colours along each side. The mean error is 1.2 (PQ) and 0.7 (HLG) grey levels; with 33 it is 1.9 and 1.1.
# With 65 it is 0.9 and 0.5, but the lattice does not fit in the cache and a frame takes half as long again.
# The error is in the weakest component of saturated colours, where the signal is steep.
_LATTICE_SIZE = 49

Floats = NDArray[np.float64]

# Linear light; derived from the primaries of BT.2020 and BT.709, as in ITU-R BT.2087.
_BT2020_TO_BT709 = np.array([
    [1.660491, -0.587641, -0.072850],
    [-0.124550, 1.132900, -0.008349],
    [-0.018151, -0.100579, 1.118730],
])  # fmt: skip
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
_LUMA_709 = np.array([0.2126, 0.7152, 0.0722])


class ToneMapper:
    """Converts the HDR frames of one video to SDR. `frame` is the first of them.

    The video states its peak luminance by MaxCLL, or by the mastering display. Without a statement it counts
    as 1000 cd/m².
    """

    def __init__(self, frame: av.VideoFrame, matrix: Colorspace) -> None:
        self._lattice = build_lattice(HDR_TRANSFERS[frame.color_trc], peak_luminance(frame))
        self._matrix = {Colorspace.ITU709: "bt709", Colorspace.BT2020: "bt2020nc"}.get(matrix, "bt601")
        self._shape: tuple[int, int, str] | None = None

    def __call__(self, frame: av.VideoFrame) -> Image:
        """Return (H, W, 3) uint8, BT.709 primaries, for a display with the EOTF of BT.1886."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape:
            self._graph, self._shape = self._build_graph(frame), shape
        self._graph.vpush(frame)
        return np.ascontiguousarray(self._graph.vpull().to_ndarray())

    def _build_graph(self, frame: av.VideoFrame) -> Graph:
        graph = Graph()
        full = "pc" if frame.color_range == 2 else "tv"
        accurate = "flags=bilinear+accurate_rnd+full_chroma_int"
        graph.threads = 1
        with tempfile.TemporaryDirectory(prefix="cartoonize-") as folder:
            cube = Path(folder) / "sdr.cube"  # the filter reads a file, when it is configured
            _write_cube(cube, self._lattice)
            # With the tags of HDR the scaler would map tones itself.
            graph.link_nodes(
                graph.add_buffer(
                    width=frame.width, height=frame.height, format=frame.format, time_base=_TIME_BASE
                ),
                graph.add("setparams", "color_trc=bt709:color_primaries=bt709"),
                graph.add("scale", f"in_color_matrix={self._matrix}:in_range={full}:out_range=pc:{accurate}"),
                graph.add("format", "pix_fmts=gbrp12"),
                graph.add("lut3d", file=str(cube), interp="tetrahedral"),
                graph.add("format", "pix_fmts=rgb24"),
                graph.add("buffersink"),
            ).configure()
        return graph


def lacks_base_layer(frame: av.VideoFrame) -> bool:
    """Whether it is Dolby Vision in colours of its own (IPT, profile 5), which other decoders cannot show.

    By the header at the offset with which AVDOVIMetadata begins, as FFmpeg's `ff_dovi_guess_profile_hevc`.
    """
    data = get_side_data(frame, Type.DOVI_METADATA)
    if not data:
        return False
    (offset,) = struct.unpack_from("=Q", data)
    profile, is_full_range = struct.unpack_from("=4xB5xB", data, offset)
    return profile == 0 and bool(is_full_range)


def build_lattice(transfer: str, peak: float) -> Floats:
    """SDR signals of a lattice of HDR signals, both 0 to 1: (blue, green, red, 3)."""
    axis = np.linspace(0, 1, _LATTICE_SIZE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    signal = np.stack([red, green, blue], -1)
    light = pq_eotf(signal) if transfer == "PQ" else hlg_eotf(signal)
    brightest = light.max(-1, keepdims=True)
    light = light * (eetf(brightest, peak) / np.maximum(brightest, 1e-6)) / SDR_WHITE
    sdr: Floats = _fit_gamut(light @ _BT2020_TO_BT709.T) ** (1 / 2.4)
    return sdr


def pq_eotf(signal: Floats) -> Floats:
    """cd/m² of a PQ signal of 0 to 1; SMPTE ST 2084."""
    root = signal ** (1 / _M2)
    light: Floats = 10000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return light


def pq_signal(light: Floats) -> Floats:
    """The inverse of `pq_eotf`."""
    power = (np.maximum(light, 0) / 10000) ** _M1
    signal: Floats = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return signal


def hlg_eotf(signal: Floats) -> Floats:
    """cd/m² of HLG signals (..., 3) of 0 to 1 on a display of 1000 cd/m²; ITU-R BT.2100, system gamma 1.2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = (scene @ _LUMA_2020)[..., None]
    light: Floats = _DEFAULT_PEAK * np.maximum(luma, 1e-9) ** 0.2 * scene
    return light


def eetf(light: Floats, peak: float) -> Floats:
    """cd/m² on an SDR display of light that was graded up to `peak` cd/m²; ITU-R BT.2390, section 5.4.1."""
    top = pq_signal(np.array(peak))
    target = float(pq_signal(np.array(SDR_WHITE)) / top)
    knee = 1.5 * target - 0.5
    if target >= 1:
        return np.minimum(light, SDR_WHITE)
    signal = np.minimum(pq_signal(light) / top, 1)
    t = (signal - knee) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * target
    )
    return pq_eotf(np.where(signal < knee, signal, spline) * top)


def peak_luminance(frame: av.VideoFrame) -> float:
    """The peak luminance that the metadata of a frame state, in cd/m²; 1000 without metadata."""
    if HDR_TRANSFERS.get(frame.color_trc) == "HLG":  # its signal is relative to the display
        return _DEFAULT_PEAK
    stated = (_max_cll(frame), _mastering_peak(frame))
    peak = next((value for value in stated if value > 0), _DEFAULT_PEAK)
    return min(max(peak, SDR_WHITE), 10000.0)


def _max_cll(frame: av.VideoFrame) -> float:
    """MaxCLL in cd/m², the first of two unsigned integers of AVContentLightMetadata; 0 if it is missing."""
    data = get_side_data(frame, Type.CONTENT_LIGHT_LEVEL)
    return float(struct.unpack_from("=I", data)[0]) if data else 0.0


def _mastering_peak(frame: av.VideoFrame) -> float:
    """The peak of the mastering display in cd/m²; 0 if it is missing.

    AVMasteringDisplayMetadata holds rationals for primaries, white point, minimum and maximum luminance, and
    two flags.
    """
    data = get_side_data(frame, Type.MASTERING_DISPLAY_METADATA)
    if not data:
        return 0.0
    *_, numerator, denominator, _, known = struct.unpack_from("=22i", data)
    return numerator / denominator if known and denominator else 0.0


def _fit_gamut(light: Floats) -> Floats:
    """Mix colours with the grey of the same luminance, as little as brings all components into 0 to 1."""
    grey = np.clip(light @ _LUMA_709, 0, 1)[..., None]
    excess = light - grey
    headroom = np.where(excess > 0, 1 - grey, grey) / np.maximum(np.abs(excess), 1e-9)
    share = np.minimum(headroom.min(-1, keepdims=True), 1)
    in_gamut: Floats = np.clip(grey + share * excess, 0, 1)
    return in_gamut


def _write_cube(path: Path, values: Floats) -> None:
    """Write a lattice in Adobe's Cube LUT format, with red changing fastest."""
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in values.reshape(-1, 3).tolist())
    path.write_text(f"LUT_3D_SIZE {len(values)}\n{rows}\n", encoding="ascii")


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
