"""Cameras and streams in real time: conversion.py draws the latest frame, and drops frames that are late."""

from .capture import CaptureInput, list_cameras, resolve_source
from .conversion import LiveReport, run
from .detail import DetailControl
from .latency import LatencyMeter
from .sinks import NullSink, StreamSink, open_live_sink
from .source import LiveSource

__all__ = [
    "CaptureInput", "DetailControl", "LatencyMeter", "LiveReport", "LiveSource", "NullSink",
    "StreamSink", "list_cameras", "open_live_sink", "resolve_source", "run",
]  # fmt: skip
