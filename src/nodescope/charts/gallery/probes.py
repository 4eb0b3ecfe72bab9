"""How well the class can be read off each layer."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.layer_lines import layer_lines, measures
from nodescope.charts.seeds import seed_view
from nodescope.storage.columns import share

CHART = Chart(
    section="layers",
    order=15,
    tables=("probes",),
    needs_classes=True,
    needs_values=("probes.nearest_mean_accuracy",),
)

MEASURES = {
    "accuracy": "linear probe",
    "nearest_mean_accuracy": "nearest class mean",
    "majority_share": "most frequent class",
}
QUANTITY = share("accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure, with a choice of the classifier."""
    table = tables["probes"]
    mean = measures(table, MEASURES, context)
    splits = table["split"].unique(maintain_order=True).to_list()
    return [
        Figure(
            name="probes",
            title="Linear probes by layer",
            caption=f"Accuracy of a linear classifier fitted on the activations of each layer, {context.spread_words()}. Compare "
            "with the state before training: random layers are read well too.",
            chart=layer_lines(mean, context, QUANTITY),
            quantities={"mean": QUANTITY},
            view={
                "state": context.states[-1],
                "split": "test" if "test" in splits else splits[0],
                "seed": seed_view(mean),
                "measure": next(name for column, name in MEASURES.items() if table[column].count()),
            },
        )
    ]
