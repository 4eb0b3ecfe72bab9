"""Analyses: one module per quantity, each measuring one recorded layer, or one network, at a time.

A module ``nodescope.analyses.NAME`` declares all there is to know of the analysis NAME, and nothing else knows its name:

- its docstring: the question, the formula with its source, what it needs, what it gives, what it costs; the report's
  section on methods and ``docs/tables.md`` say the same;
- ``ANALYSIS``, an `Analysis`: the options, which are the section ``analyses.NAME`` of a study; the job that makes it; the
  columns of its table with their quantities, which charts and page show its numbers by;
- ``measure``: what its rows hold, as columns of arrays.

A module is found by being there. The Snakefile imports it, so that it imports neither polars nor numba nor torch at its
head: what is heavy is imported inside ``measure``, and the table is made from arrays by
`nodescope.storage.columns.frame_of`.

The nodes of a convolution are its channels, which act at many positions. What is on, off or dead is decided at every
position of every sample, never by their mean; a sample's activation of a channel is the mean over positions of ``T(z)``:

Of a layer whose outputs are recorded, not its pre-activations, they are the activations: kind ``post`` alone is measured, and
a node is on where its output exceeds the threshold. Samples without classes are measured as one class.

======================================  =============================================================================
analyses                                take of a layer with positions
======================================  =============================================================================
dead_nodes, activity, sparsity          all positions of all samples
statistics, layer_distributions         all values at all positions
medians                                 a sample's activation: the mean over positions of ``T(z)``
layer_accuracy                          the same; a node is on for a sample where it is on at any of its positions
distributions, node_histograms          kind ``pre``: the mean of ``z``, kind ``post``: the mean of ``T(z)``; per sample
densities                               the mean of ``z``, per sample
patterns                                the pattern at each position; null where positions are recorded as a summary
======================================  =============================================================================
"""

import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from nodescope.config.fields import Section
from nodescope.storage.columns import LAYER, SPLIT, STATE, Column, Table

if TYPE_CHECKING:
    import polars as pl

Job = Literal["nodes", "classifiers", "networks"]

#: The jobs that measure a configuration. Starting a job takes longer than most analyses, and together they read each layer
#: once. ``nodes``: what is quick on recorded activations; ``classifiers``: what takes long; ``networks``: what looks at the
#: networks themselves.
JOBS: tuple[Job, ...] = ("nodes", "classifiers", "networks")

#: What an analysis may need beside recorded hidden layers. ``output``: of the network, as a layer of its own.
Need = Literal["classes", "network", "output", "positions", "training samples"]

#: Why an analysis is left out of a study that lacks what it needs.
WHERE_MISSING: dict[Need, str] = {
    "classes": "its samples have no classes, or one only",
    "network": "only recordings are known, not the networks themselves",
    "output": "no output layer is recorded",
    "positions": "of layers with positions only a summary is recorded (positions: rows records every position)",
    "training samples": "no training samples are recorded, which classifiers are fitted on",
}

#: What a study of networks that are trained here has.
EVERYTHING: tuple[Need, ...] = tuple(WHERE_MISSING)

#: What `Analysis.measure` gives: rows as columns by name, see `nodescope.storage.columns.frame_of`.
Parts = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Summary:
    """A table that is made from all rows of an analysis' table.

    Attributes
    ----------
    table : Table
    make : callable
        From the collected table of the analysis.
    """

    table: Table
    make: "Callable[[pl.DataFrame], pl.DataFrame]"


@dataclass(frozen=True)
class Across:
    """The collected table of an analysis that compares configurations: it is made from what was kept of each.

    Attributes
    ----------
    table : Table
        By the name of the analysis.
    make : callable
        ``make(kept, options)``, from the analysis' table of each configuration, by its identifier, as a lazy frame, and the
        options of the study. Gives ``configuration``, ``seed``, and the columns that the table declares.
    """

    table: Table
    make: "Callable[[Mapping[str, pl.LazyFrame], Any], pl.DataFrame]"


@dataclass(frozen=True)
class Analysis:
    """What there is to know of an analysis.

    Attributes
    ----------
    title : str
        What readers call it.
    job : str
        One of `JOBS`.
    order : int
        Its place in configuration, report and documentation.
    options : subclass of LayerOptions or NetworkOptions
        Of `nodescope.config.analysis_fields`: the section ``analyses.NAME``; its docstring says what the table holds.
    columns : tuple of Column
        Of its table after the key columns and those that say where a row was measured: ``state``, and of recorded layers
        ``split`` and ``layer``.
    measure : callable
        ``measure(layer, options)`` gives the rows of a `nodescope.measuring.layers.RecordedLayer`, without ``state`` and
        ``layer``; in the job ``networks``, ``measure(network, options)`` those of a
        `nodescope.measuring.networks.MeasuredNetwork`, without ``state``. With the scope ``configuration``,
        ``measure(networks, options)`` gives those of `nodescope.measuring.recordings.RecordedNetworks`, ``seed`` and all.
    states : {'all', 'kept'}
        Whether networks are measured before and during training too, or only as they are kept.
    needs : tuple of str
        What a study must have for it, of `WHERE_MISSING`, beside the networks themselves where it looks at them.
    summaries : tuple of Summary
    further : tuple of Table
        Other tables that ``measure`` makes meanwhile; parts of their rows say so by ``table``, its name. Declared as ``columns``
        are.
    scope : {'layer', 'configuration'}
        Of recordings: whether it looks at one layer of one network in one state, or at all of a configuration together;
        it then declares all its columns itself, but ``seed``.
    across : Across or None
        Where the collected table is not the tables of the configurations, one after another.
    """

    title: str
    job: Job
    order: int
    options: type[Section]
    columns: tuple[Column, ...]
    measure: Callable[..., Parts]
    states: Literal["all", "kept"] = "all"
    needs: tuple[Need, ...] = ()
    summaries: tuple[Summary, ...] = field(default=())
    further: tuple[Table, ...] = ()
    scope: Literal["layer", "configuration"] = "layer"
    across: Across | None = None

    @property
    def name(self) -> str:
        """That of its module."""
        return self.measure.__module__.rpartition(".")[2]

    @property
    def of_networks(self) -> bool:
        """Whether it looks at the networks themselves, not at recorded activations."""
        return self.job == "networks"

    @property
    def place(self) -> tuple[Column, ...]:
        """The columns that say where a row was measured."""
        if self.scope == "configuration":
            return ()
        return (STATE,) if self.of_networks else (STATE, SPLIT, LAYER)

    @property
    def table(self) -> Table:
        """Its table of a configuration; unless it compares configurations, that of a study too."""
        return Table(self.name, inspect.getdoc(self.options) or "", (*self.place, *self.columns))

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables that its job makes."""
        return (self.table, *(Table(t.name, t.meaning, (*self.place, *t.columns)) for t in self.further))

    @property
    def text(self) -> str:
        """The docstring of its module: question, formula, what it needs, gives and costs."""
        return inspect.getdoc(inspect.getmodule(self.measure)) or ""


@cache
def registered() -> dict[str, Analysis]:
    """All analyses by name, in their order: every module of this package is one."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found: list[Analysis] = sorted(
        (module.ANALYSIS for module in modules), key=lambda analysis: (analysis.order, analysis.name)
    )
    wrong = [module.__file__ for module in modules if module.__name__ != f"{__name__}.{module.ANALYSIS.name}"]
    if wrong:
        raise ImportError(
            f"{', '.join(map(str, wrong))}: an analysis' function measure must be defined in its own module"
        )
    return {analysis.name: analysis for analysis in found}


def reason_to_leave_out(analysis: Analysis, has: Collection[Need]) -> str:
    """Why a study cannot have an analysis; empty where it can.

    Parameters
    ----------
    has
        What the study has, of `WHERE_MISSING`; ``positions``: any layer whose every position is recorded, or that has none.

    Examples
    --------
    >>> reason_to_leave_out(registered()["layer_accuracy"], has=["network", "output", "positions"])
    'its samples have no classes'
    >>> reason_to_leave_out(registered()["sparsity"], has=[])
    ''
    """
    needs: list[Need] = ["network"] if analysis.of_networks else []
    return next((WHERE_MISSING[need] for need in (*needs, *analysis.needs) if need not in has), "")


def tables_made_by(names: Iterable[str]) -> tuple[str, ...]:
    """The names of all tables that the jobs of some analyses make."""
    return tuple(table.name for name in names for table in registered()[name].tables)


def makers(tables: Iterable[str]) -> tuple[str, ...]:
    """The analyses that make some tables."""
    by_table = {table.name: name for name, analysis in registered().items() for table in analysis.tables}
    return tuple(dict.fromkeys(by_table[table] for table in tables))


def summaries() -> "dict[str, tuple[str, Callable[[pl.DataFrame], pl.DataFrame]]]":
    """The tables that are made from those of analyses: by name, the analysis, and how."""
    return {
        summary.table.name: (name, summary.make)
        for name, analysis in registered().items()
        for summary in analysis.summaries
    }
