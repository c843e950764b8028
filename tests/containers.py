"""One short clip in each container that is read, all of the same frames."""

from fractions import Fraction

import av
import numpy as np

FRAMES = 24
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
IMAGES = [np.roll(NOISE, n, 1) for n in range(FRAMES)]
VP9 = {"crf": "40", "b": "0", "cpu-used": "8", "deadline": "realtime"}
H264 = {"crf": "30", "g": "12"}
CONTAINERS = {  # by name: how each container is made, and whether it tells how many frames it should hold
    "a.mp4": ({"options": H264}, True),
    "a.mkv": ({"options": H264, "tones": [440]}, True),
    "a.webm": ({"codec": "libvpx-vp9", "options": VP9}, True),
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


def move_index_to_front(path):
    """Move the index before the packets."""
    behind = path.with_name("behind" + path.suffix)
    path.rename(behind)
    with av.open(behind) as source, av.open(path, "w", container_options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
