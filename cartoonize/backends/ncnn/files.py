"""Files of ncnn, .param and .bin, and the user's cache of styles that were converted for it."""

import contextlib
import hashlib
from pathlib import Path

from ...core.atomic import AtomicFile
from ...core.errors import MediaError, ModelError
from ...styles.card import read_header, weights_sha256
from ...version import __version__
from ..metadata import stated_numbers
from .check import check_graph, check_weights
from .graph import MAX_TEXT, NcnnNetwork, parse_graph

SUFFIX = ".param"
MAX_WEIGHTS = 1 << 30  # bytes; CartoonGAN's are 44 MB
_REQUIRED = {"reach", "stride", "flop_per_pixel"}  # numbers in the metadata


def weights_path(path: Path) -> Path:
    """Return the .bin file of a .param file."""
    return path.with_suffix(".bin")


def read_network(path: Path) -> NcnnNetwork:
    """Read a network that `cartoonize export-ncnn` wrote, and check it: ncnn itself trusts its files.

    Raises:
        ModelError: a file cannot be read or is damaged, or the network is of another program.
    """
    weights = weights_path(path)
    try:
        if path.stat().st_size > MAX_TEXT:
            raise ModelError(f"{path} is too long for the graph of a network.")
        graph = parse_graph(path.read_text(encoding="ascii"))
        if not stated_numbers(graph.metadata).keys() >= _REQUIRED:
            raise ModelError(f"{path} is not a network of cartoonize: `cartoonize export-ncnn` writes them.")
        side = 8 * int(graph.metadata["stride"])
        plan = check_graph(graph, side, side)
        # 4 bytes for each number and each mark: a longer file is not even read.
        longest = min(MAX_WEIGHTS, 4 * sum(tensor.count + 1 for tensor in plan.weights))
        if weights.stat().st_size > longest:
            raise ValueError(f"{weights.name} is longer than its weights")
        data = weights.read_bytes()
        check_weights(plan, data)
        if data.count(0) == len(data):  # what an interrupted download can leave
            raise ValueError(f"{weights.name} holds nothing but zeros")
    except OSError as error:
        raise ModelError(f"Cannot read {error.filename}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is damaged: it is no text.") from error
    except ValueError as error:
        raise ModelError(f"{path} is damaged: {error}.") from error
    return NcnnNetwork(graph, data)


def read_style(style: Path) -> NcnnNetwork:
    """Return the network of a style file, converted for ncnn; it is kept in the user's cache.

    PyTorch converts it, and is not needed again. A cache that cannot be written to is no error.

    Raises:
        ModelError: the file is damaged.
        BackendError: the network has a layer that ncnn has not.
    """
    path = _cached(style)
    with contextlib.suppress(ModelError):
        return read_network(path)
    from .convert import convert_style

    network = convert_style(style)
    with contextlib.suppress(OSError, MediaError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_network(path, network, overwrite=True)
    return network


def write_network(path: Path, network: NcnnNetwork, *, overwrite: bool) -> None:
    """Write both files.

    Raises:
        MediaError: one exists already and may not be overwritten, or cannot be written.
    """
    text = network.graph.to_text().encode("ascii")
    with AtomicFile(weights_path(path), overwrite=overwrite) as weights, \
            AtomicFile(path, overwrite=overwrite) as graph:  # fmt: skip
        weights.path.write_bytes(network.weights)
        graph.path.write_bytes(text)


def _cached(style: Path) -> Path:
    """Return the path of a converted network in the cache, by the style's weights, layers and our version."""
    from platformdirs import user_cache_path  # here, so that other backends do not need it

    header = read_header(style)
    identity = (weights_sha256(style), header.architecture, header.config, header.card.licence, __version__)
    digest = hashlib.sha256(repr(identity).encode()).hexdigest()
    return user_cache_path("cartoonize", appauthor=False) / "ncnn" / f"{digest[:32]}{SUFFIX}"
