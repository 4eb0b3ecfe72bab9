"""At which steps of a training the patterns are measured. Imports nothing heavy: the configuration is checked by it."""

import math
from collections.abc import Sequence
from typing import Protocol

from nodescope.errors import ConfigError


class Rule(Protocol):
    """How often is measured, up to an epoch or to the end: every so many steps, or every so many epochs."""

    @property
    def until_epoch(self) -> float | None: ...

    @property
    def every_steps(self) -> int | None: ...

    @property
    def every_epochs(self) -> float | None: ...


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Steps of an epoch whose last batch may be smaller."""
    return -(-samples // batch_size)


def measured_steps(rules: Sequence[Rule], epochs: int, per_epoch: int) -> list[int]:
    """The steps after which is measured, ascending: 0 (before the first), those of the rules, and the last.

    Parameters
    ----------
    rules
        One after another: each holds from where the one before it ends.
    epochs, per_epoch
        Epochs of the training and steps of an epoch.

    Raises
    ------
    ConfigError
        If a rule would first measure after the last step.
    """
    last = epochs * per_epoch
    steps = {0, last}
    begin = 0
    for place, rule in enumerate(rules):
        interval = rule.every_steps or (rule.every_epochs or 0) * per_epoch
        end = last if rule.until_epoch is None else rule.until_epoch * per_epoch
        where = f"pattern_evolution.schedule.{place}"
        if end > last:
            raise ConfigError(
                f"{where}: until_epoch {rule.until_epoch:g} lies beyond the end of the training, which has {epochs} epochs. "
                "Hint: an earlier until_epoch, or more epochs."
            )
        if begin + interval > end:
            raise ConfigError(
                f"{where}: the first measurement would be at step {begin + interval:g}, beyond the last step of the rule, "
                f"{end:g} (an epoch has {per_epoch} steps, the training {last}). Hint: a smaller every_steps or "
                "every_epochs, a later until_epoch, more epochs, or one rule less."
            )
        n = math.floor((end - begin) / interval + 1e-9)
        steps |= {round(begin + k * interval) for k in range(1, n + 1)}
        begin = round(end)
    return sorted(steps)


def kept_steps(steps: list[int], every_epochs: float, per_epoch: int) -> list[int]:
    """Those of the measured steps whose patterns are kept for the comparison with the last: one per interval."""
    interval = every_epochs * per_epoch
    kept = {int(step / interval + 1e-9): step for step in reversed(steps)}
    return sorted({*kept.values(), steps[-1]})
