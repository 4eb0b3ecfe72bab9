"""Lines of the three systems' accuracies over the layers, with the network's own accuracy."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width, y_of
from nodescope.charts.context import Context
from nodescope.charts.panels import Drawing, in_panels, panel_columns
from nodescope.charts.seeds import over_seeds
from nodescope.charts.style import SYSTEMS
from nodescope.charts.tables import quantity_of

ACCURACY = quantity_of("layer_accuracy", "accuracy")


def mean_accuracies(table: pl.DataFrame, context: Context) -> pl.DataFrame:
    """The systems' accuracies and the network's, of each seed and as mean over the seeds with its 95 % t interval."""
    systems = over_seeds(table.drop("network_accuracy"), "accuracy")
    network = over_seeds(table.drop("accuracy"), "network_accuracy").rename({"mean": "network_accuracy"})
    keys = [name for name in systems.columns if name not in ("mean", "standard_error", "seeds")]
    joined = systems.join(network.select(*keys, "network_accuracy"), on=keys, nulls_equal=True, maintain_order="left")
    return in_panels(context.with_spread(joined, bounds=(0, 1)), context)


def system_panels(part: pl.DataFrame, context: Context) -> Drawing:
    """Layers to be faceted by the caller: x = layer, colour = system, dash = split, dotted = network's test accuracy."""
    columns = [
        *panel_columns(context), "seed", "state", "split", "layer", "system", "mean", "low", "high", "network_accuracy",
    ]  # fmt: skip
    shown = [name for name in SYSTEMS if name in part["system"].unique().to_list()]
    data = part.select(*columns, *[name for name in ("network", "column") if name in part.columns])
    base = alt.Chart(width=layer_width(context.options.width * 0.7, data), height=context.options.height).encode(
        x=layer_axis()
    )
    colour = alt.Color("system:N").scale(domain=shown, range=[SYSTEMS[name] for name in shown])
    lines = base.mark_line(point=alt.OverlayMarkDef(size=20)).encode(
        y=y_of("mean", ACCURACY).scale(zero=False),
        color=colour,
        strokeDash=alt.StrokeDash("split:N")
        .scale(domain=["train", "test"], range=[[4, 3], [1, 0]])
        .legend(symbolType="stroke", symbolStrokeColor="#333333"),
    )
    errors = base.mark_rule(opacity=0.6).encode(
        y=alt.Y("low:Q").title(ACCURACY.axis_title), y2="high:Q", color=colour, detail="split:N"
    )
    network = (
        base.mark_line(strokeDash=[1, 3], color="#333333", strokeWidth=1.5)
        .encode(y="network_accuracy:Q")
        .transform_filter(f"datum.split == 'test' && datum.system == '{shown[0] if shown else ''}'")
    )
    return alt.layer(errors, lines, network, data=data)
