"""Findings on a change within each network: from its first hidden layer to its last, or from before training to after.

A change is said where it is as large as the finding asks for, most configurations change in its direction, and the 95 % t interval
over the seeds excludes 0 or all seeds give the same; of one seed, where all networks change in the same direction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from nodescope.findings.estimating import first_and_last_layer, first_and_last_state, layer_means, over_networks
from nodescope.findings.finding import Found
from nodescope.findings.phrasing import all_of, capitalised, ends, interval, number_word, signless
from nodescope.findings.small_charts import lines
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.numerics.intervals import Estimate
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION

IN_FIRST_LAYER, IN_LAST_LAYER = "in the first hidden layer", "in the last"
BEFORE_TRAINING, AFTER_TRAINING = "before training", "after it"


@dataclass(frozen=True)
class Subject:
    """What changes.

    Attributes
    ----------
    words : str
        Singular, within a sentence: ``the share of switch nodes``.
    quantity : Quantity
        Of its values.
    least : float
        The smallest change that is worth a sentence, of networks of one seed; of several, where noise is known, a fifth of it is.
    """

    words: str
    quantity: Quantity
    least: float = 0.0

    def least_of(self, estimate: Estimate) -> float:
        """The smallest change that is worth a sentence, of so many seeds."""
        return self.least if estimate.seeds < 2 else self.least / 5

    @property
    def difference(self) -> Quantity:
        """Of its changes: those of percentages are in points."""
        unit = "points" if self.quantity.unit == "%" else self.quantity.unit
        form = "+" + self.quantity.format.lstrip("+").replace("d", ".0f")
        low, high = self.quantity.range
        most = None if low is None or high is None else high - low
        of_changes = (None if most is None else -most, most)
        return replace(
            self.quantity, title=f"change of {self.quantity.title}", unit=unit, range=of_changes, format=form
        )


def change(
    ends_of_networks: pl.DataFrame,
    subject: Subject,
    studied: Studied,
    places: tuple[str, str] = (IN_FIRST_LAYER, IN_LAST_LAYER),
    *,
    chart: Mapping[str, Any] | None = None,
    view: Mapping[str, str] | None = None,
    part: str = "",
) -> Found | None:
    """What there is to say of a change; None where no network has both values.

    Parameters
    ----------
    ends_of_networks
        ``configuration``, ``seed``, ``first``, ``last`` and ``change``, from `nodescope.findings.estimating`.
    places
        Where, or when, the two values are.
    """
    if ends_of_networks.is_empty():
        return None
    of_change = over_networks(ends_of_networks, "change")
    first, last = (over_networks(ends_of_networks, name).centre for name in ("first", "last"))
    centre = of_change.centre
    assert centre is not None and first is not None and last is not None
    of_configurations = ends_of_networks.group_by(CONFIGURATION, maintain_order=True).agg(pl.col("change").mean())
    means = of_configurations["change"]
    alike = int(((means > 0) if centre > 0 else (means < 0)).sum())
    reason = _reason(of_change, subject, alike, len(means), centre)
    quantity = subject.quantity
    here, there = places
    over = f"{_averaged(of_change, len(means))}{_in_brackets(of_change, subject)}"
    if reason:
        told = "the configurations disagree" if 2 * alike <= len(means) else "no change can be told"
        told = "hardly a change" if _is_small(of_change, subject) else told
        values = f"is {quantity.text(first)} {here} and {quantity.text(last)} {there}"
        sentence = f"{capitalised(subject.words)} {values}{over}: {told}."
    else:
        verb = "rises" if centre > 0 else "falls"
        values = f"{verb} from {quantity.text(first)} {here} to {quantity.text(last)} {there}"
        sentence = f"{capitalised(subject.words)} {values}{over}"
        if len(means) > 1:
            most = _most(of_configurations, centre, subject, studied)
            sentence += f"; it {verb} in {_all_or(alike, len(means))}, most in {most}"
        sentence += "."
    low, high = ends(of_change, subject.difference)
    return Found(
        sentence=sentence, value=centre, low=low, high=high, quantity=subject.difference, chart=chart, view=view or {},
        part=part, reason=reason,
    )  # fmt: skip


def over_layers(layers: pl.DataFrame, value: str, subject: Subject, studied: Studied, split: str) -> Iterator[Found]:
    """From the first hidden layer to the last of the networks as they are kept; no sentence where none has several layers.

    Parameters
    ----------
    layers
        ``configuration``, ``seed``, ``layer`` and the column ``value`` of these networks.
    """
    found = change(
        first_and_last_layer(layers, value),
        subject,
        studied,
        chart=lines([("", layer_means(layers, value))], subject.quantity),
        view={"state": studied.last, "split": split},
    )
    if found:
        yield found


def in_training(layers: pl.DataFrame, value: str, subject: Subject, studied: Studied, split: str) -> Iterator[Found]:
    """From before training to after it, averaged over layers; no sentence of networks that are not known in both states.

    Parameters
    ----------
    layers
        ``configuration``, ``seed``, ``state``, ``layer`` and the column ``value``.
    """
    if not studied.words.trained:
        return
    series = [
        (name, layer_means(layers.filter(pl.col("state") == state), value))
        for name, state in (("untrained", studied.first), ("trained", studied.last))
    ]
    found = change(
        first_and_last_state(layers, value, studied.first, studied.last),
        subject,
        studied,
        (BEFORE_TRAINING, AFTER_TRAINING),
        chart=lines(series, subject.quantity),
        view={"state": studied.last, "split": split},
    )
    if found:
        yield found


def _is_small(of_change: Estimate, subject: Subject) -> bool:
    return not of_change.centre or abs(of_change.centre) < subject.least_of(of_change)


def _reason(of_change: Estimate, subject: Subject, alike: int, configurations: int, centre: float) -> str:
    if _is_small(of_change, subject):
        return (
            f"the change is smaller than {signless(subject.difference, subject.least_of(of_change))}"
            if centre
            else "there is no change"
        )
    if 2 * alike <= configurations:
        return f"only {number_word(alike)} of {number_word(configurations)} configurations change in that direction"
    if of_change.seeds < 2:
        if alike < configurations:
            others = f"{number_word(configurations - alike)} of {number_word(configurations)} networks"
            return f"with one seed there is no interval, and {others} do not change in that direction"
        return ""
    low, high = of_change.interval or (0.0, 0.0)
    return "" if low > 0 or high < 0 else "the 95 % interval over the seeds includes no change"


def _most(of_configurations: pl.DataFrame, centre: float, subject: Subject, studied: Studied) -> str:
    name, largest = of_configurations.sort("change", descending=centre > 0, maintain_order=True).row(0)
    return f"{studied.label(name)} ({subject.difference.text(largest)})"


def _averaged(estimate: Estimate, configurations: int) -> str:
    over = [counted(configurations, "configuration")] if configurations > 1 else []
    over += [counted(estimate.seeds, "seed")] if estimate.seeds > 1 else []
    return f", averaged over {' and '.join(over)}" if over else ""


def _in_brackets(estimate: Estimate, subject: Subject) -> str:
    difference = subject.difference
    said = f"difference {difference.text(estimate.centre)}"
    if estimate.equal_in_all_seeds:
        return f" ({said} in {all_of(estimate.seeds, 'seeds')})"
    of_interval = interval(*ends(estimate, difference), difference)
    return f" ({said}, {of_interval})" if of_interval else f" ({said})"


def _all_or(some: int, every: int) -> str:
    if some == every:
        return all_of(every, "").rstrip()
    return f"{number_word(some)} of the {number_word(every)}"
