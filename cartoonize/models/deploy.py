"""Prepares a trained network for drawing: folds norms, and sets the precision of the convolutions."""

from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .generator import FrameModel, Generator

Convolution = nn.Conv2d | nn.ConvTranspose2d


def deploy(generator: Generator, dtype: torch.dtype = torch.float32) -> FrameModel:
    """Make a FrameModel whose convolutions compute in `dtype`; norms other than batch norm stay in float32.

    The generator has to be in eval mode. It is changed in place, and cannot be trained further.
    """
    _fold_norms(generator)
    for module in generator.modules():
        if isinstance(module, Convolution):
            module.to(dtype)
    return FrameModel(generator, dtype)


class _NormTracer(fx.Tracer):
    """Traces the modules that contain batch norms; all others are nodes of the graph as they are."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return isinstance(m, nn.BatchNorm2d) or not _has_batch_norm(m)


def _has_batch_norm(module: nn.Module) -> bool:
    return any(isinstance(child, nn.BatchNorm2d) for child in module.modules())


def _fold_norms(network: nn.Module) -> None:
    """Multiply each batch norm into the convolution before it, which saves reading the picture once more.

    A trace of `forward` shows which layer is before it, whatever the order in which layers are declared. A
    norm stays if the convolution's output, or one of the two layers, is also used elsewhere. All norms stay
    if `forward` depends on the values or shapes of its input, so that it has no single graph.
    """
    if not _has_batch_norm(network):
        return
    try:
        graph = _NormTracer().trace(network)
    except (fx.proxy.TraceError, TypeError, ValueError):  # what Python raises depends on the expression
        return
    uses = Counter(node.target for node in graph.nodes if node.op == "call_module")
    for node in graph.nodes:
        norm = network.get_submodule(node.target) if node.op == "call_module" else None
        before = node.args[0] if isinstance(norm, nn.BatchNorm2d) else None
        if before is None or before.op != "call_module" or len(before.users) > 1:
            continue
        layer = network.get_submodule(before.target)
        if isinstance(layer, Convolution) and uses[before.target] == uses[node.target] == 1:
            transposed = isinstance(layer, nn.ConvTranspose2d)
            assert isinstance(norm, nn.BatchNorm2d)
            network.set_submodule(before.target, fuse_conv_bn_eval(layer, norm, transposed))
            network.set_submodule(node.target, nn.Identity())
