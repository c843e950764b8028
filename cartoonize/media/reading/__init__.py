"""Reading videos: decoding, conversion to RGB, damage, HDR."""
