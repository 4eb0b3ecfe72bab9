"""All findings of a study, as they are kept: the most important first, each with whether it may be said."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.registry import findings_of
from nodescope.findings.studied import Studied
from nodescope.storage.columns import Quantity
from nodescope.storage.json_files import read_json, write_json

#: Of a quantity, as far as a reader of findings needs it.
QUANTITY_KEYS = ("title", "unit", "scale", "format")


@dataclass(frozen=True)
class Statement:
    """A finding of a study, as it is kept.

    Attributes
    ----------
    name : str
        Of the module of the catalogue; with a part after a point where it says several things.
    chapter : str
        Of `nodescope.findings.finding.CHAPTERS`.
    sentence : str
    value, low, high : float or None
        The number that it is about, and the ends of its 95 % interval.
    quantity : mapping
        Of the three: ``title``, ``unit``, ``scale`` and ``format``.
    figure : str or None
        The chart of the gallery that shows more, among those that the study has.
    view : mapping
        What that figure shows.
    chart : mapping or None
        A Vega-Lite specification of 220 x 90 px.
    rank : int
        The smaller, the more it matters.
    said : bool
        Whether it passes its rule.
    reason : str
        Why it may not be said; empty where it may.
    """

    name: str
    chapter: str
    sentence: str
    value: float | None
    low: float | None
    high: float | None
    quantity: Mapping[str, Any]
    figure: str | None
    view: Mapping[str, str]
    chart: Mapping[str, Any] | None
    rank: int
    said: bool
    reason: str

    @property
    def text(self) -> str:
        """The value with its unit."""
        return Quantity(**self.quantity).text(self.value)


def find_all(tables: Tables, studied: Studied, charts: Iterable[str] = ()) -> list[Statement]:
    """What the findings say of a study.

    Parameters
    ----------
    tables
        Its collected tables.
    charts
        The names of the charts that it has.

    Returns
    -------
    list of Statement
        Those that may be said first, by rank.
    """
    there, statements = set(charts), []
    for finding in findings_of(tables):
        if finding.needs_training and studied.configurations.states == ("initial",):
            continue
        module = import_module(f"nodescope.findings.catalogue.{finding.name}")
        statements += [_statement(finding, found, there) for found in module.find(tables, studied)]
    return sorted(statements, key=lambda each: (not each.said, each.rank, each.name))


def _statement(finding: Finding, found: Found, charts: set[str]) -> Statement:
    quantity = {key: value for key, value in asdict(found.quantity).items() if key in QUANTITY_KEYS}
    return Statement(
        name=f"{finding.name}.{found.part}" if found.part else finding.name,
        chapter=finding.chapter,
        sentence=found.sentence,
        value=found.value,
        low=found.low,
        high=found.high,
        quantity=quantity,
        figure=finding.figure if finding.figure in charts else None,
        view=dict(found.view),
        chart=found.chart,
        rank=finding.rank if found.rank is None else found.rank,
        said=found.said,
        reason=found.reason,
    )


def write_statements(path: str | Path, statements: Iterable[Statement]) -> None:
    """Keep the findings of a study; see `read_statements`."""
    write_json(path, {"findings": [asdict(each) for each in statements]})


def read_statements(path: str | Path) -> list[Statement]:
    """From the file that `write_statements` wrote.

    Raises
    ------
    DamagedFileError
        If it is missing or damaged.
    """
    return [Statement(**each) for each in read_json(path)["findings"]]
