"""The number of threads is that of the available cores, in containers too; their memory is known as well."""

import os

import pytest

from cartoonize.core import control_groups, cpus

MANY = 64


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine of 64 cores whose control groups are in a folder: writes one of its files."""
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    return write


def test_all_that_the_process_may_run_on(machine, monkeypatch):
    """Without control groups, the affinity counts, and without that, the machine's cores."""
    assert cpus.count_cores() == MANY
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert cpus.count_cores() == 3


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("5000 100000", 1),
        ("max 100000", MANY),
        ("9900000 100000", MANY),
    ],
)
def test_the_quota_of_a_container_counts(machine, quota, expected):
    """`docker --cpus 2` means two cores, a part of a core is one, and more than all cores are all."""
    machine("proc/self/cgroup", "0::/")
    machine("sys/fs/cgroup/cpu.max", quota)
    assert cpus.count_cores() == expected


def test_groups_in_groups(machine):
    """The smallest limit of nested groups counts, as of systemd's slices."""
    machine("proc/self/cgroup", "0::/user.slice/film.service")
    machine("sys/fs/cgroup/user.slice/film.service/cpu.max", "max 100000")
    machine("sys/fs/cgroup/user.slice/cpu.max", "300000 100000")
    assert cpus.count_cores() == 3


def test_control_groups_of_version_1_count(machine):
    """Control groups of version 1 count as well, even if a container sees the path of its host."""
    machine("proc/self/cgroup", "7:memory:/docker/1f\n3:cpu,cpuacct:/docker/1f\n0::/docker/1f")
    machine("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000")
    machine("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert cpus.count_cores() == 4
    machine("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1")
    assert cpus.count_cores() == MANY


def test_unused_memory(machine):
    """Of each group with a limit, in both versions, the share of its memory that is not used."""
    machine("proc/self/cgroup", "0::/film.service\n4:memory:/docker/1f")
    machine("sys/fs/cgroup/film.service/memory.max", "4000")
    machine("sys/fs/cgroup/film.service/memory.current", "3000")
    machine("sys/fs/cgroup/memory.max", "max")
    machine("sys/fs/cgroup/memory.current", "9000")
    machine("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000")
    machine("sys/fs/cgroup/memory/memory.usage_in_bytes", "2000")
    assert list(control_groups.unused_memory()) == [0.25, 0.0]


@pytest.mark.parametrize("text", ["", "nonsense", "0::/", "0::/../../..", "::::"])
@pytest.mark.parametrize("quota", ["", "nonsense", "100000 0", "0 0", "1 2 3"])
def test_what_cannot_be_read_limits_nothing(machine, text, quota):
    """For any content of the system's files, the result is a number of cores."""
    machine("proc/self/cgroup", text)
    machine("sys/fs/cgroup/cpu.max", quota)
    assert cpus.count_cores() == MANY


@pytest.mark.parametrize(
    ("setting", "expected"), [("3", 3), ("100", MANY), ("0", MANY), ("", MANY), ("2,1", MANY)]
)
def test_omp_num_threads_limits_networks(machine, monkeypatch, setting, expected):
    """OMP_NUM_THREADS limits the networks of all runtimes."""
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert cpus.count_threads() == expected
