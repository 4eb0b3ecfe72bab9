"""How alike are two layers' pictures of the same samples?

Formula: with X, Y the centred activations [nodes, samples] of two layers and ``x_i`` the squared length of sample i, ``D(X, Y) =
|X Y'|^2 - N / (N - 2) sum_i x_i y_i + sum x sum y / ((N - 1) (N - 2))`` and ``cka = D(X, Y) / sqrt(D(X, X) D(Y, Y))``: linear CKA
(Kornblith et al. 2019), debiased (Song et al. 2007; methods, section 7). It is 1 for layers that differ by a rotation, an offset
and a scale only, and around 0 for unrelated ones.
Needs: the activations of a layer on the same samples, at most ``samples``. In a layer with positions a sample's activation is
the mean over them.
Gives: one row per pair: of the layers of a network; of a layer in two states, the kept one or the next; of a layer of two seeds in
the same state; of a layer and the one-hot labels. Null where a layer is constant, tells one sample only from all others, or is not
finite, where there are fewer than four samples, and where the samples are not the same. A single sample far out moves it: see
``largest_share``. Cost: O(N J^2) for a pair; two layers are compared in the smaller of [nodes, samples] and [samples, samples].
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Count, Flag, Splits
from nodescope.numerics.held import Held
from nodescope.numerics.similarity import Centred, centred, cka
from nodescope.storage.columns import LAYER, SPLIT, STATE, Column, Quantity, number_of, share

if TYPE_CHECKING:
    from nodescope.measuring.recordings import RecordedNetworks
    from nodescope.measuring.sketches import Sketch

#: Layers that are kept in memory, in bytes; beyond, they are read again.
HELD = 512 * 2**20

#: Of the order in which samples are shuffled.
SHUFFLE_SEED = 0

NOTHING = Centred(None, None, np.zeros(0))


class Cka(LayerOptions):
    """How similar layers are (debiased linear CKA): of a network, in two states, of two seeds, and to the labels."""

    splits: Splits = Field(["test"], description="splits to measure")
    samples: Count = Field(2000, description="samples to use at most, evenly spaced over the classes")
    shuffled: Flag = Field(True, description="whether to compute what shuffled samples give")


@dataclass(frozen=True)
class Picture:
    """A layer as CKA takes it.

    Attributes
    ----------
    values : Centred
        Its activations on some samples; without a matrix where they are not known.
    sample_set : str
        Equal where the samples are; empty where none were recorded.
    labels : int32 array [samples]
    n_classes : int
    """

    values: Centred
    sample_set: str
    labels: NDArray[np.int32]
    n_classes: int

    @property
    def nbytes(self) -> int:
        """Memory, with that of the shuffled samples."""
        return 2 * self.values.nbytes

    @cached_property
    def shuffled(self) -> Centred:
        """With the samples in another order, which is the same for all layers."""
        return self.values.reordered(np.random.default_rng(SHUFFLE_SEED).permutation(len(self.values.lengths)))


def picture(sketch: "Sketch | None") -> Picture:
    """Of a layer on some samples; what was read is let go, only the matrix that is compared is kept."""
    if sketch is None:
        return Picture(NOTHING, "", np.empty(0, np.int32), 0)
    values = centred(sketch.values) if sketch.known else NOTHING
    return Picture(values, sketch.sample_set, sketch.labels, sketch.n_classes)


def measure(networks: "RecordedNetworks", options: Cka) -> Parts:
    """Columns seed, and those that are declared."""
    for split in networks.splits_of(options.splits):

        def of_layer(seed: int, state: str, number: int, split: str = split) -> Picture:
            return picture(networks.sketch(seed, state, number, split, options.samples))

        held = Held(of_layer, HELD)
        yield from _of_networks(networks, split, held, options)
        yield from _of_layers(networks, split, held, options)


def _of_networks(networks: "RecordedNetworks", split: str, held: Held[Picture], options: Cka) -> Parts:
    """The layers of each network with each other, and with the labels."""
    for seed in networks.seeds:
        for state in networks.states:
            numbers = networks.layers()
            labels: Picture | None = None
            for place, number in enumerate(numbers):
                one = held(seed, state, number)
                where = {"seed": seed, "state": state, "split": split, "layer": number}
                for other in numbers[place + 1 :]:
                    pair = {"to": "layer", "other_seed": seed, "other_state": state, "other_layer": other}
                    yield where | pair | compared(one, held(seed, state, other), shuffled=options.shuffled)
                if labels is None or labels.sample_set != one.sample_set:
                    labels = _labels_of(one)
                yield where | {
                    "to": "labels",
                    **compared(one, labels, shuffled=options.shuffled),
                    "other_largest_share": None,
                }


def _of_layers(networks: "RecordedNetworks", split: str, held: Held[Picture], options: Cka) -> Parts:
    """Each layer in two states, and of two seeds."""
    seeds, states = networks.seeds, networks.states
    for number in networks.layers():
        for seed in seeds:
            for state, other in _pairs_of_states(states):
                where = {"seed": seed, "state": state, "split": split, "layer": number, "to": "state"}
                pair = {"other_seed": seed, "other_state": other, "other_layer": number}
                one, two = held(seed, state, number), held(seed, other, number)
                yield where | pair | compared(one, two, shuffled=options.shuffled)
        for state in states:
            for place, seed in enumerate(seeds):
                for other_seed in seeds[place + 1 :]:
                    where = {"seed": seed, "state": state, "split": split, "layer": number, "to": "seed"}
                    pair = {"other_seed": other_seed, "other_state": state, "other_layer": number}
                    one, two = held(seed, state, number), held(other_seed, state, number)
                    yield where | pair | compared(one, two, shuffled=options.shuffled)


def _pairs_of_states(states: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each state with the next one, and with the kept one, which is the last."""
    last = len(states) - 1
    for place, state in enumerate(states[:-1]):
        for other in dict.fromkeys((place + 1, last)):
            yield state, states[other]


def _labels_of(layer: Picture) -> Picture:
    """The one-hot labels of a layer's samples as a layer."""
    one_hot_CN = (np.arange(layer.n_classes)[:, None] == layer.labels).astype(np.float32)
    return Picture(centred(one_hot_CN), layer.sample_set, layer.labels, layer.n_classes)


def compared(one: Picture, other: Picture, *, shuffled: bool) -> dict[str, Any]:
    """The columns `COMPARED` of two layers; null where their samples are not the same."""
    if not one.sample_set or one.sample_set != other.sample_set:
        return {}
    found = cka(one.values, other.values)
    return {
        "samples": len(one.labels),
        "cka": found,
        "shuffled": cka(one.shuffled, other.values) if shuffled and not math.isnan(found) else None,
        "largest_share": one.values.largest_share,
        "other_largest_share": other.values.largest_share,
    }


CKA = Quantity("CKA", range=(-1.0, 1.0), format=".3f")

#: What a comparison of two layers gives, in the tables that have one.
COMPARED = (
    Column("samples", "int32", "that both were compared on; null where they have other samples", number_of("samples")),
    Column("cka", "float64", "debiased linear CKA; null where a layer is constant or a network diverged", CKA),
    Column("shuffled", "float64", "the same with the samples of one in another order: what chance gives", CKA),
    Column(
        "largest_share",
        "float64",
        "largest share of one sample in the squared lengths; where it is large, one sample decides",
        share("largest sample"),
    ),
    Column(
        "other_largest_share",
        "float64",
        "that of the other layer; null of the labels",
        share("largest sample of the other"),
    ),
)

ANALYSIS = Analysis(
    title="similarity of the layers",
    job="nodes",
    order=160,
    options=Cka,
    columns=(
        STATE,
        SPLIT,
        LAYER,
        Column("to", "string", "what it is compared with: layer of the network, state, seed or labels"),
        Column("other_seed", "int64", "of the network that it is compared with; null of the labels"),
        Column("other_state", "string", "of that network"),
        Column("other_layer", "int32", "hidden layer of that network, from 1"),
        *COMPARED,
    ),
    measure=measure,
    scope="configuration",
)
