"""Which charts there are, in the order of the report, and what each is drawn from. Imports nothing heavy."""

from dataclasses import dataclass

from nodescope.config import Study


@dataclass(frozen=True)
class Chart:
    """One kind of chart, drawn by ``nodescope.charts.NAME``.

    Attributes
    ----------
    name : str
        Its module.
    tables : tuple of str
        The collected tables that it needs.
    analysis : str or None
        The analysis that must be switched on for it.
    settings : tuple of str
        Options of the layer-accuracy analysis that it shows.
    """

    name: str
    tables: tuple[str, ...]
    analysis: str | None = None
    settings: tuple[str, ...] = ()


CHARTS = {
    chart.name: chart
    for chart in (
        Chart("activation_functions", ("accuracy",)),
        Chart("learning_rates", ("learning_curves", "replicas")),
        Chart("learning_curves", ("learning_curves", "accuracy")),
        Chart("accuracy_curves", ("learning_curves", "accuracy")),
        Chart("test_accuracy", ("accuracy",)),
        Chart("distributions", ("distributions",), "distributions"),
        Chart("medians", ("medians",), "medians"),
        Chart("activity", ("activity",), "activity"),
        Chart("activity_heatmaps", ("activity",), "activity"),
        Chart("dead_nodes", ("dead_nodes",), "dead_nodes"),
        Chart("sparsity", ("sparsity_summary",), "sparsity"),
        Chart("kernel_density", ("distributions",), "distributions", ("bandwidth",)),
        Chart("layer_accuracy", ("layer_accuracy",), "layer_accuracy"),
        Chart("learning_process", ("layer_accuracy",), "layer_accuracy"),
    )
}


def charts_of(study: Study) -> list[Chart]:
    """The charts of a study: those whose analysis is switched on."""
    enabled = study.analyses.enabled()
    return [
        chart
        for chart in CHARTS.values()
        if (chart.analysis is None or chart.analysis in enabled)
        and (chart.name != "learning_process" or study.training.snapshots)
    ]
