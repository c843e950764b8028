"""ONNX Runtime, imported where it is used, without its telemetry.

From 1.29 on, its wheels send facts about the machine, the models and errors to Microsoft. The import itself
writes an identifier of the machine into the user's cache and sends the first event:
https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
"""

import os
import sys
import threading
from importlib import import_module
from types import ModuleType

_OPT_OUT = "ORT_DISABLE_TELEMETRY"
_import_lock = threading.Lock()


def load_onnxruntime() -> ModuleType:
    """Import `onnxruntime`. If the caller's program has imported it already, its telemetry stays as it is."""
    with _import_lock:  # or another thread restores the variable in the middle of the import
        if sys.modules.get("onnxruntime") is None:
            before = os.environ.get(_OPT_OUT)
            disable_telemetry()
            try:
                import onnxruntime
            finally:
                if before is None:
                    del os.environ[_OPT_OUT]
                else:
                    os.environ[_OPT_OUT] = before
            onnxruntime.disable_telemetry_events()  # on Windows, before 1.29, the variable has no effect
    # `import_module` waits until a thread of the caller's program has imported all of it.
    return import_module("onnxruntime")


def disable_telemetry() -> None:
    """Turn the telemetry off for this process and those that it starts, whichever library imports it.

    Call it before the import. Only programs call it: a library leaves the environment to its caller.
    """
    os.environ[_OPT_OUT] = "1"
