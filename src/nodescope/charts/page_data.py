"""The data that the page loads: a script for each figure, or for each configuration that a figure compares."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.context import Context
from nodescope.charts.figure import Atlas, Figure, NodePanels
from nodescope.charts.files import configurations_in, identifiers_in, node_parts, write_drawing
from nodescope.charts.node_data import write_nodes
from nodescope.charts.node_panels import filled_panel
from nodescope.charts.packing import write_packed
from nodescope.charts.specification import filled, specification
from nodescope.charts.style import CONFIG
from nodescope.charts.views import first_pinned, in_view
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION
from nodescope.works.published_figures import references


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

    def add(self, figure: Figure, quantities: Mapping[str, Quantity]) -> dict[str, Any]:
        """Write one figure, of whose columns the quantities are known; the entry for the index.

        Of a figure that the page shows in another one, only the static files are written.
        """
        entry: dict[str, Any] = {
            "name": figure.name,
            "title": figure.title,
            "caption": figure.caption,
            "about": figure.about,
            "subtitle": figure.subtitle,
            "interval": figure.interval,
            "span": figure.span,
            "collapsed": figure.collapsed,
            "references": [asdict(reference) for reference in references(self.context.works, figure.name)],
            "view": figure.view,
            "per_configuration": figure.per_configuration,
            "quantity": figure.quantity,
            "quantity_by": figure.quantity_by,
            "quantities": {name: shown_as(quantity) for name, quantity in quantities.items()},
        }
        if figure.nodes is not None:
            self._draw_nodes(figure, figure.nodes)
        if figure.shown_in is not None:
            if figure.chart is not None:
                self._draw_chart(figure, *specification(figure.chart))
            return entry | {
                "kind": "file" if figure.table is None else "table",
                "shown_in": asdict(figure.shown_in),
            }
        if figure.atlas is not None:
            return entry | self._atlas(figure.atlas)
        if figure.chart is not None:
            return entry | self._chart(figure, figure.chart)
        assert figure.table is not None
        self._pack(f"{figure.name}.rows", figure.table)
        return entry | {"kind": "table", "columns": figure.table.columns, "data": ["rows"]}

    def _atlas(self, atlas: Atlas) -> dict[str, Any]:
        return {"kind": "atlas", "tables": write_nodes(atlas.tables, self._pack)}

    def _chart(self, figure: Figure, chart: alt.TopLevelMixin) -> dict[str, Any]:
        spec, frames = specification(chart)
        self._draw_chart(figure, spec, frames)
        if figure.per_configuration:
            for name in configurations_in(frames):
                for key, frame in frames.items():
                    self._pack(f"{figure.name}.{key}.{name}", frame.filter(pl.col(CONFIGURATION) == name))
        else:
            for key, frame in frames.items():
                self._pack(f"{figure.name}.{key}", frame)
        known = {"configurations": configurations_in(frames)} if figure.per_configuration else {}
        return {"kind": "chart", "specification": spec, "data": list(frames)} | known

    def _draw_chart(self, figure: Figure, spec: dict[str, Any], frames: Mapping[str, pl.DataFrame]) -> None:
        shown = {key: in_view(frame, figure.view) for key, frame in frames.items()}
        if figure.per_configuration:
            first = pl.col(CONFIGURATION).is_in(first_pinned(configurations_in(frames)))
            shown = {key: frame.filter(first) for key, frame in shown.items()}
        write_drawing(self.folder / figure.name, filled(spec, shown))

    def _draw_nodes(self, figure: Figure, panels: NodePanels) -> None:
        pinned = first_pinned(identifiers_in(panels.frame))
        for identifier, words, part in node_parts(panels, self.context, pinned):
            label = self.context.with_state(words, figure.view["state"])
            panel = filled_panel(panels, self.context, in_view(part, figure.view), label)
            write_drawing(self.folder / f"{figure.name}-{identifier}", panel | {"config": CONFIG})

    def _pack(self, name: str, frame: pl.DataFrame, exact: Collection[str] = ()) -> None:
        write_packed(self.data_folder / f"{name}.js", f"{self.study}/{name}", frame, exact)
