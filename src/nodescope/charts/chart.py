"""How a chart declares itself. Imports nothing heavy."""

from dataclasses import dataclass

#: The chapters of a study's report that have figures, in order, by the names that charts give. The first chapter is what
#: was found.
SECTIONS = {
    "performance": "Performance",
    "nodes": "Nodes",
    "layers": "Layers",
    "health": "Health",
    "literature": "Beside the literature",
}

#: The number of each chapter: a figure that moves between studies keeps the number of its chapter.
CHAPTERS = {title: number for number, title in enumerate(SECTIONS.values(), 2)}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One kind of chart; a module of `nodescope.charts.gallery` has one as ``CHART``, written with literals.

    Attributes
    ----------
    section : str
        Of `SECTIONS`: the chapter that it stands in.
    order : int
        Its place in the chapter.
    tables : tuple of str
        The collected tables that it is drawn from.
    optional : tuple of str
        Tables that it also shows where the study has them.
    axes : tuple of str
        The axes without which it says nothing.
    needs_training : bool
        Whether it shows how training went.
    needs_accuracy : bool
        Whether it shows how accurate networks are after training.
    needs_snapshots : bool
        Whether it shows how the nets change between epochs.
    needs_classes : bool
        Whether it shows how classes differ.
    needs_values : tuple of str
        Columns, as ``TABLE.COLUMN``, of which one value at least must be known.
    may_be_empty : bool
        Whether it has something to say where the first of its tables has no rows.
    lazy : bool
        Whether its tables are too large to hold (a value per node and class): they are handed over as lazy frames.
    name : str
        Its module; the registry sets it.
    """

    section: str
    order: int
    tables: tuple[str, ...]
    optional: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    needs_training: bool = False
    needs_accuracy: bool = False
    needs_snapshots: bool = False
    needs_classes: bool = False
    needs_values: tuple[str, ...] = ()
    may_be_empty: bool = False
    lazy: bool = False
    name: str = ""

    @property
    def title(self) -> str:
        """The title of its chapter."""
        return SECTIONS[self.section]
