"""The length of the segments in which a video is converted (segmented.py gives the reason for them)."""

SEGMENT = 120
"""Frames of a segment, before they are rounded up to whole batches: a killed run loses at most one segment.
Each segment costs a keyframe, and the encoder, which works on several frames at once, has to drain; at 24
frames/s that is every five seconds."""


def segment_length(batch: int) -> int:
    """Frames of a segment if the network draws `batch` frames per call."""
    return -(-SEGMENT // batch) * batch
