"""Box plots of emission and absorption per channel."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, describe, groups, network_columns, rounded, slug, state_label

QUANTITIES = {"absorption": "#4477aa", "emission": "#ee6677"}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per configuration: columns = layers, absorption above emission."""
    table = tables["local_gradients"]
    state = context.states[-1]
    shown = table.filter(pl.col("state") == state, pl.col("seed") == table["seed"][0])
    found = []
    for keys, part in groups(shown, *network_columns(table)):
        file = part["weights_file"][0]
        origin = "drawn weights" if file is None else f"the weights in {file}"
        history = f"as it starts from {origin}" if state == "initial" else f"trained here from {origin}"
        columns = [_column(layer, context) for _, layer in groups(part, "layer", "name")]
        found.append(
            Figure(
                name=f"local-gradients-{slug(keys)}",
                title=f"Emission and absorption of channels, {describe(keys)}",
                caption=f"How much of the loss's gradient each of the first channels of a layer receives (absorption, input "
                f"channels) and sends back (emission, output channels), over {part['samples'][0]} training samples: median, "
                "quartiles, and whiskers to the values farthest out within one and a half box lengths; values beyond are not "
                f"drawn. The net of seed {part['seed'][0]}, {state_label(state)}, {history}. A channel near zero takes no part "
                "in training.",
                work="Park 2022",
                reference="figure 4",
                chart=alt.hconcat(*columns),
            )
        )
    return found


def _column(part: pl.DataFrame, context: Context) -> alt.VConcatChart:
    title = f"{part['name'][0]} (layer {part['layer'][0]})"
    panels = [
        _boxes(part.filter(pl.col("quantity") == quantity), quantity, colour, context)
        for quantity, colour in QUANTITIES.items()
    ]
    return alt.vconcat(*panels, title=alt.TitleParams(title, anchor="middle"))


def _boxes(part: pl.DataFrame, quantity: str, colour: str, context: Context) -> alt.LayerChart | alt.FacetChart:
    data = rounded(part.select("channel", "whisker_low", "q1", "median", "q3", "whisker_high", "mean").drop_nulls())
    base = alt.Chart(data, width=context.options.width * 0.7, height=context.options.height * 0.7).encode(
        x=alt.X("channel:O").title("channel").axis(labelAngle=0),
        tooltip=["channel", "median", "q1", "q3", "mean"],
    )
    y = alt.Y("whisker_low:Q").title(quantity)
    whiskers = base.mark_rule(color="#777777").encode(y=y, y2="whisker_high:Q")
    boxes = base.mark_bar(color=colour, size=8).encode(y=alt.Y("q1:Q").title(quantity), y2="q3:Q")
    medians = base.mark_tick(color="black", size=8, thickness=1.5).encode(y=alt.Y("median:Q").title(quantity))
    return alt.layer(whiskers, boxes, medians)
