"""What is declared of a family of networks, and what cannot be asked of it."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nodescope.families.layers import Layer, linear_maps
from nodescope.families.shape import NetworkShape


@dataclass(frozen=True)
class Family:
    """A family of networks.

    Attributes
    ----------
    name : str
        Its name in the configuration, in paths and in tables, and of its module in ``nodescope.networks``.
    title : str
        For the reader of a figure.
    depths : str
        Which depths there are, in words.
    has_depth : callable
        Whether a depth is one of them.
    layers : callable
        The layers of a network of a `NetworkShape`, in the order of computation, its output last.
    takes_images : bool
        Whether a sample must have the shape (channel, row, column); else it may have any.
    smallest_image : int
        Least number of rows and of columns.
    can_normalise : bool
        Whether there is a form with batch normalisation.
    initialisations : str
        What the name of its initialisation must begin with; empty for any.
    settings : tuple of str
        Keys of the section ``network`` that only some families take, and it does.
    is_chain : bool
        Whether the order of its tensors alone says which they are.
    """

    name: str
    title: str
    depths: str
    has_depth: Callable[[int], bool]
    layers: Callable[[NetworkShape], list[Layer]]
    takes_images: bool = True
    smallest_image: int = 1
    can_normalise: bool = True
    initialisations: str = ""
    settings: tuple[str, ...] = ()
    is_chain: bool = False

    def map_names(self, depth: int) -> list[str]:
        """The names of the modules with a weight matrix or kernel; they depend on the depth alone."""
        least = self.smallest_image
        any_shape = NetworkShape(
            model=self.name,
            input_shape=(1, least, least) if self.takes_images else (1,),
            n_classes=2,
            depth=depth,
            width=1,
            activation="relu",
            batch_norm=False,
            initialisation="zeros",
        )
        return list(linear_maps(self.layers(any_shape)))

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
            return f"{self.name} does not support normalisation; allowed: false"
        return None

    def problem_with_initialisation(self, initialisation: str) -> str | None:
        """Why weights cannot be drawn so, for people; None where they can."""
        if initialisation.startswith(self.initialisations):
            return None
        return (
            f"{self.name} scales weights that were drawn by {self.initialisations}, not {initialisation}; "
            f"allowed: those that begin with {self.initialisations}"
        )

    def problem_with_layers(self, depth: int, names: Iterable[str]) -> str | None:
        """Which of the names is no module with weights, with those that are, for people; None where all are."""
        known = self.map_names(depth)
        unknown = next((name for name in names if name not in known), None)
        if unknown is None:
            return None
        close = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        return f"{self.name} of depth {depth} has no layer '{unknown}'; {hint}Allowed: {', '.join(known)}"


def problem_with_data(*, has_labels: bool, inputs: int, dtype: str) -> str | None:
    """Why no family can be trained on a data set, for people; None where one can.

    Parameters
    ----------
    has_labels
        Whether samples have classes.
    inputs
        Arrays that a network takes.
    dtype
        Of the first.
    """
    if not has_labels:
        return (
            "families of networks are trained on classes, and its samples have none. Hint: give labels, or bring networks of "
            "your own (module)"
        )
    if inputs > 1:
        return f"families of networks take one input, and it has {inputs}. Hint: bring networks of your own (module)"
    if dtype not in ("uint8", "float32"):
        return f"families of networks take real numbers, and it holds {dtype}. Hint: return floats"
    return None
