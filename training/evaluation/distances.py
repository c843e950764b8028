"""Distances between the distributions of two sets of pictures, each (N, 3, H, W) uint8."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.errors import TrainingError
from ...models.weights import NamedTensors
from ..errors import missing_extra
from ..features import Features

CHUNK = 8  # pictures per pass of a network


def frechet_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Fréchet distance of two normal distributions fitted to rows of features, (N, D) and (M, D).

    |mean a - mean b|^2 + tr(A + B - 2 sqrt(A B)) (Fréchet, 1957), A and B being the covariances. Like FID
    it is biased upwards for few rows: compare only figures of equal numbers of rows.
    """
    covariances = [np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (a, b)]
    # A B is a product of positive matrices: its eigenvalues are real and not negative, except for rounding.
    roots = np.sqrt(np.clip(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0, None))
    spread = sum(np.trace(covariance) for covariance in covariances) - 2 * roots.sum()
    return float(np.square(a.mean(0) - b.mean(0)).sum() + max(spread, 0.0))


def vgg_frechet_distance(network: Features, pictures: Tensor, others: Tensor) -> float:
    """The Fréchet distance of VGG's features, averaged over each picture.

    It is not FID, whose network is another: the numbers are not comparable.
    """
    return frechet_distance(_mean_features(network, pictures), _mean_features(network, others))


def inception_distances(weights: NamedTensors, pictures: Tensor, others: Tensor) -> dict[str, float]:
    """FID (Heusel et al., 2017) and KID (Binkowski et al., 2018), by torchmetrics and torch-fidelity.

    Raises:
        TrainingError: a library or the weights of its Inception network are missing.
    """
    try:
        with missing_extra():
            from torchmetrics.image.fid import FrechetInceptionDistance
            from torchmetrics.image.kid import KernelInceptionDistance
        subset = min(50, len(pictures), len(others))
        with TemporaryDirectory() as folder:  # torch-fidelity would run code in the file of a stranger
            path = str(Path(folder) / "inception.pth")
            torch.save(dict(weights), path)
            fid = FrechetInceptionDistance(2048, feature_extractor_weights_path=path)
            kid = KernelInceptionDistance(2048, subset_size=subset, feature_extractor_weights_path=path)
    except (ImportError, RuntimeError, OSError) as error:  # also a torchvision that does not match PyTorch
        reason = str(error).strip().split("\n")[0]
        raise TrainingError(
            f"FID and KID need torchmetrics, torch-fidelity and its Inception weights: {reason}."
        ) from error
    for chunk, real in _labelled(pictures, others):
        fid.update(chunk, real=real)
        kid.update(chunk, real=real)
    mean, _ = kid.compute()
    return {"fid": float(fid.compute()), "kid": float(mean)}


def _labelled(pictures: Tensor, others: Tensor) -> list[tuple[Tensor, bool]]:
    return [
        (chunk, real)
        for real, group in ((False, pictures), (True, others))
        for chunk in torch.split(group, CHUNK)
    ]


@torch.no_grad()
def _mean_features(network: Features, pictures: Tensor) -> NDArray[np.float64]:
    chunks = [network(chunk.float() / 127.5 - 1).mean((2, 3)) for chunk in torch.split(pictures, CHUNK)]
    return torch.cat(chunks).double().numpy()
