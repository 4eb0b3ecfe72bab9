"""In how many directions each layer varies."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.layer_lines import layer_lines, measures
from nodescope.charts.seeds import seed_view
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import Quantity

CHART = Chart(
    section="layers",
    order=130,
    tables=("dimension",),
    needs_values=("dimension.participation_ratio",),
)

MEASURES = {
    "participation_ratio": "participation ratio",
    "participation_ratio_debiased": "participation ratio, debiased",
    "effective_rank": "effective rank",
    "participation_ratio_scaled": "participation ratio of the correlations",
    "effective_rank_scaled": "effective rank of the correlations",
}
QUANTITY = Quantity("effective number", "directions", (0.0, None), ".1f")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure, with a choice of the measure."""
    table = tables["dimension"]
    mean = measures(table, MEASURES, context)
    return [
        Figure(
            name="dimension",
            title="In how many directions does each layer vary?",
            collapsed=True,
            caption=f"Effective number of directions in which the activations of a layer vary, {context.spread_words()}. "
            "Effective ranks of different numbers of samples cannot be compared.",
            chart=layer_lines(mean, context, QUANTITY),
            quantities={"mean": QUANTITY},
            view={
                "state": context.states[-1],
                "split": preferred_split(table),
                "seed": seed_view(mean),
                "measure": MEASURES["participation_ratio"],
            },
        )
    ]
