"""The networks: one file an architecture; the file's name is its key."""

from .animegan2 import AnimeGAN2
from .cartoongan import CartoonGAN
from .cartoongan_blur import CartoonGANBlur
from .generator import FrameModel, Generator
from .swift import Swift

ARCHITECTURES: dict[str, type[Generator]] = {
    "animegan2": AnimeGAN2,
    "cartoongan": CartoonGAN,
    "cartoongan_blur": CartoonGANBlur,
    "swift": Swift,
}


def architecture_of(generator: Generator) -> str:
    """The key under which the generator's class is registered."""
    return next(name for name, kind in ARCHITECTURES.items() if type(generator) is kind)


__all__ = ["ARCHITECTURES", "FrameModel", "Generator", "Swift", "architecture_of"]
