"""How a chart declares itself. Imports nothing heavy."""

from dataclasses import dataclass

#: The sections of the report, in order, by the names that charts give.
SECTIONS = {
    "training": "Accuracy and learning curves",
    "rates": "Choice of the learning rate",
    "distributions": "Distributions at single nodes",
    "nodes": "Medians and activity of all nodes",
    "activity": "Sparsity, dead nodes and patterns",
    "evolution": "Patterns through training",
    "classifiers": "Nodes and layers as classifiers",
    "process": "The learning process",
    "layers": "Distributions of whole layers",
    "gradients": "Weights and gradients",
    "diagnosis": "Diagnosis and remedies",
    "works": "Comparison with published works",
}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One kind of chart; a module of `nodescope.charts.gallery` has one as ``CHART``, written with literals.

    Attributes
    ----------
    section : str
        Of `SECTIONS`: where it stands in the report.
    order : int
        Its place in the section.
    tables : tuple of str
        The collected tables that it is drawn from.
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
        """The title of its section."""
        return SECTIONS[self.section]
