"""HDR video (PQ, HLG) as SDR, by the tone curve of ITU-R BT.2390.

    signal --EOTF--> cd/m² (BT.2020) --EETF of BT.2390 on max(R, G, B)--> --matrix--> BT.709
           --towards its grey until it fits--> --inverse of BT.1886--> signal

The colours up to about 90 cd/m² stay as they are, and what is brighter is rolled off towards 203 cd/m², the
reference white of ITU-R BT.2408. All of it is a function of one colour, so it is computed once for a lattice
of colours, and FFmpeg's lut3d filter interpolates between them: 45 ms for a frame of 1080p on one core.
"""

import struct
import tempfile
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from ...core.frames import Image
from .side_data import side_data

TRANSFERS = {16: "PQ", 18: "HLG"}
"""AVColorTransferCharacteristic of what is tone-mapped."""

SDR_WHITE = 203.0  # cd/m²; ITU-R BT.2408
_USUAL_PEAK = 1000.0  # cd/m²: of HLG's reference display (BT.2100), and where PQ's metadata is silent
# Colours along each side. On average they are off by 1.2 (PQ) and 0.7 (HLG) grey levels, with 33 by 1.9 and
# 1.1; with 65 by 0.9 and 0.5, but the table leaves the cache and a frame takes half as long again. What is
# off is the weakest component of saturated colours, where the signal is steep.
_LATTICE = 49

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
    """Turns HDR frames of one video into SDR pictures. `frame` is the first of them.

    The peak is what the video states (MaxCLL, or else that of the mastering display), or 1000 cd/m².
    """

    def __init__(self, frame: av.VideoFrame, matrix: Colorspace) -> None:
        self._table = table(TRANSFERS[frame.color_trc], stated_peak(frame))
        self._matrix = {Colorspace.ITU709: "bt709", Colorspace.BT2020: "bt2020nc"}.get(matrix, "bt601")
        self._shape: tuple[int, int, str] | None = None

    def __call__(self, frame: av.VideoFrame) -> Image:
        """(H, W, 3) uint8, BT.709 primaries, for a display with the EOTF of BT.1886."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape:
            self._graph, self._shape = self._built(frame), shape
        self._graph.vpush(frame)
        return np.ascontiguousarray(self._graph.vpull().to_ndarray())

    def _built(self, frame: av.VideoFrame) -> Graph:
        graph = Graph()
        full = "pc" if frame.color_range == 2 else "tv"
        accurate = "flags=bilinear+accurate_rnd+full_chroma_int"
        graph.threads = 1
        with tempfile.TemporaryDirectory(prefix="cartoonize-") as folder:
            cube = Path(folder) / "sdr.cube"  # the filter takes a file, and has read it once configured
            _write_cube(cube, self._table)
            # Tags of HDR would make the scaler map tones on its own.
            graph.link_nodes(
                graph.add_buffer(
                    width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
                ),
                graph.add("setparams", "color_trc=bt709:color_primaries=bt709"),
                graph.add("scale", f"in_color_matrix={self._matrix}:in_range={full}:out_range=pc:{accurate}"),
                graph.add("format", "pix_fmts=gbrp12"),
                graph.add("lut3d", file=str(cube), interp="tetrahedral"),
                graph.add("format", "pix_fmts=rgb24"),
                graph.add("buffersink"),
            ).configure()
        return graph


def table(transfer: str, peak: float) -> Floats:
    """SDR signals of a lattice of HDR signals, both 0 to 1: (blue, green, red, 3)."""
    axis = np.linspace(0, 1, _LATTICE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    signal = np.stack([red, green, blue], -1)
    light = pq_eotf(signal) if transfer == "PQ" else hlg_eotf(signal)
    brightest = light.max(-1, keepdims=True)
    light = light * (eetf(brightest, peak) / np.maximum(brightest, 1e-6)) / SDR_WHITE
    fitting: Floats = _into_gamut(light @ _BT2020_TO_BT709.T) ** (1 / 2.4)
    return fitting


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
    light: Floats = _USUAL_PEAK * np.maximum(luma, 1e-9) ** 0.2 * scene
    return light


def eetf(light: Floats, peak: float) -> Floats:
    """cd/m² for an SDR display of what was graded up to `peak`; ITU-R BT.2390, section 5.4.1."""
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


def stated_peak(frame: av.VideoFrame) -> float:
    """The brightest light that the frame's metadata speak of, in cd/m²; 1000 where there are none."""
    if TRANSFERS.get(frame.color_trc) == "HLG":  # relative to the display
        return _USUAL_PEAK
    stated = [_max_cll(frame), _mastering_peak(frame)]
    peak = next((value for value in stated if value > 0), _USUAL_PEAK)
    return min(max(peak, SDR_WHITE), 10000.0)


def _max_cll(frame: av.VideoFrame) -> float:
    """AVContentLightMetadata: two unsigned, of which the first is MaxCLL."""
    data = side_data(frame, Type.CONTENT_LIGHT_LEVEL)
    return float(struct.unpack_from("=I", data)[0]) if data else 0.0


def _mastering_peak(frame: av.VideoFrame) -> float:
    """AVMasteringDisplayMetadata: rationals for primaries, white point, least and most light; two flags."""
    data = side_data(frame, Type.MASTERING_DISPLAY_METADATA)
    if not data:
        return 0.0
    *_, numerator, denominator, _, known = struct.unpack_from("=22i", data)
    return numerator / denominator if known and denominator else 0.0


def _into_gamut(light: Floats) -> Floats:
    """Mix colours with the grey of the same luminance, just so far that all components are in 0 to 1."""
    grey = np.clip(light @ _LUMA_709, 0, 1)[..., None]
    excess = light - grey
    room = np.where(excess > 0, 1 - grey, grey) / np.maximum(np.abs(excess), 1e-9)
    share = np.minimum(room.min(-1, keepdims=True), 1)
    fitting: Floats = np.clip(grey + share * excess, 0, 1)
    return fitting


def _write_cube(path: Path, values: Floats) -> None:
    """Adobe's Cube LUT format, red changing fastest."""
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in values.reshape(-1, 3).tolist())
    path.write_text(f"LUT_3D_SIZE {len(values)}\n{rows}\n")


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
