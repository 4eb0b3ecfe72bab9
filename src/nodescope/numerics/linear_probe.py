"""Linear classifiers by ridge regression on one-hot labels, from moments of what they look at (methods, section 8).

``W = (G + lambda I)^-1 B`` with G the covariance of the values and B that of values and labels; the class with the largest
``W' (a - mean a) + mean Y`` is predicted. lambda is the mean eigenvalue of G times one of `PENALTIES`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Multiples of the mean eigenvalue of which one is added to all eigenvalues.
PENALTIES = tuple(10.0**exponent for exponent in range(-6, 2))

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ClassMoments:
    """What is known of the values that a classifier is fitted on: J values per sample, C classes.

    Attributes
    ----------
    mean : float64 array [J]
    class_means : float64 array [J, C]
        NaN where the class has no sample.
    class_counts : int array [C]
    constant : bool array [J]
        Values that are the same for all samples.
    """

    mean: Floats
    class_means: Floats
    class_counts: Ints
    constant: NDArray[np.bool_]

    @property
    def present(self) -> Ints:
        """The classes that have samples."""
        return np.flatnonzero(self.class_counts)

    @property
    def shares(self) -> Floats:
        """Share of the samples that each class has [C]."""
        shares_C: Floats = self.class_counts / self.class_counts.sum()
        return shares_C

    def readers(self, covariance_JJ: Floats) -> Floats:
        """Directions [J, C, K] that each of the K penalties gives; 0 of classes without samples."""
        offsets_JC = np.nan_to_num(self.class_means - self.mean[:, None])
        offsets_JC[self.constant] = 0
        g, vectors_JJ = np.linalg.eigh(covariance_JJ)
        g = np.maximum(g, 0)
        turned_JC = vectors_JJ.T @ (offsets_JC * self.shares)
        found_JCK = np.zeros((*self.class_means.shape, len(PENALTIES)))
        if g.mean() > 0:
            for place, penalty in enumerate(PENALTIES):
                found_JCK[:, :, place] = vectors_JJ @ (turned_JC / (g + penalty * g.mean())[:, None])
        return found_JCK

    def predicted(self, projections_CN: Floats) -> Ints:
        """The class of each sample [N], from projections of its centred values on the directions of one penalty."""
        predicted_N: Ints = (projections_CN + self.shares[:, None]).argmax(axis=0)
        return predicted_N

    def best_penalty(self, projections_CKN: Floats, labels_N: NDArray[np.integer]) -> int:
        """The place of the penalty that predicts most of these samples; of equal ones, that of the largest."""
        right = [int((self.predicted(one_CN) == labels_N).sum()) for one_CN in projections_CKN.swapaxes(0, 1)]
        return max(range(len(right)), key=lambda place: (right[place], place))

    def to_means(self) -> Floats:
        """Directions [J, present] from the mean to those of the classes that have samples."""
        directions: Floats = self.class_means[:, self.present] - self.mean[:, None]
        return directions

    def nearest_mean(self, projections_CN: Floats) -> Ints:
        """The class of the nearest class mean of each sample [N], from projections on `to_means`."""
        nearest_N: Ints = self.present[
            (projections_CN - (self.to_means() ** 2).sum(axis=0)[:, None] / 2).argmax(axis=0)
        ]
        return nearest_N
