"""What small networks learn from: photos redrawn by classical filters, and the pairs of photo and target.

cartoon_target.py   redraws a photo, with the filters of the other modules and of ../filters.py
pairs.py            writes pairs to the disk
"""
