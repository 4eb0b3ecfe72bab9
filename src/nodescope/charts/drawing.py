"""Draw all figures of a study: each as SVG and Vega-Lite JSON, its data for the page, and an index that lists them."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl
import vl_convert

from nodescope.charts.context import Context, Figure, NodePanels, configurations_of, rounded, state_label
from nodescope.charts.node_panels import empty_panel, filled_panel
from nodescope.charts.packing import write_packed
from nodescope.charts.registry import CHARTS, INSPECTOR_TABLE
from nodescope.charts.tables import declared_tables
from nodescope.storage.columns import Quantity
from nodescope.storage.files import atomic_path, write_text
from nodescope.storage.json_files import read_json, write_json
from nodescope.storage.tables import export_table, read_table, scan_table
from nodescope.works.published_figures import references
from nodescope.works.registry import works_of

if TYPE_CHECKING:
    from nodescope.config.charts import Charts

logger = logging.getLogger(__name__)

CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "background": "white",
    "view": {"stroke": "#cccccc"},
    "axis": {
        "grid": True,
        "gridColor": "#eeeeee",
        "labelFontSize": 10,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "header": {"labelFontSize": 11, "titleFontSize": 11},
    "legend": {"labelFontSize": 10, "titleFontSize": 11},
    "title": {"fontSize": 12, "fontWeight": "normal"},
}

PNG_SCALE = 2
VEGA_LITE = alt.SCHEMA_VERSION.rpartition(".")[0]

#: Columns of a panel's data for the page; the others are the same for all rows of a configuration.
NODE_COLUMNS = ("seed", "state", "split", "layer", "node", "class")
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


def draw(
    study: str,
    charts: list[str],
    tables: str | Path,
    dataset_description: str | Path,
    options: "Charts",
    states: list[str],
    folder: str | Path,
    data_folder: str | Path,
    *,
    inspector: bool = False,
    works: Sequence[str] = (),
) -> None:
    """Draw the figures of a study for the page.

    Parameters
    ----------
    study
        Its name.
    charts
        The kinds of charts that it has, see `nodescope.charts.registry.CHARTS`.
    tables
        The folder of its collected tables.
    dataset_description
        The JSON beside the prepared data set.
    folder
        Gets ``FIGURE.svg`` and ``FIGURE.vl.json`` of what a figure shows at first, and ``index.json``.
    data_folder
        Gets the figures' data as scripts that the page loads.
    inspector
        Whether the tables have `nodescope.charts.registry.INSPECTOR_TABLE`, what the page shows of a node that is
        clicked.
    works
        The published works that the study is compared with, as the configuration names them.
    """
    context = _context(dataset_description, options, states, tables, works)
    page = _Page(study, context, _emptied(folder), _emptied(data_folder))
    index = []
    for name, figure in figures_of(charts, tables, context):
        index.append({"chart": name, "section": CHARTS[name].section} | page.add(figure, quantities_of(name, figure)))
        logger.info("drew %s", figure.name)
    if inspector:
        page.add_nodes(scan_table(Path(tables) / f"{INSPECTOR_TABLE}.parquet"))
    write_json(Path(folder) / "index.json", {"figures": index})


def draw_files(
    charts: list[str],
    tables: str | Path,
    dataset_description: str | Path,
    options: "Charts",
    states: list[str],
    folder: str | Path,
    *,
    works: Sequence[str] = (),
) -> None:
    """Draw the figures of a study as files for a paper, every configuration: SVG, PNG, Vega-Lite JSON, and the data.

    Parameters are those of `draw`; ``folder`` gets all files.
    """
    context = _context(dataset_description, options, states, tables, works)
    folder = _emptied(folder)
    for _, figure in figures_of(charts, tables, context):
        for name, spec, frame in static_figures(figure, context):
            if spec is not None:
                _write_drawing(folder / name, spec)
                with atomic_path(folder / f"{name}.png") as temporary:
                    temporary.write_bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=PNG_SCALE))
            export_table(frame, folder / f"{name}.parquet", folder / f"{name}.csv")
            logger.info("drew %s", name)


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
                        places = {value: f"{place:02}|{value}" for place, value in enumerate(order)}
                        ordered = pl.col(field).replace_strict(places, default=None, return_dtype=pl.String)
                        frames = {
                            name: frame.with_columns(ordered.alias(f"__{field}")) if field in frame.columns else frame
                            for name, frame in frames.items()
                        }
                        del side["sort"]
                        side |= {
                            "field": f"__{field}",
                            "title": side.get("title", field),
                            "header": side.get("header", {}) | {"labelExpr": "slice(datum.label, 3)"},
                        }
            elif key != "datasets":
                frames = _with_ordered_facets(part, frames)
    return frames


def filled(spec: dict[str, Any], frames: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The specification with its data."""
    return spec | {"datasets": {name: rounded(frame).to_dicts() for name, frame in frames.items()}}


def in_view(frame: pl.DataFrame, view: Mapping[str, str]) -> pl.DataFrame:
    """The rows whose columns have the view's values."""
    return frame.filter(
        *(pl.col(name).cast(pl.String) == value for name, value in view.items() if name in frame.columns)
    )


def first_pinned(configurations: list[str]) -> list[str]:
    """Which configurations the page shows side by side at first: the first two."""
    return configurations[:2]


def _context(
    dataset_description: str | Path, options: "Charts", states: list[str], tables: str | Path, works: Sequence[str]
) -> Context:
    class_names = read_json(dataset_description)["classes"]
    seeds = scan_table(Path(tables) / "accuracy.parquet").select(pl.col("seed").unique().sort()).collect()["seed"]
    return Context(options, class_names, states, tuple(seeds), works_of(works))


def figures_of(charts: list[str], tables: str | Path, context: Context) -> Iterator[tuple[str, Figure]]:
    """The figures of these kinds, each with its kind, from a folder of collected tables."""
    for name in charts:
        read = scan_table if CHARTS[name].lazy else read_table
        needed = {table: read(Path(tables) / f"{table}.parquet") for table in CHARTS[name].tables}
        for figure in import_module(f"nodescope.charts.gallery.{name}").figures(needed, context):
            yield name, figure


def quantities_of(chart: str, figure: Figure) -> dict[str, Quantity]:
    """What the columns of a figure's data hold: as it says itself, else as its tables declare."""
    tables = declared_tables()
    found = {name: quantity for table in CHARTS[chart].tables for name, quantity in tables[table].quantities.items()}
    found |= figure.quantities
    if figure.quantity in found:  # the ends of its interval
        found = {"low": found[figure.quantity], "high": found[figure.quantity]} | found
    return found


def shown_as(quantity: Quantity) -> dict[str, Any]:
    """A quantity for the page."""
    names = ("title", "unit", "format", "scale", "coordinate")
    return {name: getattr(quantity, name) for name in names}


def static_figures(figure: Figure, context: Context) -> Iterator[tuple[str, dict[str, Any] | None, pl.DataFrame]]:
    """What a figure shows at first, of every configuration: name, filled specification, data."""
    if figure.nodes is not None:
        for identifier, words, part in _node_parts(figure.nodes):
            for state in figure.nodes.static_states:
                shown = in_view(part, figure.view | {"state": state})
                if not shown.is_empty():
                    panel = filled_panel(figure.nodes, context, shown, f"{words}, {state_label(state)}")
                    name = f"{figure.name}-{identifier}" + ("" if state == figure.view["state"] else f"-{state}")
                    yield name, panel | {"config": CONFIG}, shown
    elif figure.chart is not None:
        spec, frames = specification(figure.chart)
        first = {key: in_view(frame, figure.view) for key, frame in frames.items()}
        if not figure.per_configuration:
            yield figure.name, filled(spec, first), pl.concat(first.values(), how="diagonal_relaxed")
            return
        for name in _configurations(frames):
            here = {key: frame.filter(pl.col("configuration") == name) for key, frame in first.items()}
            yield f"{figure.name}-{name}", filled(spec, here), pl.concat(here.values(), how="diagonal_relaxed")
    elif figure.table is not None:
        yield figure.name, None, in_view(figure.table, figure.view)


def _node_parts(panels: NodePanels) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Each configuration's identifier, name for readers, and rows."""
    for identifier, words, keys in configurations_of(panels.frame):
        same = [pl.col(name) == value for name, value in keys.items()]
        yield identifier, words, panels.frame.filter(*same).select(*NODE_COLUMNS, panels.value).collect()


def _write_drawing(path: Path, spec: dict[str, Any]) -> None:
    """Write a filled specification as Vega-Lite JSON and SVG; the suffix is added."""
    write_text(path.with_name(f"{path.name}.vl.json"), json.dumps(spec, separators=(",", ":"), ensure_ascii=False))
    write_text(path.with_name(f"{path.name}.svg"), vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))


def _emptied(folder: str | Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    return Path(folder)


class _Page:
    """Writes what the page shows of one study."""

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
        for identifier, _, keys in configurations_of(histograms):
            same = [pl.col(name) == value for name, value in keys.items()]
            # The width of a bar, since the page's numbers are rounded: two ends near each other would fall together.
            width = (pl.col("high") - pl.col("low")) / pl.col("counts").list.len()
            # Only where there is something beyond the bars.
            beyond = {
                name: pl.when(pl.col(name) != pl.col(end)).then(name)
                for name, end in (("minimum", "low"), ("maximum", "high"))
            }
            of_nets = (
                histograms.filter(*same)
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
            names = _configurations(frames)
            first = pl.col("configuration").is_in(first_pinned(names))
            shown = {key: frame.filter(first) for key, frame in shown.items()}
            for name in names:
                for key, frame in frames.items():
                    self._pack(f"{figure.name}.{key}.{name}", frame.filter(pl.col("configuration") == name))
        else:
            for key, frame in frames.items():
                self._pack(f"{figure.name}.{key}", frame)
        _write_drawing(self.folder / figure.name, filled(spec, shown))
        known = {"configurations": _configurations(frames)} if figure.per_configuration else {}
        return {"kind": "chart", "specification": spec, "data": list(frames)} | known

    def _nodes(self, figure: Figure, panels: NodePanels) -> dict[str, Any]:
        pinned = first_pinned([identifier for identifier, _, _ in configurations_of(panels.frame)])
        shown = []
        for identifier, words, part in _node_parts(panels):
            if panels.source not in self.sources:
                self._pack(f"{panels.source}.{identifier}", part)
            if identifier in pinned:
                state = state_label(figure.view["state"])
                shown.append(filled_panel(panels, self.context, in_view(part, figure.view), f"{words}, {state}"))
        self.sources.add(panels.source)
        for panel, identifier in zip(shown, pinned, strict=True):
            _write_drawing(self.folder / f"{figure.name}-{identifier}", panel | {"config": CONFIG})
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


def _configurations(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """The configurations in any of the frames, in order."""
    known = [frame["configuration"] for frame in frames.values() if "configuration" in frame.columns]
    return pl.concat(known).unique(maintain_order=True).to_list() if known else []
