"""The perceptual network."""

import re
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cartoonize.core.errors import TrainingError
from cartoonize.training.features import ADDRESS, Features, load_features


def test_layers_of_vgg16():
    """The deck's VGG16 ends after the pooling that follows conv4_3, at a sixteenth of the size."""
    network = Features("vgg16")
    assert len(network.features) == 24
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 512, 2, 2)


def test_layers_of_vgg19_end_before_the_relu():
    """CartoonGAN's VGG19 ends with the convolution conv4_4: its features can be negative."""
    network = Features("vgg19")
    assert isinstance(network.features[-1], nn.Conv2d)
    assert network(torch.rand(1, 3, 32, 32)).min() < 0


def test_features_are_always_frozen(features):
    """Weights need no gradient, and train() does not leave eval mode."""
    network = load_features("vgg16", features)
    network.train()
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())


def test_input_is_normalised(features):
    """The input is normalised as torchvision's networks expect: ImageNet's mean colour becomes 0."""
    network = load_features("vgg16", features)
    inputs = []
    network.features.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    mean = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None]
    network((2 * mean - 1).expand(1, 3, 16, 16))
    torch.testing.assert_close(inputs[0], torch.zeros(1, 3, 16, 16), atol=1e-6, rtol=0)


def test_pth_file_is_read_too(features, tmp_path):
    """A .pth file as torchvision publishes it is read too; its other layers are ignored."""
    state = load_features("vgg16", features).state_dict() | {"classifier.0.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "vgg16.pth")
    loaded = load_features("vgg16", tmp_path / "vgg16.pth")
    torch.testing.assert_close(loaded.state_dict()["features.0.weight"], state["features.0.weight"])


def test_wrong_network_is_refused(features):
    """Weights of another network are refused; the message names the option."""
    with pytest.raises(TrainingError, match="--vgg"):
        load_features("vgg19", features)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_damaged_file_is_refused(tmp_path, content, suffix):
    """The error names a damaged file."""
    path = tmp_path / f"vgg{suffix}"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=re.escape(str(path))):
        load_features("vgg16", path)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path):
    """A small archive that would grow when it is read is refused, as `import-weights` refuses it."""
    with ZipFile(tmp_path / "vgg16.pth", "w", ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(1 << 20))
    with pytest.raises(TrainingError, match="would grow"):
        load_features("vgg16", tmp_path / "vgg16.pth")


def test_no_weights_no_fall_back(monkeypatch, tmp_path):
    """Without a file and a connection, the error says what to pass; there are no random features."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(ADDRESS, "vgg16", "http://127.0.0.1:9/vgg16-397923af.pth")
    with pytest.raises(TrainingError, match="--features"):
        load_features("vgg16", None)


def test_half_precision_files_become_float32(features, tmp_path):
    """Weights may be stored in float16; they compute in float32."""
    state = {name: value.half() for name, value in load_features("vgg16", features).state_dict().items()}
    save_file(state, tmp_path / "half.safetensors")
    network = load_features("vgg16", tmp_path / "half.safetensors")
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
