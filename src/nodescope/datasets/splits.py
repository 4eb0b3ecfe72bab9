"""Which sample belongs to which split."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodescope.errors import DatasetError

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """Sorted sample indices of each split; no sample is in two."""

    train: IntArray
    validation: IntArray
    test: IntArray

    def items(self) -> list[tuple[str, IntArray]]:
        """The splits with their names."""
        return [("train", self.train), ("validation", self.validation), ("test", self.test)]


def draw_splits(
    labels: IntArray,
    class_names: list[str],
    *,
    official_test: int,
    validation_size: float,
    test_size: float | None,
    train_size: int | None = None,
    seed: int,
    name: str,
    official_validation: int = 0,
) -> Splits:
    """Draw validation (and, without an official test set, test) samples at random, fixed by the seed.

    Parameters
    ----------
    labels : array of int [sample]
        Class index of every sample; the official test samples, if any, come last.
    official_test : int
        How many official test samples there are; 0 for none, then ``test_size`` are drawn.
    official_validation : int
        How many official validation samples come before them; 0 for none, then ``validation_size`` are drawn.
    validation_size, test_size : int or float
        A number of samples, or a share of the data drawn from.
    train_size : int, optional
        Of what is left, so many are the training samples; all where there are fewer, or none is given.
    seed : int
        The same seed gives the same splits, whatever the machine.
    name : str
        Of the data set, for messages.

    Raises
    ------
    DatasetError
        If a split is larger than the data, or a class has no sample in a split.
    """
    pool = len(labels) - official_test - official_validation
    order = np.random.default_rng([seed, pool]).permutation(pool)
    official = np.arange(pool, len(labels))
    validation, test = official[:official_validation], official[official_validation:]
    if not official_test:
        assert test_size is not None
        n_test = _count(test_size, pool, "test_size", name)
        test, order = order[:n_test], order[n_test:]
    if not official_validation:
        n_validation = _count(validation_size, len(order), "validation_size", name)
        validation, order = order[:n_validation], order[n_validation:]
    splits = Splits(np.sort(order[:train_size]), np.sort(validation), np.sort(test))
    for split, indices in splits.items():
        counts = np.bincount(labels[indices], minlength=len(class_names))
        absent = [class_names[c] for c in np.flatnonzero(counts == 0)]
        if absent:
            raise DatasetError(
                f"Data set '{name}': no {split} sample of class {', '.join(map(repr, absent[:10]))} "
                f"({len(indices)} {split} samples, {len(class_names)} classes).\n"
                "Every class needs samples in train, validation and test. "
                "Hint: enlarge validation_size or test_size, or leave out classes with very few samples."
            )
    return splits


def _count(size: float, available: int, key: str, name: str) -> int:
    count = size if isinstance(size, int) else round(size * available)
    if count >= available:
        raise DatasetError(
            f"Data set '{name}': {key} takes {count} samples, but only {available} are there to draw from; "
            f"allowed: 1 to {available - 1}, or a fraction below 1."
        )
    return max(1, count)
