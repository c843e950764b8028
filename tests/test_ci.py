"""Workflows, hooks, issue forms and the scripts in .ci."""

import os
import re
import shlex
import shutil
import sysconfig
from itertools import chain
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="needs the extra `docs`")

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
SCRIPTS = sorted((ROOT / ".ci").iterdir())
TOOLS = {"ruff", "mkdocs", "pytest", "python", "cartoonize"}
"""The programs that workflows and hooks run. `pip install -e ".[dev]"` installs all of them except Python."""


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def workflow_steps(path):
    return chain.from_iterable(job["steps"] for job in load(path)["jobs"].values())


def workflow_commands(path):
    """The command lines of a workflow."""
    return [line for step in workflow_steps(path) for line in step.get("run", "").splitlines()]


def hook_commands():
    """The command lines of the pre-commit hooks."""
    config = load(ROOT / ".pre-commit-config.yaml")
    return [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]


def assert_command_exists(line):
    program = shlex.split(line)[0]
    if "/" in program:
        assert os.access(ROOT / program, os.X_OK), f"{program} is no executable file of the repository"
    else:
        assert program in TOOLS, f"{program} is not one of {sorted(TOOLS)}"
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        assert shutil.which(program, path=path), f"{program} is not installed"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_commands_that_exist(workflow):
    """Each command of a workflow is a script of the repository or an installed tool."""
    lines = workflow_commands(workflow)
    assert lines
    for line in lines:
        assert_command_exists(line)


def test_hooks_run_commands_that_exist():
    """Each pre-commit hook runs a script of the repository or an installed tool."""
    lines = hook_commands()
    assert lines
    for line in lines:
        assert_command_exists(line)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_call_scripts_that_exist(script):
    """The scripts in .ci are executable and call only each other."""
    assert os.access(script, os.X_OK)
    for name in re.findall(r"(?m)^\s*(\.ci/\w+)", script.read_text(encoding="utf-8")):
        assert os.access(ROOT / name, os.X_OK), f"{script.name} calls {name}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_major_version(workflow):
    """Workflows use actions by their major version, so that they get fixes but no breaking changes."""
    for step in workflow_steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step["uses"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_are_valid(template):
    """Issue forms parse, and each of their fields has a label."""
    form = load(template)
    for field in form.get("body", []):
        assert field["type"] == "markdown" or field["attributes"]["label"]
