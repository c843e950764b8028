"""Measures a style: figures.py of photos and their drawings, flicker.py of videos, distances.py to an artist.

evaluate.py measures all of them, for `cartoonize train evaluate` and `cartoonize train run`.
"""
