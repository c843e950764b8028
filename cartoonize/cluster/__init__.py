"""Films drawn by many machines, with Ray (https://docs.ray.io), which is imported here only.

The segments that going on after a stop knows of (resume.py) are drawn by Ray's tasks, with the code that
draws them on one machine (stretch.py). The process that was called, the driver, keeps them in the journal
beside the video, puts them together by stream copy, and adds sound and all else from the source.
"""
