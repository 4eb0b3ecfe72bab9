"""What was run and what became of it: a status for every network, best and worst."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from nodescope.charts.labels import percent
from nodescope.findings.collected import read_statements
from nodescope.findings.comparisons import best_on_validation
from nodescope.findings.divergence import divergences, results_of, sentences
from nodescope.messages.words import counted, listed
from nodescope.numerics.intervals import ON_THIS_TEST_SET, REAL, wilson
from nodescope.study.axes import CONFIGURATION, Configurations

DONE, DIVERGED, MISSING = "done", "diverged", "missing"


@dataclass(frozen=True)
class Network:
    """One seed of a configuration."""

    seed: int
    status: str
    words: str


@dataclass(frozen=True)
class Cell:
    """One configuration; ``standing`` is ``best``, ``worst`` or nothing."""

    identifier: str
    label: str
    networks: list[Network]
    accuracy: str
    standing: str


@dataclass(frozen=True)
class Row:
    """Configurations that differ in size only; None where the study has none of a size."""

    label: str
    cells: list[Cell | None]


@dataclass(frozen=True)
class Overview:
    """A study at a glance.

    ``best`` is the configuration with the best validation accuracy, ``worst`` that with the lowest test accuracy, each with
    its test accuracy; ``standing`` says whether the others differ significantly from the best. All are empty where nothing is
    trained. ``divergence`` says what diverged and whose loss rose, network by network ``diverged``; ``has_accuracies`` whether
    the accuracy of any network is known.
    """

    columns: list[str]
    rows: list[Row]
    counts: dict[str, int]
    best: str
    worst: str
    standing: str
    diverged: list[str]
    divergence: list[str]
    has_accuracies: bool


def overview(
    configurations: Configurations,
    accuracy: pl.DataFrame,
    replicas: pl.DataFrame,
    curves: pl.LazyFrame,
    comparisons: pl.DataFrame | None = None,
) -> Overview:
    """Sum up a study.

    Parameters
    ----------
    configurations
        Of the study.
    accuracy, replicas, curves, comparisons
        The collected tables, ``curves`` being ``learning_curves``; a study of one configuration, or of untrained networks,
        has no comparisons.
    """
    test: dict[tuple[str, int], float | None] = {
        (row[CONFIGURATION], row["seed"]): row["accuracy"]
        for row in accuracy.filter(pl.col("split") == "test").iter_rows(named=True)
    }
    ends = {(row[CONFIGURATION], row["seed"]): row for row in replicas.filter("chosen").iter_rows(named=True)}
    means: dict[str, float] = {}
    networks: dict[str, list[Network]] = {}
    for identifier in configurations.identifiers:
        # Networks that users bring may be of other seeds in each configuration.
        seeds = [seed for name, seed in ends if name == identifier] or configurations.seeds
        networks[identifier] = [_network(seed, (identifier, seed), test, ends) for seed in seeds]
        known = [value for seed in seeds if (value := test.get((identifier, seed))) is not None]
        if known:
            means[identifier] = sum(known) / len(known)
    labels = configurations.labels
    trained = configurations.states != ("initial",)
    of_divergence = divergences(configurations, replicas, curves)
    lost = {one.identifier for one in of_divergence if one.wholly}
    ranked = [identifier for identifier in means if trained and identifier not in lost]
    order = sorted(ranked, key=means.__getitem__)
    # Chosen on validation samples: the highest of many test accuracies is a lucky draw.
    leading = best_on_validation(results_of(accuracy, replicas)) if order else None
    best = leading if leading in order else ""
    worst = next((identifier for identifier in order if identifier != best), "") if best else ""
    sizes = configurations.sizes()
    of_size = [axis.name for axis in configurations.axes if axis.is_size]
    rows: dict[str, dict[str, Cell]] = {}
    for identifier in configurations.identifiers:
        standing = {best: "best", worst: "worst"}.get(identifier, "") if worst else ""
        mean = "" if identifier not in means else percent(means[identifier])
        shown = mean if trained else "untrained"
        cell = Cell(identifier, labels[identifier], networks[identifier], shown, standing)
        rows.setdefault(configurations.label(identifier, without=of_size), {})[sizes[identifier]] = cell
    columns = list(dict.fromkeys(sizes.values()))
    every = [network.status for of_configuration in networks.values() for network in of_configuration]
    return Overview(
        columns=columns,
        rows=[Row(label, [cells.get(size) for size in columns]) for label, cells in rows.items()],
        counts={status: every.count(status) for status in (DONE, DIVERGED, MISSING)},
        best=f"{labels[best]}, {percent(means[best])}" if best else "",
        worst=f"{labels[worst]}, {percent(means[worst])}" if worst else "",
        standing=_standing(comparisons),
        diverged=[
            f"{labels[identifier]}, seed {network.seed}: {network.words}"
            for identifier, of_configuration in networks.items()
            for network in of_configuration
            if network.status == DIVERGED
        ],
        divergence=sentences(of_divergence),
        has_accuracies=bool(means) and trained,
    )


#: Findings that the page shows of a study.
MOST_FINDINGS = 8


def said_findings(path: Path) -> list[dict[str, Any]]:
    """The findings of a study that may be said, the most important first; none where they were not looked for."""
    if not path.is_file():
        return []
    return [asdict(each) for each in read_statements(path) if each.said][:MOST_FINDINGS]


def question_of(configurations: Configurations) -> str:
    """What a study asks, from the axes in which its configurations differ."""
    varying = [axis.title for axis in configurations.axes if axis.varies]
    untrained = configurations.states == ("initial",)
    if not varying:
        return f"What does each node do{' before training' if untrained else ''}?"
    return (
        f"How {'does' if len(varying) == 1 else 'do'} {listed(varying)} change what the nodes do"
        f"{' before training' if untrained else ''}?"
    )


def _standing(comparisons: pl.DataFrame | None) -> str:
    """Whether the others differ significantly from the best, and what one test sample weighs."""
    known = pl.DataFrame() if comparisons is None else comparisons.drop_nulls("difference")
    if known.is_empty():
        return ""
    samples = int(known["samples"].max())  # type: ignore[arg-type]  # whole numbers
    weight = f"One sample of {samples:,} is {100 / samples:.2g} points"
    if known["seeds"].max() == 1:
        best = known["best_value"][0]
        low, high = wilson(round(best * samples), samples) or (best, best)
        return (
            f"{weight}; for new samples the accuracy of the best network lies between {percent(low)} and "
            f"{percent(high)} (95 %, Wilson). With one seed, differences cannot be tested."
        )
    real = len(known.filter(pl.col("verdict") == REAL))
    here = len(known.filter(pl.col("verdict") == ON_THIS_TEST_SET))
    if not real + here:
        others = (
            "the other configuration does not differ" if len(known) == 1 else f"none of the {len(known)} others differs"
        )
        return f"{weight}; {others} significantly from the best."
    words = [
        f"{real or 'None'} of the {counted(len(known), 'other configuration')} {_differ(real or 1)} significantly from the best"
    ]
    if here:
        words.append(f"{here}{' more' if real else ''} {_differ(here)} on this test set only")
    rest = "; the others do not differ significantly" if real + here < len(known) else ""
    return f"{weight}. {', '.join(words)}{rest}."


def _differ(number: int) -> str:
    return "differs" if number == 1 else "differ"


def _network(
    seed: int,
    key: tuple[str, int],
    test: dict[tuple[str, int], float | None],
    ends: dict[tuple[str, int], dict[str, Any]],
) -> Network:
    end = ends.get(key)
    if end is None:
        return Network(seed, MISSING, "no result")
    if end["diverged_epoch"] is not None:
        kept = (
            "no epoch was finite, so there are no measurements"
            if end["best_epoch"] is None
            else f"the parameters of epoch {end['best_epoch']} are kept"
        )
        return Network(
            seed,
            DIVERGED,
            f"rate {end['learning_rate']:.3g}, loss not finite after epoch {end['diverged_epoch']}; {kept}",
        )
    accuracy, epoch = test.get(key), end["best_epoch"]
    said = [] if accuracy is None else [f"test accuracy {percent(accuracy)}"]
    said += [] if epoch is None else [f"epoch {epoch} kept"]
    return Network(seed, DONE, ", ".join(said) or "done")
