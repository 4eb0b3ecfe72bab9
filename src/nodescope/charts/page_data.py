"""The data that the page loads: a script for each figure, and for each network that a node is looked up in."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, NodePanels
from nodescope.charts.files import configurations_in, identifiers_in, node_parts, write_drawing
from nodescope.charts.node_panels import empty_panel, filled_panel
from nodescope.charts.packing import write_packed
from nodescope.charts.specification import filled, specification
from nodescope.charts.style import CONFIG
from nodescope.charts.views import first_pinned, in_view
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION
from nodescope.works.published_figures import references

INSPECTOR_COLUMNS = (
    "split",
    "layer",
    "node",
    "class",
    "kind",
    "low",
    "width",
    "minimum",
    "maximum",
    "bandwidth",
    "counts",
)


def shown_as(quantity: Quantity) -> dict[str, Any]:
    """A quantity for the page."""
    names = ("title", "unit", "format", "scale", "coordinate")
    return {name: getattr(quantity, name) for name in names}


class PageData:
    """Writes the data that the page loads for one study, and what each figure shows at first."""

    def __init__(self, study: str, context: Context, folder: Path, data_folder: Path) -> None:
        self.study = study
        self.context = context
        self.folder = folder
        self.data_folder = data_folder
        self.sources: set[str] = set()

    def add(self, figure: Figure, quantities: Mapping[str, Quantity]) -> dict[str, Any]:
        """Write one figure, of whose columns the quantities are known; the entry for the index."""
        entry: dict[str, Any] = {
            "name": figure.name,
            "title": figure.title,
            "caption": figure.caption,
            "references": [asdict(reference) for reference in references(self.context.works, figure.name)],
            "view": figure.view,
            "per_configuration": figure.per_configuration,
            "quantity": figure.quantity,
            "quantities": {name: shown_as(quantity) for name, quantity in quantities.items()},
        }
        if figure.nodes is not None:
            return entry | self._nodes(figure, figure.nodes)
        if figure.chart is not None:
            return entry | self._chart(figure, figure.chart)
        assert figure.table is not None
        self._pack(f"{figure.name}.rows", figure.table)
        return entry | {"kind": "table", "columns": figure.table.columns, "data": ["rows"]}

    def add_nodes(self, histograms: pl.LazyFrame) -> None:
        """Write what a look into a node shows, a file for each net: one is loaded at a click."""
        for identifier in identifiers_in(histograms):
            # The width of a bar, since the page's numbers are rounded: two ends near each other would fall together.
            width = (pl.col("high") - pl.col("low")) / pl.col("counts").list.len()
            # Only where there is something beyond the bars.
            beyond = {
                name: pl.when(pl.col(name) != pl.col(end)).then(name)
                for name, end in (("minimum", "low"), ("maximum", "high"))
            }
            of_nets = (
                histograms.filter(pl.col(CONFIGURATION) == identifier)
                .with_columns(width=width, **beyond)
                .select("seed", *INSPECTOR_COLUMNS)
                .collect()
            )
            for (seed,), part in of_nets.group_by("seed", maintain_order=True):
                self._pack(f"nodes.{identifier}.{seed}", part.drop("seed"))

    def _chart(self, figure: Figure, chart: alt.TopLevelMixin) -> dict[str, Any]:
        spec, frames = specification(chart)
        shown = {key: in_view(frame, figure.view) for key, frame in frames.items()}
        if figure.per_configuration:
            names = configurations_in(frames)
            first = pl.col(CONFIGURATION).is_in(first_pinned(names))
            shown = {key: frame.filter(first) for key, frame in shown.items()}
            for name in names:
                for key, frame in frames.items():
                    self._pack(f"{figure.name}.{key}.{name}", frame.filter(pl.col(CONFIGURATION) == name))
        else:
            for key, frame in frames.items():
                self._pack(f"{figure.name}.{key}", frame)
        write_drawing(self.folder / figure.name, filled(spec, shown))
        known = {"configurations": configurations_in(frames)} if figure.per_configuration else {}
        return {"kind": "chart", "specification": spec, "data": list(frames)} | known

    def _nodes(self, figure: Figure, panels: NodePanels) -> dict[str, Any]:
        pinned = first_pinned(identifiers_in(panels.frame))
        shown = []
        for identifier, words, part in node_parts(panels, self.context):
            if panels.source not in self.sources:
                self._pack(f"{panels.source}.{identifier}", part)
            if identifier in pinned:
                label = self.context.with_state(words, figure.view["state"])
                shown.append(filled_panel(panels, self.context, in_view(part, figure.view), label))
        self.sources.add(panels.source)
        for panel, identifier in zip(shown, pinned, strict=True):
            write_drawing(self.folder / f"{figure.name}-{identifier}", panel | {"config": CONFIG})
        return {
            "kind": "nodes",
            "specification": empty_panel(panels, self.context) | {"config": CONFIG},
            "source": panels.source,
            "value": panels.value,
            "mark": panels.mark,
            "label": panels.title,
            "domain": panels.domain,
        }

    def _pack(self, name: str, frame: pl.DataFrame) -> None:
        write_packed(self.data_folder / f"{name}.js", f"{self.study}/{name}", frame)
