"""Damages the bytes of a file in place, by random numbers."""


def flipped(data, rng):
    """Flip some bits."""
    for place in rng.integers(0, len(data), rng.integers(1, 40)):
        data[place] ^= 1 << rng.integers(0, 8).item()


def truncated(data, rng):
    """Cut off the end."""
    del data[rng.integers(1, len(data)).item() :]


def zeroed(data, rng):
    """Fill a range with zeros."""
    start = rng.integers(0, len(data)).item()
    length = min(len(data) - start, rng.integers(1, 4000).item())
    data[start : start + length] = bytes(length)


def spliced(data, rng):
    """Cut out a range."""
    place, other = sorted(rng.integers(0, len(data), 2).tolist())
    del data[place:other]


MUTATIONS = (flipped, truncated, zeroed, spliced)
