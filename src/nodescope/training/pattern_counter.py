"""Count the patterns of a layer as the batches of a probe pass, in their order.

Dimension letters: N sample, W word, T pattern.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.numerics.pattern_counting import PatternHistogram, describe
from nodescope.numerics.pattern_packing import Words, compact
from nodescope.training.pattern_states import LayerState


class LayerPatterns:
    """The patterns of a layer at one time.

    Parameters
    ----------
    labels
        Classes of all samples [N] in the order in which they come; zeros where they have none.
    n_classes
    hamming_samples
        The first so many samples are also kept one by one.
    """

    def __init__(self, labels: NDArray[np.int64], n_classes: int, hamming_samples: int) -> None:
        self._labels = labels
        self._n_classes = n_classes
        self._hamming_samples = hamming_samples
        self._seen = 0
        self._nodes = 0
        self._first: list[NDArray[np.unsignedinteger]] = []
        self._histogram: PatternHistogram | None = None
        self.is_finite = True

    def add(
        self, words_WT: Words, nodes: int, n_samples: int, *, finite: bool, counts: NDArray[np.int64] | None = None
    ) -> None:
        """Count the patterns of the next samples.

        Parameters
        ----------
        words_WT
            Sample after sample.
        nodes
            F, of the layer.
        n_samples
            Samples that they are of.
        finite
            Whether all values are.
        counts
            How many patterns each sample has [n_samples]; None where all have as many.
        """
        self.is_finite &= finite
        if self._histogram is None:
            self._nodes = nodes
            expected = len(self._labels) * (words_WT.shape[1] // n_samples)
            self._histogram = PatternHistogram(nodes, self._n_classes, expected)
        labels = self._labels[self._seen : self._seen + n_samples]
        self._histogram.add(words_WT, labels if counts is None else np.repeat(labels, counts))
        wanted = min(n_samples, self._hamming_samples - self._seen)
        if wanted > 0:
            end = wanted * (words_WT.shape[1] // n_samples) if counts is None else int(counts[:wanted].sum())
            self._first.append(compact(words_WT[:, :end], nodes))
        self._seen += n_samples

    def row(self) -> dict[str, Any]:
        """Columns of the table that need no other time."""
        patterns = 0 if self._histogram is None else self._histogram.total
        known = {"nodes": self._nodes, "patterns": patterns}
        if self._histogram is None or not self.is_finite:
            return known
        return known | describe(self._histogram.class_counts(), self._nodes)

    def state(self) -> LayerState | None:
        """For comparisons with other times; None where a value was not finite."""
        if self._histogram is None or not self.is_finite:
            return None
        return LayerState(self._histogram.counted(), np.concatenate(self._first, axis=1))
