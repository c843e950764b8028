"""The lowest layer: errors, frames, choices, files. It imports no other part of cartoonize."""
