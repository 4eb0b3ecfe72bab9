"""Which sample belongs to which split.

Stratified, each drawn split takes of every class its share of the samples drawn from, rounded by the method of largest
remainders (Hamilton; Balinski & Young 1982): the sizes are exact and no class is off its share by a whole sample. Two
rules for small classes go before that: a class with enough samples has one in every split, and none gives its last
sample away from training. Which samples of a class are taken is drawn at random in either case.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodescope.messages.errors import DatasetError

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
    stratify: bool = True,
    as_scikit_learn: bool = False,
) -> Splits:
    """Draw validation (and, without an official test set, test) samples at random, fixed by the seed.

    A class may be absent from validation or test: official sets are taken as they are, and a class of two samples has
    none to spare.

    Parameters
    ----------
    labels : array of int [sample]
        Class index of every sample; the official validation samples, then the official test samples, come last.
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
    stratify : bool
        Draw the same share of every class (see the head of this module), rather than of all samples together.
    as_scikit_learn : bool
        The test samples are those of scikit-learn's ``train_test_split(test_size=test_size, random_state=seed)``, which
        does not stratify.

    Raises
    ------
    DatasetError
        If a split is larger than the data, or a class has no training sample.
    """
    pool = len(labels) - official_test - official_validation
    random = np.random.default_rng([seed, pool])
    order = np.random.RandomState(seed).permutation(pool) if as_scikit_learn else random.permutation(pool)
    official = np.arange(pool, len(labels))
    validation, test = official[:official_validation], official[official_validation:]

    def take(n: int, reserved: int) -> tuple[IntArray, IntArray]:
        """``n`` of the samples that are left, and the others, of which later splits need ``reserved`` of a class."""
        if not stratify:
            return order[:n], order[n:]
        return _first_of_each_class(order, labels[order], _shares(np.bincount(labels[order]), n, reserved, random))

    if not official_test:
        assert test_size is not None
        if as_scikit_learn:
            n_test = _count(test_size, pool, "test_size", name, math.ceil)
            test, order = order[:n_test], order[n_test:]
        else:
            test, order = take(_count(test_size, pool, "test_size", name), 1 if official_validation else 2)
    if not official_validation:
        validation, order = take(_count(validation_size, len(order), "validation_size", name), 1)
    if train_size is not None and train_size < len(order):
        order, _ = take(train_size, 0)
    splits = Splits(np.sort(order), np.sort(validation), np.sort(test))
    as_scikit_learn = as_scikit_learn and not official_test
    _check_training_samples(splits, labels, class_names, name, pool, stratify=stratify, as_scikit_learn=as_scikit_learn)
    return splits


def _first_of_each_class(order: IntArray, of_class: IntArray, shares: IntArray) -> tuple[IntArray, IntArray]:
    """The first samples of each class, as many as its share, in an order of samples; and the others."""
    # How many samples of the same class come before each.
    by_class = np.argsort(of_class, kind="stable")
    counts = np.bincount(of_class)
    rank = np.empty(len(order), np.int64)
    rank[by_class] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_taken = rank < shares[of_class]
    return order[is_taken], order[~is_taken]


def _shares(counts: IntArray, n: int, reserved: int, random: np.random.Generator) -> IntArray:
    """How many of ``n`` samples each class [class] is to give, where there are ``counts`` of it.

    A class that has more than the ``reserved`` samples that later splits need gives one at least, and none of those.
    """
    least = (counts > reserved).astype(np.int64)
    if least.sum() > n:
        least[:] = 0
    for kept in (reserved, min(reserved, 1), 0):
        most = np.maximum(counts - kept, 0)
        if most.sum() >= n:
            break
    total = int(counts.sum())
    shares = np.clip(counts * n // total, least, most)
    ties = random.permutation(len(counts))
    while missing := n - int(shares.sum()):
        # By how much a class is below its share, in units of 1 / total, so that equal ones are equal.
        below = counts * n - shares * total
        if missing > 0:
            ranked = np.lexsort((ties, -below))
            ranked = ranked[(shares < most)[ranked]]
        else:
            ranked = np.lexsort((ties, below))
            ranked = ranked[(shares > least)[ranked]]
        shares[ranked[: abs(missing)]] += np.sign(missing)
    return shares


def _check_training_samples(
    splits: Splits,
    labels: IntArray,
    class_names: list[str],
    name: str,
    pool: int,
    *,
    stratify: bool,
    as_scikit_learn: bool,
) -> None:
    in_train = np.bincount(labels[splits.train], minlength=len(class_names))
    absent = np.flatnonzero(in_train == 0)
    if not len(absent):
        return
    in_pool = np.bincount(labels[:pool], minlength=len(class_names))
    elsewhere = absent[in_pool[absent] == 0]
    if len(elsewhere):
        hint = "add training samples of it, or leave the class out of the official test and validation samples"
        which, cause = elsewhere, "the training data have none"
    else:
        which, cause = absent, f"{len(splits.train)} training samples were left to {len(class_names)} classes"
        hint = (
            "make validation_size or test_size smaller or train_size larger, or leave out classes with very few samples"
        )
        if not stratify or as_scikit_learn:
            own = " with test_split: own" if as_scikit_learn else ""
            hint = f"stratify: true{own} draws the same share of every class; or {hint}"
    raise DatasetError(
        f"Data set '{name}': no training sample of class {named_classes(which, class_names)} ({cause}); every class needs "
        f"at least one. Hint: {hint}."
    )


def named_classes(classes: IntArray, class_names: list[str], counts: IntArray | None = None) -> str:
    """Classes by their names, with the number of their samples where given; the first ten of many."""
    names = [repr(class_names[c]) + (f" ({counts[c]})" if counts is not None else "") for c in classes[:10]]
    more = f" and {len(classes) - 10} more" if len(classes) > 10 else ""
    return ", ".join(names) + more


def _count(size: float, available: int, key: str, name: str, whole: Callable[[float], int] = round) -> int:
    count = size if isinstance(size, int) else whole(size * available)
    if count >= available:
        raise DatasetError(
            f"Data set '{name}': {key} takes {count} samples, but only {available} are there to draw from; "
            f"allowed: 1 to {available - 1}, or a fraction below 1."
        )
    return max(1, count)
