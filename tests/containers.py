"""One short clip in each container that is read, all of the same frames."""

from fractions import Fraction

import numpy as np
from clips import Clip, remux
from noise import noise

FRAMES = 24
NOISE = noise(48, 64)
IMAGES = [np.roll(NOISE, n, 1) for n in range(FRAMES)]
VP9 = {"crf": "40", "b": "0", "cpu-used": "8", "deadline": "realtime"}
H264 = {"crf": "30", "g": "12"}
CONTAINERS = {  # by name: how each container is made, and whether it tells how many frames it should hold
    "a.mp4": ({"options": H264}, True),
    "fragments.mp4": ({"options": H264}, True),
    "hevc.mp4": ({"codec": "libx265", "options": {"g": "12", "x265-params": "log-level=none"}}, True),
    "a.mkv": ({"options": H264, "tones": [440]}, True),
    "a.webm": ({"codec": "libvpx-vp9", "options": VP9}, True),
    "av1.webm": ({"codec": "libsvtav1", "options": {"crf": "50", "preset": "12", "g": "12"}}, True),
    "b.webm": ({"codec": "libvpx", "options": {"crf": "30", "b": "1M"}}, True),
    "a.mov": ({"codec": "prores_ks", "pixel_format": "yuv422p10le", "options": {}}, True),
    "a.flv": ({"options": H264}, True),
    "a.avi": ({"codec": "mpeg4", "options": {}}, True),
    "b.avi": ({"codec": "mjpeg", "pixel_format": "yuvj420p", "options": {}}, True),
    "a.ts": ({"options": H264}, False),
    "a.mpg": ({"codec": "mpeg2video", "options": {}, "time_base": Fraction(1, 25)}, False),
    "a.gif": ({"codec": "gif", "pixel_format": "rgb8", "options": {}, "time_base": Fraction(1, 25)}, False),
    "a.apng": ({"codec": "apng", "pixel_format": "rgb24", "options": {}}, True),
    "a.y4m": ({"codec": "rawvideo", "options": {}}, False),
}


def make_clip(folder, name):
    """Write the clip of a name. MP4 and MOV have the index in front, as most cut files have, or fragments."""
    path = folder / name
    Clip(times=range(FRAMES), images=IMAGES, **CONTAINERS[name][0]).write(path)
    if path.suffix in (".mp4", ".mov"):
        is_fragmented = name == "fragments.mp4"
        flags = "frag_keyframe+empty_moov+default_base_moof" if is_fragmented else "faststart"
        behind = path.rename(folder / f"behind{path.suffix}")
        remux(path, behind, options={"movflags": flags})
    return path
