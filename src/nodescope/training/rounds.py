"""One round of the learning-rate search, trained with checkpoints, snapshots and progress."""

import logging
import time
from dataclasses import dataclass

import numpy as np

from nodescope.config.training import Training, state_after_epoch, state_after_step
from nodescope.families.shape import NetworkShape
from nodescope.jobs.interruption import Interrupted, stopping_politely
from nodescope.messages.errors import DamagedFileError
from nodescope.networks import stack_of
from nodescope.training import replicas as stack_training
from nodescope.training.checkpoints import ProgressFolder
from nodescope.training.data import TrainingData
from nodescope.training.pattern_evolution import PatternFollower, PatternsToFollow
from nodescope.training.progress import ProgressReporter
from nodescope.training.replicas import StepObserver
from nodescope.training.snapshots import StepSnapshots
from nodescope.training.state import Replica, TrainingState

logger = logging.getLogger(__name__)

#: A state is saved after the first epoch that ends this long after the last one was, and when the job is asked to stop.
#: A hard kill then costs at most this and one epoch, and saving (some MB) stays below a hundredth of the time.
SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass(frozen=True)
class Round:
    """One round of the search, trained to the end; ``patterns`` is None where they are not followed."""

    index: int
    replicas: list[Replica]
    state: TrainingState
    patterns: PatternFollower | None

    def mean_accuracy(self) -> dict[float, float]:
        """Mean validation accuracy over the seeds of each rate; a net that never was finite counts as zero."""
        accuracy = np.nan_to_num(self.state.best_accuracy(), nan=0.0)
        rates = np.array([r.learning_rate for r in self.replicas])
        return {float(rate): float(accuracy[rates == rate].mean()) for rate in dict.fromkeys(rates)}


@dataclass(frozen=True)
class RoundTraining:
    """What all rounds of a configuration have in common.

    Attributes
    ----------
    progress : ProgressFolder
        For checkpoints and snapshots.
    title : str
        What is trained, for the log.
    patterns : PatternsToFollow or None
        None where patterns are not followed.
    """

    shape: NetworkShape
    training: Training
    data: TrainingData
    progress: ProgressFolder
    title: str
    patterns: PatternsToFollow | None

    def train(self, index: int, replicas: list[Replica], training: Training) -> Round:
        """Train the replicas of a round (from 0), or go on where they were stopped.

        Patterns are followed only with the training of the configuration, not with that of candidates.

        Raises
        ------
        Interrupted
            If the job is asked to stop; the state is saved.
        """
        progress = self.progress
        n_rounds = training.refinement_rounds + 1 + (self.training.of_candidates() is not self.training)
        label = f"{self.title}, round {index + 1} of {n_rounds} ({len(replicas)} nets)"
        state, patterns = self._resumed(index, replicas, is_followed=training is self.training)
        if state is None:
            state = stack_training.start(self.shape, replicas, training.epochs, self.data)
            if patterns is not None:
                patterns.observe(0, slice(0, len(replicas)), stack_of(self.shape, state.tensors))
        else:
            logger.info("%s: resuming after epoch %d", label, state.epoch)
        reporter = ProgressReporter(label, training.epochs)
        snapshots = StepSnapshots(training.snapshot_steps, state.tensors)
        observers: list[StepObserver] = [snapshots] if patterns is None else [snapshots, patterns]
        last_saved = time.monotonic()

        def after_epoch(state: TrainingState) -> None:
            nonlocal last_saved
            reporter.after_epoch(state)
            if state.epoch in training.snapshots:
                progress.save_snapshot(index, state_after_epoch(state.epoch), state.tensors)
            for step, tensors in snapshots.taken():
                progress.save_snapshot(index, state_after_step(step), tensors)
            if stop or state.epoch == training.epochs or time.monotonic() - last_saved > SECONDS_BETWEEN_CHECKPOINTS:
                state.observed = {} if patterns is None else patterns.checkpoint()
                progress.save(index, state)
                last_saved = time.monotonic()
            if stop:
                raise Interrupted(
                    f"The job was interrupted ({stop.signal_name}); its state after epoch {state.epoch} of "
                    f"{training.epochs} is saved. The next run resumes from it."
                )

        with stopping_politely() as stop:
            state = stack_training.train(self.shape, replicas, training, self.data, state, after_epoch, observers)
        return Round(index, replicas, state, patterns)

    def _resumed(
        self, index: int, replicas: list[Replica], *, is_followed: bool
    ) -> tuple[TrainingState | None, PatternFollower | None]:
        """The saved state of a round, None where it begins anew; and who follows its patterns from there."""
        patterns = self._follower(index, replicas) if is_followed else None
        state = self.progress.load(index, str(self.data.x_train.device))
        if state is None or patterns is None:
            return state, patterns
        try:
            patterns.restore(state.observed)
        except DamagedFileError as error:
            logger.warning("The saved state cannot be used; training restarts: %s", error)
            return None, self._follower(index, replicas)
        return state, patterns

    def _follower(self, index: int, replicas: list[Replica]) -> PatternFollower | None:
        if self.patterns is None:
            return None
        folder = self.progress.folder_of(index, "patterns")
        return PatternFollower(self.shape, len(replicas), self.training, self.data, self.patterns, folder)
