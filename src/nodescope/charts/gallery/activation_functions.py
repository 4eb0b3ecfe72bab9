"""The shapes of the activation functions of the study."""

import altair as alt
import numpy as np
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.style import series_scale
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS

CHART = Chart(section="nodes", order=120, tables=("accuracy",), axes=("activation",))


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a line per activation function."""
    given = tables["accuracy"]["activation"].unique(maintain_order=True)
    names = [name for name in given if name in ACTIVATION_FUNCTIONS]  # of networks that users bring any value
    if not names:
        return []
    z = np.linspace(-5, 5, 201)
    frame = pl.concat(
        [pl.DataFrame({"activation": name, "z": z, "a": ACTIVATION_FUNCTIONS[name].apply(z)}) for name in names]
    )
    chart = (
        alt.Chart(frame, width=context.options.width, height=context.options.height)
        .mark_line(clip=True)
        .encode(
            x=alt.X("z:Q").title("pre-activation z"),
            y=alt.Y("a:Q").title("activation a = T(z)").scale(domain=[-1.5, 3]),
            color=alt.Color("activation:N").title("activation function").scale(series_scale(names)),
        )
    )
    formulas = "; ".join(f"{name}: {ACTIVATION_FUNCTIONS[name].formula}" for name in names)
    return [
        Figure(
            name="activation-functions",
            title="Activation functions",
            caption="Activation as a function of the pre-activation. A node is on if its pre-activation exceeds the threshold "
            "(default: z > 0).",
            about=f"{formulas}.",
            chart=chart,
            quantity="a",
            shown_in=ShownIn("methods"),
        )
    ]
