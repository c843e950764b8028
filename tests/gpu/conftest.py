"""The GPU that these tests need. They import neither PyAV nor anything else that reads videos."""

import pytest

from cartoonize.backends.pytorch import device as devices


@pytest.fixture(scope="session")
def gpu() -> str:
    """The name of the first GPU, as --device takes it."""
    gpus = devices.gpus()
    if not gpus:
        pytest.skip("there is no GPU")
    return f"{gpus[0].type}:{gpus[0].index}"
