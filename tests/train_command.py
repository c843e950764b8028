"""Runs `cartoonize train` in this process."""

from typer.testing import CliRunner

from cartoonize.cli.train import app


def train(*words):
    """Run a command to its end; returns its `output`, and `stdout` alone. Errors are raised."""
    result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result
