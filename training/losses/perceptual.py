"""Losses on feature maps of a frozen VGG (features.py)."""

from torch import Tensor
from torch.nn import functional as F


def content(features: Tensor, of_photo: Tensor) -> Tensor:
    """CartoonGAN's L_con: ||VGG(G(p)) - VGG(p)||_1 (Chen et al., CVPR 2018, eq. 4), as a mean."""
    return F.l1_loss(features, of_photo)


def structure(features: Tensor, of_flat_photo: Tensor) -> Tensor:
    """White-box Cartoonization's structure loss: ||VGG(G(p)) - VGG(superpixels)||_1 (CVPR 2020, eq. 4).

    The superpixels are those of the photo, filled with their mean colours.
    """
    return F.l1_loss(features, of_flat_photo)


def gram(features: Tensor, of_drawing: Tensor) -> Tensor:
    """||F F^T / HWC of one - of the other||_1 (Gatys et al., CVPR 2016, with AnimeGAN's L1)."""
    return F.l1_loss(_gram_matrix(features), _gram_matrix(of_drawing))


def _gram_matrix(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.mT / flat[0].numel()
