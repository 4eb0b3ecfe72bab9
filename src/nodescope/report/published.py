"""Which figure of this report corresponds to which figure or table of a published work, by number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodescope.report.page import PageFigure

#: What the works show, by number; a number that a run has no figure for is listed too.
CONTENTS = {
    "Pretorius 2020": {
        "figure 1.1": "Shapes of the activation functions",
        "figure 1.3": "Validation accuracy for each candidate learning rate",
        "figure 3.1": "Learning curves of one net",
        **dict.fromkeys(
            ("figure 3.2", "figure 3.3", "figure 3.5", "figure 3.6", "figure 3.8", "figure 3.9"),
            "Accuracy during training, by depth and batch normalisation",
        ),
        **dict.fromkeys(("figure 3.4", "figure 3.7", "figure 3.10"), "Test accuracy of each configuration"),
        **dict.fromkeys(
            ("figure 4.1", "figure 4.2", "figure 4.6", "figure 4.7"), "Class-conditional distributions at single nodes"
        ),
        **dict.fromkeys(
            ("figure 4.3", "figure 4.4", "figure 4.5", "figure 4.8", "figure 4.9", "figure 4.10", "figure 4.11",
             "figure A.1", "figure A.2"), "Median activation of each class at every node",
        ),
        **dict.fromkeys(
            ("figure 5.1", "figure 5.2", "figure 5.3", "figure 5.4", "figure 5.5"), "Node activity by class"
        ),
        **dict.fromkeys(("figure 5.6", "figure 5.7", "figure 5.8", "figure 5.9"), "Activity heatmap, dead nodes in red"),
        "table 5.1": "Share of dead nodes",
        "table 5.2": "Sparsity of each layer",
        "figure 6.1": "Kernel density estimate of a class at a node",
        **dict.fromkeys(
            ("figure 6.2", "figure 6.3", "figure 6.4", "figure 6.5", "figure A.3", "figure A.4", "figure A.5", "figure A.6"),
            "Layers as classifiers",
        ),
        **dict.fromkeys(("figure 6.6", "figure 6.7"), "Layers as classifiers during training"),
    },
    "Park 2022": {
        "figure 1": "Training loss by initialisation",
        "figure 2": "Weights and biases before and after training",
        "figure 3": "Features before and after training, of training, validation and random inputs",
        "figure 4": "Absorption and emission of gradients per channel",
    },
}  # fmt: skip

TITLES = {
    "Pretorius 2020": "Pretorius, Activation functions in deep neural networks, MEng dissertation, North-West University, 2020",
    "Hartmann et al. 2021": "Hartmann, Franzen and Brodehl, Studying the evolution of neural activation patterns during training "
    "of feed-forward ReLU networks, Frontiers in Artificial Intelligence 4:642374, 2021",
    "Park 2022": "Park, Distributions in deep neural networks, KAIST, 2022",
    "Signal propagation": "Distribution of activations and gradients in a deep network, an online showcase",
    "Iris tutorial": "Activation distribution, a tutorial on Iris, 2022",
}


@dataclass(frozen=True)
class Entry:
    """A figure or table of a work, and the figures of this report that correspond to it."""

    name: str
    content: str
    found: list[tuple[str, "PageFigure"]]


@dataclass(frozen=True)
class Work:
    """A published work and its figures and tables by number."""

    title: str
    entries: list[Entry]


def index_of(figures: Iterable[tuple[str, "PageFigure"]]) -> list[Work]:
    """The index of all works.

    Parameters
    ----------
    figures
        Name of the study, and figure.
    """
    found: dict[str, dict[str, list[tuple[str, PageFigure]]]] = {}
    for study, figure in figures:
        if not figure.work:  # its study is not held against it
            continue
        of_work = found.setdefault(figure.work, {})
        for name in numbers(figure.reference):
            of_work.setdefault(name, []).append((study, figure))
    works = []
    for work, of_work in found.items():
        contents = CONTENTS.get(work, {})
        names = sorted({*of_work, *contents}, key=_order)
        entries = [
            Entry(name, contents.get(name) or of_work[name][0][1].title, of_work.get(name, [])) for name in names
        ]
        works.append(Work(TITLES.get(work, work), entries))
    return works


def numbers(reference: str) -> list[str]:
    """The single figures and tables that a reference names, ranges written out.

    >>> numbers("figures 4.3-4.5, A.1")
    ['figure 4.3', 'figure 4.4', 'figure 4.5', 'figure A.1']
    >>> numbers("figures 2, 3 and table 5.1")
    ['figure 2', 'figure 3', 'table 5.1']
    >>> numbers("relative entropy")
    ['relative entropy']
    """
    found = []
    kind = ""
    for word in re.findall(r"[^\s,;]+", reference):
        if (named := re.fullmatch(r"(figure|table|section|equation)s?", word)) is not None:
            kind = named[1]
        elif kind and (span := re.fullmatch(r"([A-Z]|\d+)\.(\d+)-(?:\1\.)?(\d+)", word)) is not None:
            found += [f"{kind} {span[1]}.{number}" for number in range(int(span[2]), int(span[3]) + 1)]
        elif kind and re.fullmatch(r"(?:[A-Z]|\d+)(?:\.\d+)*[a-z]?", word) is not None:
            found.append(f"{kind} {word}")
    return found or [reference]


def _order(name: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Chapters before appendices, numbers as numbers, figures and tables of a chapter together."""
    kind, _, number = name.rpartition(" ")
    parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in number.split(".")]
    return kind not in ("figure", "table"), [*parts, (True, 0, kind)]
