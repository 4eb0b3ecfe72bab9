"""Schedules of the learning rate."""

import math

from nodescope.config.training import Training

#: Of the cyclic schedule (Smith 2017): the lowest rate over the highest.
CYCLE_LOWEST = 0.1

#: Of the one-cycle schedule (Smith & Topin 2018) with the defaults of PyTorch's OneCycleLR.
ONE_CYCLE_RISE = 0.3
ONE_CYCLE_FIRST = 1 / 25
ONE_CYCLE_LAST = ONE_CYCLE_FIRST / 1e4


def rate_factor(training: Training, step: int, steps_per_epoch: int) -> float:
    """The learning rate at a step (from 0) over the nominal one."""
    epoch = step // steps_per_epoch
    match training.schedule:
        case "exponential":
            return training.learning_rate_decay**epoch
        case "multi_step":
            return training.learning_rate_decay ** sum(milestone <= epoch for milestone in training.milestones)
        case "cyclic":
            half = training.cycle_epochs * steps_per_epoch / 2
            height = 1 - abs(step % (2 * half) / half - 1)
            return CYCLE_LOWEST + (1 - CYCLE_LOWEST) * height
        case "one_cycle":
            return _one_cycle(step, training.epochs * steps_per_epoch)


def _one_cycle(step: int, steps: int) -> float:
    """Up along half a cosine over the first 30 % of the steps, then down along another."""
    peak = max(ONE_CYCLE_RISE * steps - 1, 1e-9)
    if step <= peak:
        return _cosine(ONE_CYCLE_FIRST, 1.0, step / peak)
    return _cosine(1.0, ONE_CYCLE_LAST, (step - peak) / (steps - 1 - peak))


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) / 2 * (1 + math.cos(math.pi * share))
