"""Calls a function in a separate process, for drivers that may crash or hang: this process survives."""

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

from .errors import BackendError

_FAILED = 3  # exit code; the output is the error


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module in a new process of this Python.

    Python would look for modules in the current folder first, where a download may be called json.py.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def call_isolated(function: str, *, timeout: float, **arguments: Any) -> Any:
    """Call "module:function" with arguments and a result in JSON's types, in a new process of this Python.

    What it prints is dropped.

    Raises:
        BackendError: the function raised an error, its process crashed, or it took longer than `timeout`
            seconds.
    """
    command = python_command(__name__, function, json.dumps(arguments))
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"It did not end within {timeout:g} seconds.") from error
    if done.returncode not in (0, _FAILED) or not done.stdout:
        raise BackendError(f"The process crashed (exit code {done.returncode}).")
    result = json.loads(done.stdout)
    if done.returncode == _FAILED:
        raise BackendError(result)
    return result


def main() -> None:
    """Call the function that the command line names, and write its result to standard output."""
    module, _, name = sys.argv[1].partition(":")
    standard_output = sys.stdout.fileno()
    with os.fdopen(os.dup(standard_output), "w") as output:
        os.dup2(sys.stderr.fileno(), standard_output)  # C libraries may print as late as at the exit
        try:
            output.write(json.dumps(getattr(import_module(module), name)(**json.loads(sys.argv[2]))))
        except Exception as error:  # noqa: BLE001  # it becomes an error of the caller
            output.write(json.dumps(str(error) or type(error).__name__))
            sys.exit(_FAILED)


if __name__ == "__main__":
    main()
