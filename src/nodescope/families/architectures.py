"""The families of networks that a study may use, with what can be checked of them before anything runs.

Imports no torch: the configuration and the plan look here, `nodescope.networks` builds the networks. That the names of
layers here are those of the modules is tested.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

#: Stages of a network of 6n + 2 layers.
STAGES = 3
#: Blocks per stage of torchvision's ResNets, by depth; those from 50 on have three convolutions in each.
TORCHVISION_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
BOTTLENECK_FROM = 50
CNN_DEPTH = 4


@dataclass(frozen=True)
class Architecture:
    """One family of networks.

    Attributes
    ----------
    name : str
        Its name in the configuration, in paths and in tables.
    title : str
        For the reader of a figure.
    takes_images : bool
        Whether a sample must have the shape (channel, row, column).
    depths : str
        Which depths there are, in words.
    has_depth : callable
        Whether a depth is one of them.
    weighted_layers : callable
        Of a depth: the names of the modules with a weight matrix or kernel, in their order.
    smallest_image : int
        Least number of rows and of columns.
    can_normalise : bool
        Whether there is a form with batch normalisation.
    initialisations : str
        What the name of its initialisation must begin with; empty for any.
    """

    name: str
    title: str
    takes_images: bool
    depths: str
    has_depth: Callable[[int], bool]
    weighted_layers: Callable[[int], list[str]]
    smallest_image: int = 1
    can_normalise: bool = True
    initialisations: str = ""

    def problem_with_depth(self, depth: int) -> str | None:
        """Why there is no such depth, for people; None where there is."""
        return None if self.has_depth(depth) else f"{self.name} has no depth {depth}; allowed: {self.depths}"

    def problem_with_samples(self, shape: tuple[int, ...]) -> str | None:
        """Why the network cannot take samples of that shape, for people; None where it can."""
        if not self.takes_images:
            return None
        if len(shape) != 3:
            return (
                f"{self.name} needs images (channel, row, column), but a sample has the shape {shape}. "
                "Hint: use model mlp, or a data set of images"
            )
        if min(shape[1:]) < self.smallest_image:
            least = self.smallest_image
            return f"{self.name} needs images of at least {least}x{least} pixels, not {shape[2]}x{shape[1]}"
        return None

    def problem_with_normalisation(self, *, batch_norm: bool) -> str | None:
        """Why there is no such form with batch normalisation, for people; None where there is."""
        if batch_norm and not self.can_normalise:
            return f"{self.name} is made to do without normalisation; allowed: false"
        return None

    def problem_with_initialisation(self, initialisation: str) -> str | None:
        """Why weights cannot be drawn so, for people; None where they can."""
        if initialisation.startswith(self.initialisations):
            return None
        return (
            f"{self.name} scales weights that were drawn by {self.initialisations}, not {initialisation}; "
            f"allowed: those that begin with {self.initialisations}"
        )

    def problem_with_layers(self, depth: int, names: list[str]) -> str | None:
        """Which of the names is no module with weights, with those that are, for people; None where all are."""
        known = self.weighted_layers(depth)
        unknown = next((name for name in names if name not in known), None)
        if unknown is None:
            return None
        close = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        return f"{self.name} of depth {depth} has no layer '{unknown}'; {hint}Allowed: {', '.join(known)}"


def blocks_per_stage(depth: int) -> int:
    """n of a network of 6n + 2 layers."""
    return (depth - 2) // 6


def _has_stages(depth: int) -> bool:
    return depth >= 8 and depth % 6 == 2


def _of_mlp(depth: int) -> list[str]:
    return [*(f"hidden.{layer}.linear" for layer in range(depth)), "output"]


def _of_cnn(depth: int) -> list[str]:
    return [*(f"layer_{layer}.conv" for layer in range(1, depth)), f"layer_{depth}.linear", "output"]


def _of_stages(depth: int) -> list[str]:
    blocks = range(1, blocks_per_stage(depth) + 1)
    convolutions = [
        f"stage_{stage}.block_{block}.layer_{layer}.conv"
        for stage in range(1, STAGES + 1)
        for block in blocks
        for layer in (1, 2)
    ]
    return ["stem.conv", *convolutions, "output"]


def _of_torchvision(depth: int) -> list[str]:
    per_block = 3 if depth >= BOTTLENECK_FROM else 2
    names = ["conv1"]
    for stage, blocks in enumerate(TORCHVISION_BLOCKS[depth], start=1):
        for block in range(blocks):
            names += [f"layer{stage}.{block}.conv{number}" for number in range(1, per_block + 1)]
            if block == 0 and (stage > 1 or depth >= BOTTLENECK_FROM):
                names.append(f"layer{stage}.{block}.downsample.0")
    return [*names, "fc"]


_STAGED = (True, "6n + 2 with n = 1, 2, ... blocks per stage (8, 14, 20, 26, 32, ...)", _has_stages, _of_stages)

_ALL = (
    Architecture("mlp", "fully connected network", False, "1, 2, 3, ...", lambda depth: depth >= 1, _of_mlp),
    Architecture(
        "cnn",
        "small convolutional network",
        True,
        f"{CNN_DEPTH}, three convolutions and a linear layer",
        lambda depth: depth == CNN_DEPTH,
        _of_cnn,
        smallest_image=4,
    ),
    Architecture("resnet", "pre-activation ResNet", *_STAGED),
    Architecture("convnet", "ConvNet", *_STAGED),
    Architecture("toynet", "ToyNet", *_STAGED),
    Architecture("pyramidnet", "PyramidNet", *_STAGED),
    Architecture("fixup_resnet", "FixUp ResNet", *_STAGED, can_normalise=False, initialisations="kaiming"),
    Architecture(
        "torchvision_resnet",
        "ResNet of torchvision",
        True,
        ", ".join(map(str, TORCHVISION_BLOCKS)),
        TORCHVISION_BLOCKS.__contains__,
        _of_torchvision,
    ),
)

ARCHITECTURES: dict[str, Architecture] = {a.name: a for a in _ALL}
