"""The report on which tests do what a reader does: three studies, and the tables that its numbers come from.

``digits`` has classes, states, seeds and a published work beside it; ``fresh`` was never trained, and has one seed; ``plants``
are recordings without classes, states and positions. It is built once for all processes of a test run.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

import nodescope

STATES = {"initial": "untrained", "epoch-1": "after epoch 1", "trained": "trained"}
#: What is measured of the untrained networks; the rest takes time, and no test asks for it.
FRESH = (
    "activity",
    "dead_nodes",
    "node_kinds",
    "selectivity",
    "redundancy",
    "dimension",
    "statistics",
    "node_histograms",
)


@dataclass(frozen=True)
class TasksReport:
    """The page, and the results that it was built from."""

    folder: Path

    @property
    def html(self) -> Path:
        return self.folder / "reports" / "index.html"

    def table(self, name: str, study: str = "digits") -> pl.DataFrame:
        return pl.read_parquet(self.folder / "results" / study / "tables" / f"{name}.parquet")

    @cached_property
    def labels(self) -> dict[str, str]:
        """What the page calls the networks."""
        return {"relu-2x40": "relu 2x40 without BN", "relu-2x40-bn": "relu 2x40 with BN"}


def build_into(folder: Path) -> None:
    """Run the studies and build their page."""
    from project import without_analyses  # which imports what imports this

    values = np.random.default_rng(0).normal(size=(40, 3))
    values[:, 2] = -1.0
    np.savez(folder / "layer-1.npz", values=values, nodes=["petal", "sepal", "stem"])
    nodescope.run(
        {
            "studies": [
                {
                    "name": "digits",
                    "dataset": {"source": "digits", "name": "digits"},
                    "grid": {"depth": [2], "width": [40], "activation": ["relu"], "batch_norm": [False, True]},
                    "seeds": [0, 1],
                    "training": {
                        "epochs": 4,
                        "batch_size": 64,
                        "learning_rates": [0.05],
                        "refinement_rounds": 0,
                        "snapshots": [1],
                    },
                    "works": ["pretorius"],
                },
                {
                    "name": "fresh",
                    "dataset": {"source": "digits", "name": "digits"},
                    "grid": {"depth": [3], "width": [12], "activation": ["relu", "sigmoid"]},
                    "seeds": [0],
                    "training": {"epochs": 0},
                    "analyses": without_analyses(but=FRESH),
                },
                {"name": "plants", "recordings": {"files": f"{folder}/{{layer}}.npz"}},
            ]
        },
        results=folder / "results",
        reports=folder / "reports",
    )
