"""How alike are the layers of two configurations?

Formula: debiased linear CKA, as of the analysis ``cka``, of the layers of the same number of two configurations, whose networks
are of the same seed and in their kept state (methods, section 7).
Needs: the activations of a layer on the same samples, at most ``samples``. In a layer with positions a sample's activation is the
mean over them. They are kept of each configuration beside its tables, since recordings may be deleted.
Gives: one row per pair of configurations, seed, split and layer; null as of ``cka``. Cost: [nodes, samples] numbers of four bytes
per layer of each network on disk, of one layer of all networks in memory, and O(N J^2) for a pair.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from nodescope.analyses import Across, Analysis, Parts
from nodescope.analyses.cka import COMPARED, NOTHING, Picture, compared
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Count, Flag, Splits
from nodescope.numerics.similarity import centred
from nodescope.storage.columns import LAYER, NODE, SPLIT, Column, Quantity, Table, frame_of

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.recordings import RecordedNetworks


class CkaBetween(LayerOptions):
    """How similar the layers of two configurations are (debiased linear CKA)."""

    splits: Splits = Field(["test"], description="splits to measure")
    samples: Count = Field(2000, description="samples to use at most, evenly spaced over the classes")
    shuffled: Flag = Field(True, description="whether to compute what shuffled samples give")
    configurations: Count = Field(
        40, description="configurations to compare with each other at most: the first so many"
    )


def measure(networks: "RecordedNetworks", options: CkaBetween) -> Parts:
    """Columns seed, split, layer, node, sample_set, values: what is kept of a configuration."""
    kept = networks.states[-1]
    for split in networks.splits_of(options.splits):
        for seed in networks.seeds:
            for number in networks.layers():
                sketch = networks.sketch(seed, kept, number, split, options.samples)
                if sketch is None:
                    continue
                yield {
                    "seed": seed,
                    "split": split,
                    "layer": number,
                    "node": np.arange(sketch.n_nodes),
                    "sample_set": sketch.sample_set,
                    "values": sketch.values if sketch.known else None,
                }


def between(kept: "Mapping[str, pl.LazyFrame]", options: CkaBetween) -> "pl.DataFrame":
    """Columns configuration, seed, and those of `TABLE`, from what was kept of each configuration."""
    columns = (Column("configuration", "string", ""), Column("seed", "int64", ""), *TABLE.columns)
    return frame_of(columns, _rows(dict(list(kept.items())[: options.configurations]), options))


def _rows(kept: "Mapping[str, pl.LazyFrame]", options: CkaBetween) -> Iterator[dict[str, Any]]:
    import polars as pl

    if len(kept) < 2:
        return
    places = [frame.select("split", "layer").unique() for frame in kept.values()]
    for split, number in pl.concat(places).unique().sort("split", "layer").collect().rows():
        layers = {
            identifier: _pictures(frame.filter(split=split, layer=number).collect())
            for identifier, frame in kept.items()
        }
        for one, other in combinations(kept, 2):
            for seed, of_one in layers[one].items():
                if seed in layers[other]:
                    yield {
                        "configuration": one,
                        "seed": seed,
                        "split": split,
                        "layer": number,
                        "other_configuration": other,
                        **compared(of_one, layers[other][seed], shuffled=options.shuffled),
                    }


def _pictures(kept: "pl.DataFrame") -> dict[int, Picture]:
    """A layer of each seed."""
    found = {}
    for (seed,), of_seed in kept.group_by("seed", maintain_order=True):
        if of_seed["values"].null_count():  # it diverged
            found[int(seed)] = Picture(NOTHING, "", np.empty(0, np.int32), 0)
            continue
        samples = of_seed["values"].list.len()[0]
        values_JN = of_seed["values"].explode().to_numpy().reshape(len(of_seed), samples)
        found[int(seed)] = Picture(centred(values_JN), of_seed["sample_set"][0], np.zeros(samples, np.int32), 0)
    return found


TABLE = Table(
    "cka_between",
    "How similar the layers of the same number of two configurations are, in the kept networks of the same seed.",
    (
        SPLIT,
        LAYER,
        Column("other_configuration", "string", "identifier of the configuration that it is compared with"),
        *COMPARED,
    ),
)

ANALYSIS = Analysis(
    title="similarity of the layers of configurations",
    job="nodes",
    order=165,
    options=CkaBetween,
    columns=(
        SPLIT,
        LAYER,
        NODE,
        Column("sample_set", "string", "equal where the samples are the same"),
        Column(
            "values",
            "list[float32]",
            "activations of the node for each sample; null where the network diverged",
            Quantity("activation"),
        ),
    ),
    measure=measure,
    scope="configuration",
    across=Across(TABLE, between),
)
