"""`cartoonize train average`: one network from several."""

import pytest
import torch

from cartoonize import MediaError, TrainingError
from cartoonize.models.checkpoint import load_style, save_style
from cartoonize.styles.card import Card
from cartoonize.training.average import average_styles


@pytest.fixture
def styles(tmp_path, lively_generator):
    """Two networks of one kind, and one that is wider."""
    paths = []
    for number, width in enumerate((8, 8, 16)):
        generator = lively_generator("swift", width=width, blocks=1)
        for parameter in generator.parameters():
            parameter.data += number
        paths.append(tmp_path / f"{number}.safetensors")
        save_style(paths[-1], generator, Card(f"style {number}", licence="CC0"))
    return [str(path) for path in paths]


def test_the_mean_of_two(styles, tmp_path):
    """Every weight is the mean of the two; the card is the first one's."""
    average_styles(styles[:2], tmp_path / "out.safetensors")
    states = [load_style(tmp_path / name)[0].state_dict() for name in ("0.safetensors", "1.safetensors")]
    mean, header = load_style(tmp_path / "out.safetensors")
    for name, value in mean.state_dict().items():
        assert torch.allclose(value, (states[0][name] + states[1][name]) / 2, atol=1e-3)
    assert header.card.name == "style 0"


def test_what_cannot_be_averaged(styles, tmp_path):
    """One style alone, networks of different sizes, a file that is there already, or a source: refused."""
    for given in (styles[:1], styles[1:]):
        with pytest.raises(TrainingError, match="the same architecture and size"):
            average_styles(given, tmp_path / "out.safetensors")
    (tmp_path / "out.safetensors").write_text("earlier")
    with pytest.raises(MediaError, match="exists already"):
        average_styles(styles[:2], tmp_path / "out.safetensors")
    with pytest.raises(MediaError, match="is the source itself"):
        average_styles(styles[:2], tmp_path / "0.safetensors", overwrite=True)
