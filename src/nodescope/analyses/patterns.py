"""How many different patterns of switches does a layer show, and how evenly are they used?

Formula: a sample's pattern is the vector of ``theta`` over the layer's nodes. With ``p`` the shares of the ``K``
distinct patterns among ``T`` samples, the entropy is ``H = -sum p log2 p``, the relative entropy ``H / min(J, log2 T)``
for ``J`` nodes, Miller and Madow's correction ``H + (K - 1) / (2 T) log2 e``; with the classes ``L``, ``H(A|L)`` and
``I(A; L) = H - H(A|L)`` (Hartmann, Franzen & Brodehl 2021; methods, section 2). ``H`` cannot exceed ``log2 T``:
where most patterns are seen once, it says how many samples there are.
Needs: the activations of a layer. Gives: one row per split, counted exactly; null where the split has no sample or
the net diverged. Cost: one comparison per value, one look-up per sample.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from nodescope.analyses.layers import RecordedLayer, finite_nodes

if TYPE_CHECKING:
    from nodescope.config.schema import Patterns

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "nodes": pl.Int32,
    "samples": pl.Int32,
    "distinct": pl.Int32,
    "singletons": pl.Int32,
    "entropy_bits": pl.Float64,
    "relative_entropy": pl.Float64,
    "entropy_miller_madow": pl.Float64,
    "entropy_given_class_bits": pl.Float64,
    "class_information_bits": pl.Float64,
    "mode_share": pl.Float64,
}
MEASURED = tuple(COLUMNS)[5:]


def measure(layer: RecordedLayer, options: "Patterns") -> pl.DataFrame:
    """Columns split, nodes, samples and what the patterns show."""
    rows = []
    for split in options.splits:
        activations = layer.read(split)
        nodes, samples = activations.z.shape
        known = samples > 0 and finite_nodes(activations).all()
        found = (
            describe(pattern_of_samples(activations.z, layer.theta_threshold), activations.labels, nodes)
            if known
            else dict.fromkeys(MEASURED)
        )
        rows.append({"split": split, "nodes": nodes, "samples": samples, **found})
    return pl.DataFrame(rows, schema_overrides={name: COLUMNS[name] for name in MEASURED})


def describe(pattern_N: NDArray[np.int32], labels_N: NDArray[np.int32], nodes: int) -> dict[str, float]:
    """The columns of `MEASURED`, from the numbers of the samples' patterns (at least one sample)."""
    samples = len(pattern_N)
    counts = np.bincount(pattern_N)
    entropy = entropy_bits(counts)
    class_counts = np.bincount(labels_N)
    joint = np.bincount(pattern_N.astype(np.int64) * len(class_counts) + labels_N)
    given_class = entropy_bits(joint) - entropy_bits(class_counts)
    largest = min(nodes, math.log2(samples))
    return {
        "distinct": len(counts),
        "singletons": int((counts == 1).sum()),
        "entropy_bits": entropy,
        "relative_entropy": entropy / largest if largest else 0.0,
        "entropy_miller_madow": entropy + (len(counts) - 1) / (2 * samples) * math.log2(math.e),
        "entropy_given_class_bits": max(0.0, given_class),
        "class_information_bits": max(0.0, entropy - given_class),
        "mode_share": float(counts.max()) / samples,
    }


def entropy_bits(counts: NDArray[np.int64]) -> float:
    """Entropy in bits of the shares of counts; zeros count nothing."""
    counts = counts[counts > 0]
    total = counts.sum()
    return float(max(0.0, math.log2(total) - (counts * np.log2(counts)).sum() / total))


def pattern_of_samples(z_JN: NDArray[np.float32], threshold: float) -> NDArray[np.int32]:
    """A number for the pattern of each sample [N]: 0 for the first that occurs, 1 for the next new one, ..."""
    return _number(_pack(z_JN, z_JN.dtype.type(threshold)))


@njit(cache=True)
def _pack(z_JN, threshold):  # type: ignore[no-untyped-def]
    """The patterns as bits, 64 nodes to a word [word, N]."""
    n_nodes, n_samples = z_JN.shape
    words = np.zeros(((n_nodes + 63) // 64, n_samples), np.uint64)
    for node in range(n_nodes):
        word = words[node // 64]
        bit = np.uint64(1) << np.uint64(node % 64)
        row = z_JN[node]
        for n in range(n_samples):
            word[n] |= bit if row[n] > threshold else np.uint64(0)
    return words


@njit(cache=True)
def _number(words):  # type: ignore[no-untyped-def]
    """Number equal columns alike, by a hash table that compares the whole pattern: equal hashes do not suffice."""
    n_words, n_samples = words.shape
    size = 16
    while size < 2 * n_samples:
        size *= 2
    first_sample = np.full(size, -1, np.int32)  # of the pattern in each place of the table
    number = np.empty(n_samples, np.int32)
    n_patterns = 0
    for n in range(n_samples):
        key = np.uint64(0)
        for w in range(n_words):  # mixed as in splitmix64 (Steele, Lea & Flood 2014)
            key = (key ^ words[w, n]) + np.uint64(0x9E3779B97F4A7C15)
            key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            key ^= key >> np.uint64(31)
        place = np.int64(key & np.uint64(size - 1))
        while True:
            seen = first_sample[place]
            if seen < 0:
                first_sample[place] = n
                number[n] = n_patterns
                n_patterns += 1
                break
            equal = True
            for w in range(n_words):
                if words[w, seen] != words[w, n]:
                    equal = False
                    break
            if equal:
                number[n] = number[seen]
                break
            place = (place + 1) & (size - 1)
    return number


def compile_ahead() -> None:
    """Compile what counting needs; numba keeps the result beside this file for all later processes."""
    pattern_of_samples(np.zeros((1, 2), np.float32), 0.0)
