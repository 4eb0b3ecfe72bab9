"""The data that the page loads: a script for each figure, or for each configuration that a figure compares."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.context import Context
from nodescope.charts.figure import Atlas, Figure
from nodescope.charts.files import configurations_in
from nodescope.charts.node_data import write_nodes
from nodescope.charts.packing import write_packed
from nodescope.charts.specification import specification
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION
from nodescope.works.published_figures import references


def shown_as(quantity: Quantity) -> dict[str, Any]:
    """A quantity for the page."""
    names = ("title", "unit", "format", "scale", "coordinate")
    return {name: getattr(quantity, name) for name in names}


class PageData:
    """Writes the data that the page loads for one study."""

    def __init__(self, study: str, context: Context, data_folder: Path) -> None:
        self.study = study
        self.context = context
        self.data_folder = data_folder

    def add(self, figure: Figure, quantities: Mapping[str, Quantity]) -> dict[str, Any]:
        """Write one figure, of whose columns the quantities are known; the entry for the index.

        Of a figure that the page shows in another one there are no data.
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
        if figure.shown_in is not None:
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
        if figure.per_configuration:
            for name in configurations_in(frames):
                for key, frame in frames.items():
                    self._pack(f"{figure.name}.{key}.{name}", frame.filter(pl.col(CONFIGURATION) == name))
        else:
            for key, frame in frames.items():
                self._pack(f"{figure.name}.{key}", frame)
        known = {"configurations": configurations_in(frames)} if figure.per_configuration else {}
        return {"kind": "chart", "specification": spec, "data": list(frames)} | known

    def _pack(self, name: str, frame: pl.DataFrame, exact: Collection[str] = ()) -> None:
        write_packed(self.data_folder / f"{name}.js", f"{self.study}/{name}", frame, exact)
