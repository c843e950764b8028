"""A step of training on a simulated GPU: all tensors are in its memory, and nothing waits for it."""

import copy

import pytest
import torch
from simulated_gpu import GPU, GpuTensor, simulate_gpu
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from training_phases import RECIPES, build, step

from cartoonize.models import ARCHITECTURES
from cartoonize.training.discriminator import SmallDiscriminator
from cartoonize.training.features import Features
from cartoonize.training.run import LOSSES
from cartoonize.training.trainer import Compute


def tensors(state):
    """All tensors of a state, also those in dictionaries and lists within."""
    if isinstance(state, torch.Tensor):
        yield state
    for value in state.values() if isinstance(state, dict) else state if isinstance(state, list) else ():
        yield from tensors(value)


@pytest.mark.parametrize("name", RECIPES)
def test_no_tensor_of_a_step_stays_on_the_cpu(name):
    """In each phase with all its losses, a step never waits for the GPU, and learns what the CPU learns."""
    expected = step(build(name, Compute(torch.device("cpu"), bf16=False)))
    with simulate_gpu() as gpu:
        phase = build(name, Compute(GPU, bf16=False))
        gpu.waits.clear()
        # as batches that are not pinned: blocking copies of the batch itself
        logged = step(phase)
        copies = gpu.waits.pop("copy to the GPU")
        assert (copies, gpu.waits) == (2 if name == "pretrain" else 10, {})
        states = {part: value.state_dict() for part, value in phase.parts().items()}
        assert all(isinstance(tensor, GpuTensor) for tensor in tensors(states))
        for values, others in zip(logged, expected, strict=True):
            assert values.keys() == others.keys() >= set(LOSSES[name.split()[0]])
            for loss in values:
                assert values[loss].item() == pytest.approx(others[loss].item(), rel=1e-3, abs=1e-6), loss


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of PyTorch's compiler
@pytest.mark.parametrize("name", RECIPES)
def test_compiled_networks_learn_the_same(monkeypatch, name):
    """With --compile each network is traced, in integers the rounded one, and learns what others learn."""
    from torch._dynamo.backends.debugging import aot_eager

    traced, compile_eagerly = [], torch.nn.Module.compile

    def backend(graph, inputs):
        traced.append(graph)
        return aot_eager(graph, inputs)

    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compile_eagerly(self, backend=backend))
    logged, expected = (
        step(build(name, Compute(torch.device("cpu"), bf16=False, compiled=compiled)))
        for compiled in (True, False)
    )
    assert any("fake_quantize" in graph.code for graph in traced) == (name == "distil int8")
    for values, others in zip(logged, expected, strict=True):
        for loss in values:
            assert values[loss].item() == pytest.approx(others[loss].item(), rel=1e-3, abs=1e-6), loss


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")  # which the simulation does
@pytest.mark.parametrize("name", ["adversarial", "distil int8"])
def test_a_checkpoint_returns_to_the_gpu(name):
    """A state that was read from a file, on the CPU, continues on the GPU, the optimiser's moments too."""
    saved = build(name, Compute(torch.device("cpu"), bf16=False))
    step(saved)
    states = {part: copy.deepcopy(value.state_dict()) for part, value in saved.parts().items()}
    with simulate_gpu() as gpu:
        phase = build(name, Compute(GPU, bf16=False))
        for part, value in phase.parts().items():
            value.load_state_dict(states[part])
        gpu.waits.clear()
        step(phase)
        assert set(gpu.waits) == {"copy to the GPU"}


NETWORKS = {  # those whose norms do not ask for a real device
    "swift": lambda: ARCHITECTURES["swift"](width=4),
    "animegan2": lambda: ARCHITECTURES["animegan2"](width=4),
    "vgg16": lambda: Features("vgg16"),
    "small discriminator": lambda: SmallDiscriminator(4),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_training_in_bf16(monkeypatch, name):
    """On a GPU of NVIDIA, convolutions compute in bfloat16; the output is float32."""
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    compute = Compute(torch.device("cuda:0"), bf16=True)
    network, computed = NETWORKS[name](), set()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda *call: computed.add(call[-1].dtype))
    with FakeTensorMode():
        state = {
            name: torch.empty(value.shape, dtype=value.dtype, device=compute.device)
            for name, value in (*network.named_parameters(), *network.named_buffers())
        }
        pictures = torch.empty(2, 3, 32, 32, device=compute.device)
        result = compute.run(lambda x: functional_call(network, state, (x,)), pictures)
    assert computed == {torch.bfloat16}
    assert (result.dtype, result.device) == (torch.float32, compute.device)
