"""The results of studies: ``nodescope.open("results/mine")``."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.context import Context
from nodescope.charts.drawing import figures_of
from nodescope.charts.figure import Figure
from nodescope.charts.files import configurations_in, identifiers_in, node_parts
from nodescope.charts.labels import state_label
from nodescope.charts.node_panels import filled_panel
from nodescope.charts.specification import filled, specification
from nodescope.charts.style import CONFIG
from nodescope.charts.views import first_pinned, in_view
from nodescope.config.charts import Charts
from nodescope.config.study import study_of
from nodescope.findings.collected import read_statements
from nodescope.messages.errors import DamagedFileError, UnknownNameError
from nodescope.messages.words import nearest
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import read_table, scan_table
from nodescope.study.axes import CONFIGURATION
from nodescope.study.layout import RESULTS, StudyFiles, description_path

#: Values that a message lists at most.
LISTED = 20


def open(folder: str | Path = RESULTS) -> "Results":
    """The results of a study, or of all studies below a folder.

    Parameters
    ----------
    folder
        ``results/STUDY``, or ``results``.

    Raises
    ------
    UnknownNameError
        If there is no study.

    Examples
    --------
    >>> results = nodescope.open("results/digits")  # doctest: +SKIP
    >>> results.table("dead_nodes", split="test", activation="relu")  # doctest: +SKIP
    """
    folder = Path(folder)
    found = [folder] if StudyFiles(folder).settings.is_file() else sorted(folder.glob("*/"))
    studies = {path.resolve().name: StudyFiles(path) for path in found if StudyFiles(path).settings.is_file()}
    if not studies:
        beside = [path.name for path in folder.parent.glob("*/") if StudyFiles(path).settings.is_file()]
        raise UnknownNameError(
            f"There are no results of a study in {folder}{nearest(folder.name, beside)} Hint: a study's results are in "
            "results/STUDY once the workflow has collected its tables."
        )
    return Results(studies)


class Results:
    """Tables and figures of one study; of several, `Results` of one by its name: ``results["digits"]``.

    Attributes
    ----------
    studies : list of str
    """

    def __init__(self, studies: Mapping[str, StudyFiles]) -> None:
        self._studies = dict(studies)

    def __repr__(self) -> str:
        return f"<results of {', '.join(self.studies)}>"

    def __getitem__(self, study: str) -> "Results":
        _check_name("study", study, self.studies)
        return Results({study: self._studies[study]})

    @property
    def studies(self) -> list[str]:
        """Their names."""
        return list(self._studies)

    @property
    def folder(self) -> Path:
        """Of the study's results."""
        return self._files.folder

    @property
    def tables(self) -> list[str]:
        """The names of the collected tables; ``docs/tables.md`` says what they hold."""
        return sorted(path.stem for path in self._files.tables.glob("*.parquet"))

    @property
    def networks(self) -> pl.DataFrame:
        """One row per network: its configuration, axes, seed, states and accuracies."""
        return read_table(self._files.networks())

    @property
    def layers(self) -> pl.DataFrame:
        """One row per configuration and layer."""
        return read_table(self._files.layers())

    @property
    def findings(self) -> pl.DataFrame:
        """What the tables say: one row per sentence, those first that may be said and matter most."""
        columns = ("name", "chapter", "sentence", "value", "low", "high", "said", "reason")
        statements = read_statements(self._files.findings)
        schema = {name: pl.Float64 if name in ("value", "low", "high") else pl.String for name in columns} | {
            "said": pl.Boolean
        }
        return pl.DataFrame([[getattr(each, name) for each in statements] for name in columns], schema)

    def table(self, name: str, **where: Any) -> pl.DataFrame:
        """A collected table, or the rows of it whose columns have given values.

        Parameters
        ----------
        name
            One of `tables`.
        where
            For a column, such as an axis, ``seed``, ``state``, ``split`` or ``layer``, a value or a list of values.
            ``class_`` is the column ``class``.

        Raises
        ------
        UnknownNameError
            If there is no such table, column or value.
        """
        _check_name("table", name, self.tables)
        return _filtered(scan_table(self._files.table(name)), where, f"table {name}").collect()

    @property
    def figures(self) -> list[str]:
        """The names of the figures that are drawn of the study; tables of the page are left out."""
        return [entry["name"] for entry in self._index if entry["kind"] != "table"]

    def figure(self, name: str, **selection: Any) -> alt.TopLevelMixin:
        """A figure of the page as a chart.

        Parameters
        ----------
        name
            One of `figures`.
        selection
            What it shows, by column: ``state``, ``split``, ``seed`` and what else the page has a choice of above the
            figure (a value), axes and ``configuration`` (a value, or a list of them). Of figures that show single
            configurations the first two, or of nodes the first, are shown unless they are chosen.

        Raises
        ------
        UnknownNameError
            If there is no such figure, column or value.
        """
        _check_name("figure", name, self.figures)
        kind = next(entry["chart"] for entry in self._index if entry["name"] == name)
        figure = next(found for _, found in figures_of([kind], self._files, self._context) if found.name == name)
        view = {key: str(value) for key, value in selection.items() if key in figure.view}
        others = {key: value for key, value in selection.items() if key not in figure.view}
        if figure.nodes is not None:
            return self._node_panel(figure, figure.view | view, others)
        assert figure.chart is not None
        return self._chart(figure, figure.chart, figure.view | view, others)

    @property
    def _files(self) -> StudyFiles:
        if len(self._studies) > 1:
            raise UnknownNameError(
                f"There are the results of several studies: {', '.join(self.studies)}. Hint: choose one, "
                f'results["{self.studies[0]}"].'
            )
        return next(iter(self._studies.values()))

    @cached_property
    def _index(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = read_json(self._files.figure_index)["figures"]
        except DamagedFileError as error:
            raise UnknownNameError(
                f"No figures are drawn of {self.studies[0]} yet. Hint: run the workflow to its end."
            ) from error
        return found

    @cached_property
    def _context(self) -> Context:
        study = study_of(read_json(self._files.settings))
        return Context.read(self._files, description_path(study.dataset, self.folder.parent), Charts())

    def _chart(
        self, figure: Figure, chart: alt.TopLevelMixin, view: Mapping[str, str], where: Mapping[str, Any]
    ) -> alt.TopLevelMixin:
        spec, frames = specification(chart)
        drawn = configurations_in(frames)
        where, axes = dict(where), self._context.configurations.columns
        if drawn and where.keys() & set(axes):
            chosen = self._chosen(figure, {name: where.pop(name) for name in axes if name in where})
            where[CONFIGURATION] = [name for name in drawn if name in chosen]
        elif figure.per_configuration:
            where[CONFIGURATION] = first_pinned(drawn)
        known = {column for frame in frames.values() for column in frame.columns}
        for column in where:
            _check_name(f"column of figure {figure.name}", column, known)
        shown = {}
        for key, frame in frames.items():
            of_frame = {column: value for column, value in where.items() if column in frame.columns}
            rows = _filtered(frame.lazy(), of_frame, f"figure {figure.name}").collect()
            for column, value in view.items():
                if column in frame.columns and not rows.is_empty():
                    _check_value(frame[column].cast(pl.String), column, value, f"figure {figure.name}")
            shown[key] = in_view(rows, view)
        return alt.Chart.from_dict(filled(spec, shown))

    def _node_panel(self, figure: Figure, view: Mapping[str, str], where: Mapping[str, Any]) -> alt.TopLevelMixin:
        assert figure.nodes is not None
        chosen = self._chosen(figure, where)
        found = [identifier for identifier in identifiers_in(figure.nodes.frame) if identifier in chosen]
        for _, label, part in node_parts(figure.nodes, self._context, found[:1]):
            for column, value in view.items():
                _check_value(part[column].cast(pl.String), column, value, f"figure {figure.name}")
            words = f"{label}, {state_label(view['state'])}"
            panel = filled_panel(figure.nodes, self._context, in_view(part, view), words)
            return alt.Chart.from_dict(panel | {"config": CONFIG})
        raise UnknownNameError(f"Figure {figure.name} shows no configuration with {where}.")

    def _chosen(self, figure: Figure, where: Mapping[str, Any]) -> list[str]:
        """The identifiers of the configurations that have these values on the axes."""
        found = _filtered(self._context.configurations.frame().lazy(), where, f"figure {figure.name}").collect()
        return found[CONFIGURATION].to_list()


def _filtered(frame: pl.LazyFrame, where: Mapping[str, Any], what: str) -> pl.LazyFrame:
    """The rows whose columns have the values; each must be there."""
    for given, value in where.items():
        column = given.removesuffix("_")
        _check_name(f"column of {what}", column, frame.collect_schema().names())
        values = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        for one in values:
            _check_value(frame.select(pl.col(column).unique()).collect()[column], column, one, what)
        equal = [pl.col(column).is_null() if one is None else pl.col(column) == one for one in values]
        frame = frame.filter(pl.any_horizontal(equal))
    return frame


def _check_name(kind: str, name: str, known: Iterable[str]) -> None:
    there = sorted(known)
    if name not in there:
        raise UnknownNameError(f"There is no {kind} '{name}'{nearest(name, there)} There are: {', '.join(there)}.")


def _check_value(column: pl.Series, name: str, value: Any, what: str) -> None:
    there = column.unique().sort().to_list()
    if value not in there:
        listed = ", ".join(map(str, there[:LISTED])) + (", ..." if len(there) > LISTED else "")
        raise UnknownNameError(
            f"No row of {what} has {name} {value!r}{nearest(str(value), list(map(str, there)))} There are: {listed}."
        )
