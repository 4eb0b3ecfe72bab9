"""From altair charts to Vega-Lite specifications with their data."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.style import CONFIG

VEGA_LITE = alt.SCHEMA_VERSION.rpartition(".")[0]


def specification(chart: alt.TopLevelMixin) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """The Vega-Lite specification of a chart, with the look that all share, and its data by name."""
    frames: dict[str, pl.DataFrame] = {}

    def keep(data: Any = None) -> Any:
        if not isinstance(data, pl.DataFrame):
            return data if data is not None else keep
        name = next((known for known, frame in frames.items() if frame is data), f"data-{len(frames) + 1}")
        frames[name] = data
        return {"name": name}

    alt.data_transformers.register("nodescope", keep)
    with alt.data_transformers.enable("nodescope"):
        spec: dict[str, Any] = chart.to_dict(validate=False)  # the tests validate every chart
    spec["config"] = CONFIG
    return spec, _with_ordered_facets(spec, frames)


def _with_ordered_facets(spec: Any, frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Let panels stand in the order that a chart asks for by a column that sorts by itself.

    Vega-Lite sorts panels by values that it takes from their rows: a panel without rows would come first in its row,
    and push the others under the wrong heading.
    """
    if isinstance(spec, list):
        for part in spec:
            frames = _with_ordered_facets(part, frames)
    elif isinstance(spec, dict):
        for key, part in spec.items():
            if key == "facet":
                for side in (part, part.get("row"), part.get("column")):
                    if isinstance(side, dict) and isinstance(order := side.get("sort"), list):
                        field = side["field"]
                        digits = len(str(len(order)))
                        places = {value: f"{place:0{digits}}|{value}" for place, value in enumerate(order)}
                        ordered = pl.col(field).replace_strict(places, default=None, return_dtype=pl.String)
                        frames = {
                            name: frame.with_columns(ordered.alias(f"__{field}")) if field in frame.columns else frame
                            for name, frame in frames.items()
                        }
                        del side["sort"]
                        side |= {
                            "field": f"__{field}",
                            "title": side.get("title", field),
                            "header": side.get("header", {}) | {"labelExpr": f"slice(datum.label, {digits + 1})"},
                        }
            elif key != "datasets":
                frames = _with_ordered_facets(part, frames)
    return frames


def filled(spec: dict[str, Any], frames: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The specification with its data."""
    return spec | {"datasets": {name: rounded(frame).to_dicts() for name, frame in frames.items()}}


def rounded(frame: pl.DataFrame, digits: int = 4) -> pl.DataFrame:
    """Fewer digits in a chart's data: no reader sees more, and the page stays light."""
    return frame.with_columns(pl.selectors.float().round_sig_figs(digits))
