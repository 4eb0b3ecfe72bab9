"""What a statistician would ask of a data set before anything is trained on it.

One function, `inspect`, looks at a prepared data set as networks will see it. Warnings say what is wrong with numbers, and
what to do; notes say what is merely so (border pixels that never vary). Thresholds are wide, so that ordinary data give no
warning:

- samples are equal where all their values are; found by a multilinear hash of 64 bits over words of 32 (Carter & Wegman
  1979), and compared value by value where hashes meet;
- an outlier lies further than `FAR_OUT` times IQR / 1.349, the robust standard deviation of a normal distribution
  (Huber 1981), from the median of its feature;
- a split is shifted where its mean is off that of the training samples by more than `SHIFTED` of their standard
  deviations and by more than `CERTAIN` standard errors, or where its standard deviation is `STRETCHED` times off.

Dimension letters: N sample, I feature (all values of one sample in one row).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.prepared import PreparedDataset, is_scaled
from nodescope.datasets.splits import Splits, named_classes
from nodescope.messages.errors import DatasetError

#: Share of the training samples that are copies, or of another split's that training has, from which there is a warning.
MANY_COPIES = 0.05
LEAKED = 0.01
#: Share of pixels that never vary from which images are warned of.
MANY_CONSTANT = 0.5
#: Root mean square, and standard deviation of a feature, of what a network sees.
LARGE, SMALL = 10.0, 1e-3
LARGE_FEATURE = 1e3
#: Ratio of the standard deviations of two features.
UNEQUAL_FEATURES = 1e3
#: Largest brightness, of 1, below which images count as dark.
DARK = 0.1
FAR_OUT = 100.0
SHIFTED, CERTAIN = 1.0, 6.0
STRETCHED = 2.5
#: Samples of a split whose distribution can be compared.
ENOUGH = 10
#: Training samples of a class, and ratio of the largest to the smallest class.
FEW = 10
IMBALANCED = 10.0

ROWS_OF_QUANTILES = 5000
VALUES_AT_A_TIME = 1 << 22


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes
    ----------
    warnings : tuple of str
        What is likely to spoil results, a sentence or two each: what, how much, what to do.
    notes : tuple of str
        What is worth knowing.
    """

    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Finding:
    text: str
    is_warning: bool = True


Found = Iterator[_Finding]


@dataclass(frozen=True)
class _Features:
    """Of each feature of a split, as networks see it [I]."""

    n: int
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    def of(self, chosen: NDArray[np.bool_]) -> "_Features":
        """The chosen features alone."""
        parts = (self.mean, self.deviation, self.lowest, self.highest)
        return _Features(self.n, *(part[chosen] for part in parts))

    def overall(self) -> tuple[float, float]:
        """Mean and standard deviation of all values."""
        mean = float(self.mean.mean())
        return mean, math.sqrt(float((self.deviation**2 + (self.mean - mean) ** 2).mean()))


def inspect(
    data: PreparedDataset,
    *,
    name: str,
    decisions: tuple[str, ...] = (),
    official: tuple[str, ...] = (),
    stratified: tuple[str, ...] = ("validation", "test"),
) -> Inspection:
    """Look at a prepared data set.

    Parameters
    ----------
    data : PreparedDataset
    name : str
        Of the data set, for messages.
    decisions : tuple of str
        What was decided in reading it; said where all samples are the same, since it may be the cause.
    official : tuple of str
        Which of its splits were not drawn.
    stratified : tuple of str
        Which of the others were drawn class by class.

    Raises
    ------
    DatasetError
        If all training samples are the same.
    """
    splits = data.splits
    same_N = _first_of_equal_samples(data)
    if len(splits.train) > 1 and len(np.unique(same_N[splits.train])) == 1:
        raise DatasetError(
            f"Data set '{name}': all {len(splits.train)} training samples are the same, so there is nothing to learn. "
            f"{''.join(f'{decision} ' for decision in decisions)}Hint: check how the samples were written; values "
            "beyond the range of a type are clipped."
        )
    found = [
        *_copies(same_N, data.y, splits),
        *(_features(data) if is_scaled(data.x) else ()),
        *(_classes(data, official, stratified) if data.is_labelled else ()),
    ]
    return Inspection(
        warnings=tuple(finding.text for finding in found if finding.is_warning),
        notes=tuple(finding.text for finding in found if not finding.is_warning),
    )


def _first_of_equal_samples(data: PreparedDataset) -> NDArray[np.int64]:
    """As `first_of_equals`; samples of several inputs are equal where all of these are."""
    same_N = first_of_equals(data.x)
    for values in data.extras.others.values():
        both = np.stack([same_N, first_of_equals(values)], axis=1)
        _, first, of_pair = np.unique(both, axis=0, return_index=True, return_inverse=True)
        same_N = first[of_pair.reshape(-1)].astype(np.int64)
    return same_N


def first_of_equals(x: NDArray[Any]) -> NDArray[np.int64]:
    """For every sample the index of the first one with the same values [N]."""
    rows_N = x.reshape(len(x), -1)
    hash_N = np.empty(len(x), np.uint64)
    n_words = math.ceil(rows_N.shape[1] * rows_N.itemsize / 4)
    factors = np.random.default_rng(0).integers(2**64, size=n_words, dtype=np.uint64)
    for block in _blocks(rows_N):
        values = np.ascontiguousarray(rows_N[block])
        if values.dtype.kind == "f":
            values = values + values.dtype.type(0)  # -0 is 0
        octets = values.view(np.uint8).reshape(len(values), -1)
        words = np.pad(octets, ((0, 0), (0, -octets.shape[1] % 4))).view(np.uint32)
        hash_N[block] = (words * factors).sum(axis=1, dtype=np.uint64)
    _, first, of_hash = np.unique(hash_N, return_index=True, return_inverse=True)
    same_N = first[of_hash.reshape(-1)]
    met = np.flatnonzero(same_N != np.arange(len(x)))
    differ = [i for i in met if not np.array_equal(rows_N[i], rows_N[same_N[i]])]
    same_N[differ] = differ
    return same_N.astype(np.int64)


def _blocks(rows: NDArray[Any]) -> Iterator[slice]:
    at_a_time = max(1, VALUES_AT_A_TIME // max(1, rows.shape[1]))
    for begin in range(0, len(rows), at_a_time):
        yield slice(begin, begin + at_a_time)


# --- copies ----------------------------------------------------------------------------------------------


def _copies(same_N: NDArray[np.int64], y: NDArray[np.int64], splits: Splits) -> Found:
    train = splits.train
    copies = len(train) - len(np.unique(same_N[train]))
    if copies:
        share = copies / len(train)
        yield _Finding(
            f"{copies} of {len(train)} training samples ({share:.1%}) are exact duplicates. Remove them, unless they "
            "are separate measurements.",
            is_warning=share >= MANY_COPIES,
        )
    for one, other, indices, known in (
        ("validation", "training", splits.validation, train),
        ("test", "training", splits.test, train),
        ("test", "validation", splits.test, splits.validation),
    ):
        shared = int(np.isin(same_N[indices], same_N[known]).sum())
        if shared:
            share = shared / len(indices)
            yield _Finding(
                f"{shared} of {len(indices)} {one} samples ({share:.1%}) are also {other} samples, with equal values: "
                f"accuracy on {one} samples is too optimistic. Remove duplicates before splitting.",
                is_warning=shared > 1 and share >= LEAKED,
            )
    order = np.lexsort((y, same_N))
    is_next = (same_N[order][1:] == same_N[order][:-1]) & (y[order][1:] != y[order][:-1])
    contradicted = int(np.isin(same_N, same_N[order][1:][is_next]).sum())
    if contradicted:
        share = contradicted / len(y)
        yield _Finding(
            f"{contradicted} samples ({share:.1%}) have equal values but different classes: no network can "
            "distinguish them. Check their labels.",
            is_warning=share >= LEAKED,
        )


# --- features --------------------------------------------------------------------------------------------


def _of_features(data: PreparedDataset, indices: NDArray[np.int64]) -> _Features:
    """Moments about the first sample, in float64, block by block."""
    rows = data.x.reshape(len(data.x), -1)
    unit = 255.0 if data.x.dtype == np.uint8 else 1.0
    origin = rows[indices[0]].astype(np.float64)
    total, squares = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    lowest, highest = np.full(rows.shape[1], np.inf), np.full(rows.shape[1], -np.inf)
    for block in _blocks(rows[: len(indices)]):
        values = rows[indices[block]]
        lowest, highest = np.minimum(lowest, values.min(axis=0)), np.maximum(highest, values.max(axis=0))
        offset = values.astype(np.float64) - origin
        total += offset.sum(axis=0)
        squares += np.einsum("ni,ni->i", offset, offset)
    n = len(indices)
    variance = np.maximum(squares / n - (total / n) ** 2, 0)
    shift, scale = (
        np.broadcast_to(part, data.x.shape[1:]).reshape(-1).astype(np.float64) for part in (data.shift, data.scale)
    )
    return _Features(
        n,
        ((origin + total / n) / unit - shift) / scale,
        np.sqrt(variance) / unit / scale,
        (lowest / unit - shift) / scale,
        (highest / unit - shift) / scale,
    )


def _features(data: PreparedDataset) -> Found:
    train = _of_features(data, data.splits.train)
    others = {name: _of_features(data, indices) for name, indices in data.splits.items()[1:] if len(indices)}
    are_images = data.x.ndim == 4
    if train.n > 1 and (train.lowest == train.highest).any():
        yield _constant(data, train, others)
    distance = _furthest(data, train)
    yield from _outliers(distance)
    ordinary = distance <= FAR_OUT  # moments of the others say nothing
    if not ordinary.any():
        return
    yield from _sizes(train.of(ordinary), are_images=are_images, are_bytes=data.x.dtype == np.uint8)
    if not are_images:
        yield from _unequal(train, ordinary)
    for name, split in others.items():
        yield from _shifted(name, split, train, ordinary, are_images=are_images)


def _constant(data: PreparedDataset, train: _Features, others: dict[str, _Features]) -> _Finding:
    never_I = train.lowest == train.highest
    n, of_all = int(never_I.sum()), never_I.size
    elsewhere = {name: int((split.lowest != split.highest)[never_I].sum()) for name, split in others.items()}
    also = "; ".join(f"{varying} of them do among the {name} samples" for name, varying in elsewhere.items() if varying)
    also = f" ({also})" if also else ""
    if data.x.ndim != 4:
        return _Finding(
            f"{n} of {of_all} features never vary in the training samples (counted from 0: "
            f"{_first_few(np.flatnonzero(never_I))}){also}: they carry no information. Remove them, or check that "
            "they were read correctly.",
            # Brightness in one row is an image, too.
            is_warning=data.x.dtype != np.uint8 or n > MANY_CONSTANT * of_all,
        )
    channels = data.x.shape[1]
    is_flat = never_I.reshape(channels, -1).all(axis=1)
    of_channel = train.lowest.reshape(channels, -1)
    flat = np.flatnonzero(is_flat & (of_channel.min(axis=1) == of_channel.max(axis=1)))
    if len(flat):
        return _Finding(
            f"{'Channel' if len(flat) == 1 else 'Channels'} {_first_few(flat)} of {channels} (counted from 0) "
            f"{'has' if len(flat) == 1 else 'have'} one value only in all training images{also} and say{'s' * (len(flat) == 1)} "
            "nothing about the classes. Leave out what is constant; in images with transparency it is the alpha channel."
        )
    return _Finding(
        f"{n} of {of_all} pixel values never vary in the training samples{also}, as borders do: no network can use them.",
        is_warning=n > MANY_CONSTANT * of_all,
    )


def _first_few(indices: NDArray[np.int64]) -> str:
    return ", ".join(map(str, indices[:5])) + (", ..." if len(indices) > 5 else "")


def _sizes(train: _Features, *, are_images: bool, are_bytes: bool) -> Found:
    """Whether what networks see is about 1."""
    root_mean_square = math.hypot(*train.overall())
    lowest, highest = float(train.lowest.min()), float(train.highest.max())
    as_seen = f"what networks see lies between {lowest:.4g} and {highest:.4g}"
    of_images = "Save images as uint8, divide by the largest possible value, or set" if are_images else "Set"
    if root_mean_square > LARGE:
        yield _Finding(
            f"Values are large: {as_seen}, root mean square {root_mean_square:.4g}, while initialisations and learning "
            f"rates are made for about 1. {of_images} scaling: standardised."
        )
    elif lowest >= 0 and 0 < highest < DARK and (are_images or are_bytes):
        yield _Finding(
            f"Images are dark: {as_seen}, where 1 is white. Divide by the largest possible value (and save "
            "np.float32), or set scaling: standardised."
        )
    elif root_mean_square < SMALL:
        yield _Finding(f"Values are small: {as_seen}. Multiply them, or set scaling: standardised.")


def _unequal(train: _Features, ordinary: NDArray[np.bool_]) -> Found:
    deviation = np.where(ordinary, train.deviation, 0)
    varying = deviation[deviation > 0]
    if not len(varying):
        return
    ratio = float(varying.max() / varying.min())
    large = int((varying > LARGE_FEATURE).sum())
    if ratio > UNEQUAL_FEATURES or 0 < large < len(varying):
        many = f"{large} of {train.mean.size} have a standard deviation above {LARGE_FEATURE:g}; " if large else ""
        yield _Finding(
            f"Features differ in scale: {many}the largest standard deviation (feature {int(deviation.argmax())}) is "
            f"{ratio:.3g} times the smallest, so the largest features dominate. Set scaling: standardised."
        )


def _furthest(data: PreparedDataset, train: _Features) -> NDArray[np.float64]:
    """How far the furthest training value of each feature lies from its median, in robust standard deviations [I].

    The quantiles are those of at most `ROWS_OF_QUANTILES` samples. 0 where the quartiles are equal, and for bytes.
    """
    if data.x.dtype == np.uint8:
        return np.zeros(train.mean.size)
    indices = data.splits.train
    if len(indices) > ROWS_OF_QUANTILES:
        indices = np.random.default_rng(0).choice(indices, ROWS_OF_QUANTILES, replace=False)
    values = data.inputs(np.sort(indices)).astype(np.float64)
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    robust = (high - low) / 1.349
    distance = np.maximum(train.highest - median, median - train.lowest)
    return np.divide(distance, robust, out=np.zeros_like(distance), where=robust > 0)


def _outliers(distance: NDArray[np.float64]) -> Found:
    far = int((distance > FAR_OUT).sum())
    if far:
        yield _Finding(
            f"{far} of {distance.size} features have values more than {FAR_OUT:g} robust standard deviations (IQR / "
            f"1.349) from their median, at most {distance.max():.3g} (feature {int(distance.argmax())}). Such values "
            "compress histograms and density curves and dominate training. Check them; clip them or take logarithms: "
            "standardising is not enough."
        )


def _shifted(name: str, split: _Features, train: _Features, ordinary: NDArray[np.bool_], *, are_images: bool) -> Found:
    if split.n < ENOUGH:
        return
    limit = max(SHIFTED, CERTAIN / math.sqrt(split.n))
    mean, spread = train.of(ordinary).overall()
    other_mean, other_spread = split.of(ordinary).overall()
    hint = f"Scale {name} and training samples by one rule, and check that they come from one source."
    if (
        abs(other_mean - mean) > limit * spread
        or other_spread > STRETCHED * spread
        or other_spread * STRETCHED < spread
    ):
        yield _Finding(
            f"The {name} samples are distributed differently from the training samples: all their values have mean "
            f"{other_mean:.4g} and standard deviation {other_spread:.4g}, those of training {mean:.4g} and {spread:.4g}. {hint}"
        )
        return
    if are_images:
        return
    compared = ordinary & (train.deviation > 0)
    off = np.abs(split.mean - train.mean)
    off = np.divide(off, train.deviation, out=np.zeros_like(off), where=compared)
    shifted = int((off > limit).sum())
    if shifted:
        yield _Finding(
            f"{shifted} of {off.size} features have a different mean among the {name} samples than among the training "
            f"samples, by up to {off.max():.3g} standard deviations (feature {int(off.argmax())}). {hint}"
        )


# --- classes ---------------------------------------------------------------------------------------------


def _classes(data: PreparedDataset, official: tuple[str, ...], stratified: tuple[str, ...]) -> Found:
    names = data.class_names
    of_train = np.bincount(data.y[data.splits.train], minlength=len(names))
    of_all = np.bincount(data.y, minlength=len(names))
    is_few = of_train < FEW
    absent = {
        split: np.bincount(data.y[indices], minlength=len(names)) == 0
        for split, indices in data.splits.items()[1:]
        if len(indices)
    }
    # Where a small class is in no other split because it is small, one sentence says both.
    explained = {split: split in stratified and split not in official for split in absent}
    if is_few.any():
        missing = "".join(
            f" Too small for all splits: no {split} samples of {named_classes(np.flatnonzero(classes), names)}."
            for split, lacks in absent.items()
            if explained[split] and (classes := lacks & is_few).any()
        )
        yield _Finding(
            f"{int(is_few.sum())} of {len(names)} classes have fewer than {FEW} training samples: "
            f"{named_classes(np.flatnonzero(is_few), names, of_train)}; the largest class has {of_train.max()}. "
            f"Measurements of these classes are uncertain.{missing} Add samples, or merge or remove these classes."
        )
    elif of_train.max() >= IMBALANCED * of_train.min():
        largest, smallest = int(of_train.argmax()), int(of_train.argmin())
        yield _Finding(
            f"Classes differ in size: {names[largest]!r} has {of_train[largest]} training samples, "
            f"{names[smallest]!r} {of_train[smallest]}; always predicting the largest gives an accuracy of "
            f"{of_train.max() / of_train.sum():.1%}. Compare accuracies with that."
        )
    for split, lacks in absent.items():
        classes = np.flatnonzero(lacks & ~(is_few & explained[split]))
        if len(classes):
            yield _Finding(
                f"There are no {split} samples of {len(classes)} of {len(names)} classes: "
                f"{named_classes(classes, names, of_all)} (in brackets: samples in all). Measurements of these "
                "classes on this split are empty. "
                f"{_why_absent(split, is_official=split in official, is_stratified=split in stratified)}"
            )


def _why_absent(split: str, *, is_official: bool, is_stratified: bool) -> str:
    if is_official:
        return "The split is part of the data; add samples to evaluate these classes."
    if is_stratified:
        return (
            "The split is smaller than the number of classes, or these have too few samples for all splits: enlarge the "
            "split, or add samples."
        )
    key = "stratify: true with test_split: own" if split == "test" else "stratify: true"
    return f"None were drawn by chance: {key} gives the split its share of each class."
