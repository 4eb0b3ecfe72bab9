"""How well the class can be read off each layer."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.layer_lines import layer_lines, measures
from nodescope.charts.seeds import seed_view
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

CHART = Chart(
    section="layers",
    order=15,
    tables=("probes",),
    optional=("input_probe",),
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
    table, inputs = tables["probes"], tables.get("input_probe")
    from_inputs = inputs is not None and not inputs.is_empty()
    if inputs is not None and from_inputs:
        table = _with_inputs(table, inputs, context)
    with_inputs = " (0: the inputs)" if from_inputs else ""
    mean = measures(table, MEASURES, context)
    splits = table["split"].unique(maintain_order=True).to_list()
    return [
        Figure(
            name="probes",
            title="How well is the class read linearly off each layer?",
            collapsed=True,
            caption=f"Accuracy of a linear classifier fitted on each layer{with_inputs}, {context.spread_words()}. "
            "Compare with the state before training: random layers are read well too.",
            chart=layer_lines(mean, context, QUANTITY, zero=False),
            quantities={"mean": QUANTITY},
            view={
                "state": context.states[-1],
                "split": "test" if "test" in splits else splits[0],
                "seed": seed_view(mean),
                "measure": next(name for column, name in MEASURES.items() if table[column].count()),
            },
        )
    ]


def _with_inputs(table: pl.DataFrame, inputs: pl.DataFrame, context: Context) -> pl.DataFrame:
    """The inputs as layer 0, the same in all states."""
    places = table.select(*context.configurations.columns, "seed", "state", "split").unique(maintain_order=True)
    probed = places.join(inputs.select(CONFIGURATION, "seed", "split", *MEASURES), on=(CONFIGURATION, "seed", "split"))
    return pl.concat([table, probed.with_columns(layer=pl.lit(0, table["layer"].dtype))], how="diagonal")
