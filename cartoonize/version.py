"""The version, alone in a file that imports nothing, for packaging and `--version`."""

__version__ = "0.1.0"
