"""What a published work is. Imports nothing heavy: the configuration looks here."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


@dataclass(frozen=True)
class Work:
    """A published work that studies can be compared with.

    Each work is a package in `nodescope.works` whose ``__init__`` declares it as ``WORK``. Further modules of the package
    are optional:

    - ``figures``: ``FIGURES``, a `nodescope.works.published_figures.PublishedFigure` for each of its figures and tables,
    - ``protocol``: ``PROTOCOL``, its `nodescope.works.protocol.Setting` values,
    - ``claims``: ``CLAIMS``, its `nodescope.works.claim.Claim` values,
    - ``measured``: ``MEASURED``, which of our values stand beside its printed numbers; those are CSV files in the folder
      ``printed`` (see `nodescope.works.printed`).

    Attributes
    ----------
    package : str
        Its package: ``__name__``.
    citation : str
        In tables and figures: ``Park 2022``.
    title : str
        Author, title, where and when.
    datasets : tuple of str
        The data sets that it speaks of.
    families : tuple of str
        The families of networks that it speaks of.
    networks : str
        Those networks in words.
    activations : tuple of str
        The activation functions that it speaks of; empty where its claims name them.
    tables : tuple of str
        The collected tables that its claims and numbers are judged from.
    related : tuple of str
        Titles of further works that it builds on.
    """

    package: str
    citation: str
    title: str
    datasets: tuple[str, ...]
    families: tuple[str, ...]
    networks: str
    activations: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """In the configuration: the name of its folder."""
        return self.package.rpartition(".")[2]

    def module(self, name: str) -> ModuleType | None:
        """One of its optional modules, if it has it."""
        name = f"{self.package}.{name}"
        return import_module(name) if find_spec(name) else None
