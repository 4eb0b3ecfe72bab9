"""Progress of a training for people: one line now and then, on the terminal and in the job's log."""

import logging
import time

import numpy as np

from nodescope.messages.words import duration
from nodescope.training.state import TrainingState

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


class ProgressReporter:
    """Logs epoch, accuracy and time left of a round of training.

    Parameters
    ----------
    title
        What is trained.
    epochs
        Epochs of the round.
    """

    def __init__(self, title: str, epochs: int) -> None:
        self._title = title
        self._epochs = epochs
        self._started = time.monotonic()
        self._first_epoch: int | None = None
        self._last_line = self._started

    def after_epoch(self, state: TrainingState) -> None:
        """Log a line if it is time for one, and always after the last epoch."""
        now = time.monotonic()
        if self._first_epoch is None:
            self._first_epoch = state.epoch - 1
        if state.epoch < self._epochs and now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        per_epoch = (now - self._started) / (state.epoch - self._first_epoch)
        accuracy = state.curves["validation_accuracy"][state.epoch]
        best = np.nanmax(accuracy) if np.isfinite(accuracy).any() else float("nan")
        diverged = int((state.diverged_epoch() > 0).sum())
        logger.info(
            "%s: epoch %d of %d, best validation accuracy %.2f %%%s, %s left",
            self._title,
            state.epoch,
            self._epochs,
            100 * best,
            f", {diverged} of {len(accuracy)} diverged" if diverged else "",
            duration((self._epochs - state.epoch) * per_epoch),
        )
