"""What every source says of its samples."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.prepared import Extras

#: Raises the error of a source, from what is wrong and what to do.
Refuse = Callable[[str], NoReturn]


@dataclass(frozen=True)
class Labels:
    """Class of every sample.

    Attributes
    ----------
    labels : array of int64 [sample]
        Class index, 0 where there are none; the official validation samples, then the official test samples, come last.
    class_names : list of str
        Empty where there are no labels.
    official_test, official_validation : int
        How many official test and validation samples there are; 0 where they are to be drawn.
    decisions : tuple of str
        What was decided for the user while reading (scaling of depths, composition, what was left out), a sentence each.
    extras : Extras
        Further inputs and labels.
    feature_names : tuple of str
        Of samples that are rows of features, where they are known.
    """

    labels: NDArray[np.int64]
    class_names: list[str]
    official_test: int
    decisions: tuple[str, ...] = ()
    official_validation: int = 0
    extras: Extras = field(default_factory=Extras)
    feature_names: tuple[str, ...] = ()
