"""Which charts there are, in the order of the report, and what each is drawn from. Imports nothing heavy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodescope import grid

if TYPE_CHECKING:
    from nodescope.config import Study

TRAINING = "Networks and training"
NODES = "What single nodes see"
ACTIVITY = "Which nodes are on"
CLASSIFIERS = "Nodes and layers as classifiers"
GRADIENTS = "Weights and gradients"
REPRODUCTION = "Beside the published works"


@dataclass(frozen=True)
class Chart:
    """One kind of chart, drawn by ``nodescope.charts.NAME``.

    Attributes
    ----------
    name : str
        Its module.
    section : str
        The section of the report that it stands in.
    tables : tuple of str
        The collected tables that it needs; a study that lacks one has no such chart.
    needs_snapshots : bool
        Whether it shows how the nets change between epochs.
    """

    name: str
    section: str
    tables: tuple[str, ...]
    needs_snapshots: bool = False


CHARTS = {
    chart.name: chart
    for chart in (
        Chart("activation_functions", TRAINING, ("accuracy",)),
        Chart("learning_rates", TRAINING, ("learning_curves", "replicas")),
        Chart("learning_curves", TRAINING, ("learning_curves", "accuracy")),
        Chart("accuracy_curves", TRAINING, ("learning_curves", "accuracy")),
        Chart("test_accuracy", TRAINING, ("accuracy",)),
        Chart("distributions", NODES, ("distributions",)),
        Chart("medians", NODES, ("medians",)),
        Chart("activity", ACTIVITY, ("activity",)),
        Chart("activity_heatmaps", ACTIVITY, ("activity",)),
        Chart("dead_nodes", ACTIVITY, ("dead_nodes",)),
        Chart("sparsity", ACTIVITY, ("sparsity_summary",)),
        Chart("patterns", ACTIVITY, ("patterns",)),
        Chart("kernel_densities", CLASSIFIERS, ("densities", "distributions")),
        Chart("layer_accuracy", CLASSIFIERS, ("layer_accuracy",)),
        Chart("learning_process", CLASSIFIERS, ("layer_accuracy",), needs_snapshots=True),
        Chart("local_gradients", GRADIENTS, ("local_gradients",)),
        Chart("scorecard", REPRODUCTION, grid.SCORE_TABLES),
    )
}


def charts_of(study: "Study") -> list[Chart]:
    """The charts that a study's tables allow."""
    available = set(grid.table_names(study))
    return [
        chart
        for chart in CHARTS.values()
        if available.issuperset(chart.tables) and (study.training.snapshots or not chart.needs_snapshots)
    ]
