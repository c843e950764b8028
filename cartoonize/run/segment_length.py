"""The length of the segments in which a video is converted (segmented.py says why there are any)."""

SEGMENT = 120
"""Frames of a segment, rounded up to whole batches: what a killed run can lose. Each costs a keyframe, and
the encoder, which works on several frames at once, has to drain; at 24 frames/s that is every five
seconds."""


def segment_length(batch: int) -> int:
    """Frames of a segment where the network draws `batch` frames a call."""
    return -(-SEGMENT // batch) * batch
