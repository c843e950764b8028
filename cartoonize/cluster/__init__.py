"""Videos converted by many machines, with Ray (https://docs.ray.io), which only this folder imports.

Ray's tasks convert the segments that a resumed run would know (run/segmented.py), with the code that converts
them on one machine (run/frame_range.py). The driver, the process that the user started, keeps them in the
journal beside the video, joins them by stream copy, and adds sound and everything else from the source.
"""
