"""Figures as files: what each shows at first, of every configuration."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert

from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, NodePanels
from nodescope.charts.node_panels import filled_panel
from nodescope.charts.specification import VEGA_LITE, filled, specification
from nodescope.charts.style import CONFIG
from nodescope.charts.views import in_view
from nodescope.storage.files import atomic_path, write_text
from nodescope.storage.tables import export_table
from nodescope.study.axes import CONFIGURATION

logger = logging.getLogger(__name__)

PNG_SCALE = 2

#: Configurations that are drawn side by side in one file, at most.
MOST_TOGETHER = 8

TITLE = {"anchor": "start", "fontSize": 14, "fontWeight": "bold", "offset": 16}

#: Columns of a panel's data; the others are the same for all rows of a configuration.
NODE_COLUMNS = ("seed", "state", "split", "layer", "node", "class")


def write_figure(folder: Path, figure: Figure, context: Context) -> None:
    """Write a figure for a paper: SVG, PNG, PDF, Vega-Lite JSON, and the data."""
    for name, spec, frame in static_figures(figure, context):
        if spec is not None:
            drawing = titled(spec, figure.title)
            write_drawing(folder / name, drawing)
            for suffix, content in (
                ("png", vl_convert.vegalite_to_png(drawing, vl_version=VEGA_LITE, scale=PNG_SCALE)),
                ("pdf", vl_convert.vegalite_to_pdf(drawing, vl_version=VEGA_LITE)),
            ):
                with atomic_path(folder / f"{name}.{suffix}") as temporary:
                    temporary.write_bytes(content)
        export_table(frame, folder / f"{name}.parquet", folder / f"{name}.csv")
        logger.info("drew %s", name)


def titled(spec: dict[str, Any], title: str) -> dict[str, Any]:
    """A specification with a title above what it has: a file is read without the page around it."""
    return spec if "title" in spec else spec | {"title": {"text": title, **TITLE}}


def static_figures(figure: Figure, context: Context) -> Iterator[tuple[str, dict[str, Any] | None, pl.DataFrame]]:
    """What a figure shows at first, of every configuration: name, filled specification, data.

    Of a figure of which each configuration has a panel, there is one of all of them, too, if they are few.
    """
    if figure.nodes is not None:
        for identifier, words, part in node_parts(figure.nodes, context, identifiers_in(figure.nodes.frame)):
            for state in figure.nodes.static_states:
                shown = in_view(part, figure.view | {"state": state})
                if not shown.is_empty():
                    panel = filled_panel(figure.nodes, context, shown, context.with_state(words, state))
                    name = f"{figure.name}-{identifier}" + ("" if state == figure.view["state"] else f"-{state}")
                    yield name, panel | {"config": CONFIG}, shown
    elif figure.chart is not None:
        spec, frames = specification(figure.chart)
        first = {key: in_view(frame, figure.view) for key, frame in frames.items()}
        if not figure.per_configuration:
            yield figure.name, filled(spec, first), pl.concat(first.values(), how="diagonal_relaxed")
            return
        names = configurations_in(frames)
        if 1 < len(names) <= MOST_TOGETHER:
            yield figure.name, filled(spec, first), pl.concat(first.values(), how="diagonal_relaxed")
        for name in names:
            here = {key: frame.filter(pl.col(CONFIGURATION) == name) for key, frame in first.items()}
            if all(frame.is_empty() for frame in here.values()):  # of a network that diverged
                continue
            yield f"{figure.name}-{name}", filled(spec, here), pl.concat(here.values(), how="diagonal_relaxed")
    elif figure.table is not None:
        yield figure.name, None, in_view(figure.table, figure.view)


def node_parts(
    panels: NodePanels, context: Context, identifiers: Sequence[str]
) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """The identifier of each of these configurations, its name for readers, and its rows."""
    for identifier in identifiers:
        columns = dict.fromkeys((*NODE_COLUMNS, panels.place, panels.value))
        rows = panels.frame.filter(pl.col(CONFIGURATION) == identifier).select(*columns).collect()
        yield identifier, context.configurations.label(identifier), rows


def identifiers_in(frame: pl.LazyFrame) -> list[str]:
    """The configurations in a frame, in order."""
    return frame.select(pl.col(CONFIGURATION).unique(maintain_order=True)).collect()[CONFIGURATION].to_list()


def write_drawing(path: Path, spec: dict[str, Any]) -> None:
    """Write a filled specification as Vega-Lite JSON and SVG; the suffix is added."""
    write_text(path.with_name(f"{path.name}.vl.json"), json.dumps(spec, separators=(",", ":"), ensure_ascii=False))
    write_text(path.with_name(f"{path.name}.svg"), vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))


def configurations_in(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """The configurations in any of the frames, in order."""
    known = [frame[CONFIGURATION] for frame in frames.values() if CONFIGURATION in frame.columns]
    return pl.concat(known).unique(maintain_order=True).to_list() if known else []
