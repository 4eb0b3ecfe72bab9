"""How far the samples of a class fall together in each layer."""

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
    order=140,
    tables=("collapse",),
    needs_classes=True,
    needs_values=("collapse.nc1",),
)

MEASURES = {
    "nc1": "NC1: within by between classes",
    "variability_ratio": "variance within by between",
    "nc2_norms": "NC2: spread of distances",
    "nc2_angles": "NC2: angles from even ones",
    "nc4": "NC4: nearest mean disagrees",
}
QUANTITY = Quantity("distance from collapse", range=(0.0, None), format=".3f")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure, with a choice of the measure."""
    table = tables["collapse"]
    mean = measures(table, MEASURES, context)
    return [
        Figure(
            name="collapse",
            title="Do the samples of a class fall together?",
            collapsed=True,
            caption="How far the activations of a class are from falling together, and class means from standing evenly apart, "
            f"{context.spread_words()}. Zero is complete collapse.",
            chart=layer_lines(mean, context, QUANTITY),
            quantities={"mean": QUANTITY},
            view={
                "state": context.states[-1],
                "split": preferred_split(table),
                "seed": seed_view(mean),
                "measure": MEASURES["nc1"],
            },
        )
    ]
