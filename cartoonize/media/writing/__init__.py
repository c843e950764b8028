"""Writing videos: encoding, stream copy, segments, containers."""
