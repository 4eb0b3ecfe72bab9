"""At which steps of a training the patterns are measured, by the rules of section ``pattern_evolution``."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nodescope.config.pattern_evolution import MeasuringTimes, PatternEvolution
from nodescope.messages.errors import ConfigError


@dataclass(frozen=True)
class EpochSteps:
    """How an epoch runs through the samples; the last batch may be smaller, or be left out with one sample in it.

    Attributes
    ----------
    steps, samples : int
        Steps of an epoch, and samples that they use.
    batch_size : int
    """

    steps: int
    samples: int
    batch_size: int

    @classmethod
    def of(cls, samples: int, batch_size: int, *, skip_single: bool) -> "EpochSteps":
        """With ``skip_single``, a last batch of a single sample is left out."""
        used = samples - 1 if skip_single and samples % batch_size == 1 else samples
        return cls(-(-used // batch_size), used, batch_size)

    def samples_seen(self, step: int) -> int:
        """Samples that a net has been trained on after a step, each as often as it was used."""
        epochs, further = divmod(step, self.steps)
        return epochs * self.samples + min(further * self.batch_size, self.samples)


def problem_with(rules: Sequence[MeasuringTimes], epochs: int, per_epoch: int | None = None) -> str | None:
    """Why a training of so many epochs cannot be measured by these rules, for people; None where it can.

    ``per_epoch``, the steps of an epoch, is None where it is not yet known: rules in steps are then not judged.
    """
    begin = 0.0
    for place, rule in enumerate(rules):
        where = f"pattern_evolution.schedule[{place}]"
        end = epochs if rule.until_epoch is None else rule.until_epoch
        if end > epochs:
            return f"{where}: until_epoch {end:g} is after the last epoch ({epochs})"
        interval = rule.every_epochs
        if interval is None:
            interval = 0.0 if per_epoch is None else (rule.every_steps or 0) / per_epoch
        if begin + interval > end or begin == end:
            steps = "" if per_epoch is None else f", an epoch has {per_epoch} steps"
            return (
                f"{where}: the first measurement would be after epoch {begin + interval:.4g}, after the end of this "
                f"rule (epoch {end:g}{steps}); allowed: a shorter interval, a later until_epoch, more epochs, or "
                "fewer rules"
            )
        begin = end
    return None


def measured_steps(rules: Sequence[MeasuringTimes], epochs: int, per_epoch: int) -> list[int]:
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
        If a rule would first measure after its end, or after the last step.
    """
    problem = problem_with(rules, epochs, per_epoch)
    if problem:
        raise ConfigError(problem)
    last = epochs * per_epoch
    steps = {0, last}
    begin = 0
    for rule in rules:
        interval = rule.every_steps or (rule.every_epochs or 0) * per_epoch
        end = last if rule.until_epoch is None else rule.until_epoch * per_epoch
        n = math.floor((end - begin) / interval + 1e-9)
        steps |= {round(begin + k * interval) for k in range(1, n + 1)}
        begin = round(end)
    return sorted(steps)


def kept_steps(steps: list[int], every_epochs: float, per_epoch: int) -> list[int]:
    """The measured steps whose patterns are kept for the comparison with the last: the nearest to every so many epochs."""
    interval = every_epochs * per_epoch
    wanted = (k * interval for k in range(math.ceil(steps[-1] / interval)))
    return sorted({*(min(steps, key=lambda step: abs(step - time)) for time in wanted), steps[-1]})


def samples_measured(options: PatternEvolution, epochs: int, batch_size: int, samples: int) -> int:
    """Samples that pass through a net while it is followed, all times together; for estimates."""
    epoch = EpochSteps.of(samples, batch_size, skip_single=False)
    if problem_with(options.schedule, epochs, epoch.steps):
        return 0  # the training says so
    times = len(measured_steps(options.schedule, epochs, epoch.steps))
    return times * min(options.samples or samples, samples)
