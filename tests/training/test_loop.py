"""The training loop's figures."""

import pytest

from cartoonize.training.loop import TrainingMeter


def test_means_and_waiting(monkeypatch):
    """A reading has the means of its steps, the speed and the share of waiting; a new period starts."""
    times = iter([0.0, 1.0, 2.0, 4.0, 4.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    meter = TrainingMeter()
    with meter.waiting():
        pass
    meter.add({"loss": 1.0})
    meter.add({"loss": 3.0})
    assert meter.read(batch=4) == {"loss": 2.0, "images_per_s": 2.0, "waiting": 0.25}
    assert meter.last == {"loss": 3.0}


def test_a_loss_that_begins_late():
    """The mean of a loss that only some steps have is over those steps."""
    meter = TrainingMeter()
    meter.add({"pixel": 1.0})
    meter.add({"pixel": 1.0, "temporal": 4.0})
    assert meter.read(batch=4)["temporal"] == 4.0


def test_a_coarse_clock(monkeypatch):
    """Steps between two ticks of the clock have a speed too: nothing divides by 0."""
    monkeypatch.setattr("time.perf_counter", lambda: 5.0)
    meter = TrainingMeter()
    meter.add({"loss": 1.0})
    reading = meter.read(batch=4)
    assert reading["images_per_s"] > 0
    assert reading["waiting"] == pytest.approx(0)
