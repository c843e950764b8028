"""Pictures of random values."""

import numpy as np


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Pictures of noise, (*shape, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
