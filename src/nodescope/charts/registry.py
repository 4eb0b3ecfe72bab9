"""Which charts there are, in the order of the report, and what each is drawn from. Imports nothing heavy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodescope.study.contents import SCORE_TABLES, table_names

if TYPE_CHECKING:
    from nodescope.config.study import Study

TRAINING = "Accuracy and learning curves"
RATES = "Choice of the learning rate"
DISTRIBUTIONS = "Distributions at single nodes"
NODES = "Medians and activity of all nodes"
ACTIVITY = "Sparsity, dead nodes and patterns"
EVOLUTION = "Patterns through training"
CLASSIFIERS = "Nodes and layers as classifiers"
PROCESS = "The learning process"
GRADIENTS = "Weights and gradients"
LAYERS = "Distributions of whole layers"
DIAGNOSIS = "Diagnosis and remedies"
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
    needs_training : bool
        Whether it shows how training went.
    needs_snapshots : bool
        Whether it shows how the nets change between epochs.
    lazy : bool
        Whether its tables are too large to hold (a value per node and class): they are handed over as lazy frames.
    """

    name: str
    section: str
    tables: tuple[str, ...]
    needs_training: bool = False
    needs_snapshots: bool = False
    lazy: bool = False


CHARTS = {
    chart.name: chart
    for chart in (
        Chart("test_accuracy", TRAINING, ("accuracy", "replicas"), needs_training=True),
        Chart("comparisons", TRAINING, ("comparisons", "accuracy"), needs_training=True),
        Chart("accuracy_curves", TRAINING, ("learning_curves", "accuracy"), needs_training=True),
        Chart("learning_curves", TRAINING, ("learning_curves", "accuracy", "replicas"), needs_training=True),
        Chart("learning_rates", RATES, ("learning_curves", "replicas"), needs_training=True),
        Chart("distributions", DISTRIBUTIONS, ("distributions",)),
        Chart("activation_functions", DISTRIBUTIONS, ("accuracy",)),
        Chart("medians", NODES, ("medians",), lazy=True),
        Chart("activity", NODES, ("activity",), lazy=True),
        Chart("activity_heatmaps", NODES, ("activity",), lazy=True),
        Chart("dead_nodes", ACTIVITY, ("dead_nodes",)),
        Chart("sparsity", ACTIVITY, ("sparsity", "sparsity_summary")),
        Chart("patterns", ACTIVITY, ("patterns",)),
        Chart("pattern_evolution", EVOLUTION, ("pattern_evolution",)),
        Chart("layer_accuracy", CLASSIFIERS, ("layer_accuracy",)),
        Chart("kernel_densities", CLASSIFIERS, ("densities", "distributions")),
        Chart("learning_process", PROCESS, ("layer_accuracy",), needs_snapshots=True),
        Chart("layer_distributions", LAYERS, ("layer_distributions",)),
        Chart("layer_statistics", LAYERS, ("statistics",)),
        Chart("signal_propagation", GRADIENTS, ("statistics", "gradients")),
        Chart("weight_distributions", GRADIENTS, ("weight_distributions", "weights")),
        Chart("local_gradients", GRADIENTS, ("local_gradients",)),
        Chart("diagnosis", DIAGNOSIS, ("diagnosis", "remedies")),
        Chart("scorecard", REPRODUCTION, SCORE_TABLES),
    )
}


#: The collected table that the page's look into a node reads, beside those of the charts.
INSPECTOR_TABLE = "node_histograms"


def has_inspector_table(study: "Study") -> bool:
    """Whether a study's tables have what the page shows of any node that is clicked."""
    return INSPECTOR_TABLE in table_names(study)


def charts_of(study: "Study") -> list[Chart]:
    """The charts that a study's tables allow."""
    available = set(table_names(study))
    return [
        chart
        for chart in CHARTS.values()
        if available.issuperset(chart.tables)
        and (study.training.epochs or not chart.needs_training)
        and (study.training.snapshots or not chart.needs_snapshots)
    ]
