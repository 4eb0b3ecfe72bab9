"""The published works that a study can be held against, and what each speaks of. Imports nothing heavy."""

from collections.abc import Iterable
from dataclasses import dataclass

#: Networks whose nodes are channels of convolutions.
CONVOLUTIONAL = (
    "cnn",
    "resnet",
    "convnet",
    "toynet",
    "pyramidnet",
    "fixup_resnet",
    "torchvision_resnet",
)


@dataclass(frozen=True)
class Work:
    """A published work.

    Attributes
    ----------
    name : str
        In the configuration.
    citation : str
        In tables and figures.
    datasets : tuple of str
        The data sets that it speaks of.
    families : tuple of str
        The families of networks that it speaks of.
    activations : tuple of str
        The activation functions that it speaks of; empty where its claims name them.
    networks : str
        Those networks in words.
    """

    name: str
    citation: str
    datasets: tuple[str, ...]
    families: tuple[str, ...]
    networks: str
    activations: tuple[str, ...] = ()


PRETORIUS = Work("pretorius", "Pretorius 2020", ("mnist", "fmnist", "cifar10"), ("mlp",), "fully connected networks")
HARTMANN = Work(
    "hartmann",
    "Hartmann et al. 2021",
    ("cifar10",),
    ("resnet", "convnet", "toynet", "pyramidnet", "fixup_resnet"),
    "convolutional networks of the ReLU family",
    ("relu", "leaky_relu", "prelu"),
)
PARK = Work("park", "Park 2022", ("cifar10",), CONVOLUTIONAL, "convolutional networks")
SHOWCASE = Work("showcase", "Signal propagation", ("gaussian",), ("mlp",), "fully connected networks")
TUTORIAL = Work("tutorial", "Iris tutorial", ("iris",), ("mlp",), "fully connected networks")

WORKS = {work.name: work for work in (PRETORIUS, HARTMANN, PARK, SHOWCASE, TUTORIAL)}
BY_CITATION = {work.citation: work for work in WORKS.values()}


def citations(names: Iterable[str]) -> tuple[str, ...]:
    """How the works of a configuration are cited."""
    return tuple(WORKS[name].citation for name in names)
