"""The version. This file imports nothing, because packaging and `--version` read it."""

__version__ = "0.2.0"
