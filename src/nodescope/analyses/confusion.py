"""Which classes does a network take for which others?

Formula: the number of samples of a class for which the output of another, or of itself, is the largest; of equal outputs the
lower class is predicted. Counts of a class sum to its samples, those of right predictions to the accuracy (methods,
section 8).
Needs: the output of the networks, and classes.
Gives: one row per seed, state, split and pair of classes with at least one sample: at most as many rows as samples. Where an
output is not one finite number per class, one row without classes. Cost: O(N).
"""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Splits
from nodescope.storage.columns import CLASS, SPLIT, STATE, Column, number_of

if TYPE_CHECKING:
    from nodescope.measuring.recordings import RecordedNetworks


class Confusion(LayerOptions):
    """Which classes each network takes for which others."""

    splits: Splits = Field(["test"], description="splits to measure")


def measure(networks: "RecordedNetworks", options: Confusion) -> Parts:
    """Columns seed, state, split, class, predicted, count."""
    for seed in networks.seeds:
        for state in networks.states:
            for split in options.splits:
                found = networks.predictions(seed, state, split)
                if found is None:
                    continue
                row = {"seed": seed, "state": state, "split": split}
                if found.predicted is None:
                    yield row
                    continue
                pairs, counts = np.unique(
                    found.labels.astype(np.int64) * found.n_classes + found.predicted, return_counts=True
                )
                yield row | {"class": pairs // found.n_classes, "predicted": pairs % found.n_classes, "count": counts}


ANALYSIS = Analysis(
    title="confusion of classes",
    job="nodes",
    order=78,
    options=Confusion,
    columns=(
        STATE,
        SPLIT,
        CLASS,
        Column("predicted", "int32", "class that the network predicts"),
        Column(
            "count", "int32", "samples of the class with this prediction; pairs without any have no row", number_of("samples")
        ),
    ),
    measure=measure,
    needs=("classes", "output"),
    scope="configuration",
)  # fmt: skip
