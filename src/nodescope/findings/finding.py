"""How a finding declares itself, and what one says. Imports nothing heavy.

A finding is a sentence on the collected tables of a study, with its number, its uncertainty, and a rule that decides whether
it may be said. Two kinds of sentence are told apart. One on *the networks at hand* (how many of their nodes are dead)
needs no test: they were looked at. One on *a way of making networks* (batch normalisation keeps nodes alive) must survive
the noise of the seeds, and where it is about accuracy that of the test samples too (`nodescope.numerics.intervals`); with one
seed it is not said. What is compared within one finding is corrected for its number (Holm).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nodescope.storage.columns import Quantity

if TYPE_CHECKING:
    import polars as pl

Chapter = Literal["performance", "nodes", "layers", "health", "literature"]
#: The chapters of a study's report that a finding can belong to.
CHAPTERS: tuple[Chapter, ...] = ("performance", "nodes", "layers", "health", "literature")

#: Collected tables, read where they are needed.
Tables = Mapping[str, "pl.LazyFrame"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of finding; a module of `nodescope.findings.catalogue` has one as ``FINDING``, written with literals.

    Attributes
    ----------
    chapter : str
        Of `CHAPTERS`.
    rank : int
        How much it matters: the smaller, the more. What it finds can have another one.
    tables : tuple of str
        The collected tables that it needs; a study without one of them does not have this finding.
    figure : str
        The chart of the gallery that shows more; empty where there is none.
    needs_training : bool
        Whether it is about networks after training.
    name : str
        Its module; the registry sets it.
    """

    chapter: Chapter
    rank: int
    tables: tuple[str, ...]
    figure: str = ""
    needs_training: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a finding says of a study.

    Attributes
    ----------
    sentence : str
        In plain words, with its numbers.
    value : float or None
        The number that it is about, in the units of the tables.
    low, high : float or None
        Ends of the 95 % interval; None where there is none.
    quantity : Quantity
        Of the three.
    chart : mapping or None
        A Vega-Lite specification of 220 x 90 px, from `nodescope.findings.small_charts`.
    view : mapping
        What its figure shows: ``state``, ``split``.
    rank : int or None
        Where it matters more or less than declared.
    part : str
        Tells apart what one finding says of several things; empty where it says one.
    reason : str
        Why it may not be said; empty where it may.
    """

    sentence: str
    value: float | None
    quantity: Quantity
    low: float | None = None
    high: float | None = None
    chart: Mapping[str, Any] | None = None
    view: Mapping[str, str] = field(default_factory=dict)
    rank: int | None = None
    part: str = ""
    reason: str = ""

    @property
    def said(self) -> bool:
        """Whether it passes its rule."""
        return not self.reason
