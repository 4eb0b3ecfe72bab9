"""Train one configuration: the learning-rate search over all its seeds, and the nets of the best rate kept.

The search (methods, section 1): all candidate rates x seeds train together in one stack; the rate with the
highest mean validation accuracy at the best epoch wins; each refinement round then tries best / f and best * f,
with f = sqrt(10) in the first round and its square root in each further one.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from nodescope.config.network import Network
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.training import Training
from nodescope.datasets import PreparedDataset
from nodescope.families import FAMILIES
from nodescope.families.shape import NetworkShape
from nodescope.jobs.interruption import Interrupted, stopping_politely
from nodescope.messages.errors import ConfigError, DamagedFileError
from nodescope.messages.words import DIVERGENCE_HINT
from nodescope.networks import NetworkStack, initialise_stack, save_network, stack_of
from nodescope.networks.normalisation import settled
from nodescope.storage.tables import of_configuration
from nodescope.study import shapes
from nodescope.study.layout import model_path
from nodescope.training import replicas as stack_training
from nodescope.training.checkpoints import ProgressFolder, fingerprint
from nodescope.training.pattern_evolution import PatternFollower
from nodescope.training.progress import ProgressReporter
from nodescope.training.protocol import Protocol, Replica
from nodescope.training.replicas import StepObserver, TrainingData, TrainingState
from nodescope.training.snapshots import StepSnapshots
from nodescope.training.tables import ACCURACY, LEARNING_CURVES, PATTERN_EVOLUTION, REPLICAS

logger = logging.getLogger(__name__)

#: A state is saved after the first epoch that ends this long after the last one was, and when the job is asked to stop.
#: A hard kill then costs at most this and one epoch, and saving (some MB) stays below a hundredth of the time.
SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass(frozen=True)
class Round:
    """One round of the search, trained to the end."""

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
class TrainedConfiguration:
    """All rounds of the search and the rate that won."""

    configuration: str
    shape: NetworkShape
    rounds: list[Round]
    learning_rate: float
    dataset: PreparedDataset
    device: str
    protocol: Protocol
    progress: ProgressFolder

    def _winners(self) -> tuple[Round, list[int]]:
        """The round in which the chosen rate was tried, and its replicas' places in the stack."""
        won = next(r for r in self.rounds if any(x.learning_rate == self.learning_rate for x in r.replicas))
        return won, [i for i, replica in enumerate(won.replicas) if replica.learning_rate == self.learning_rate]

    def tell_divergence(self, title: str) -> None:
        """Log in words how many of the kept nets diverged; nothing where none did."""
        won, places = self._winners()
        epochs = won.state.diverged_epoch()[places]
        diverged = [place for place, epoch in zip(places, epochs, strict=True) if epoch > 0]
        if not diverged:
            return
        kept = sum(int(won.state.best_epoch[place]) > 0 for place in diverged)
        which = f"all {len(places)}" if len(diverged) == len(places) else f"{len(diverged)} of {len(places)}"
        logger.warning(
            "%s: with learning rate %.3g %s nets diverged, the first in epoch %d; %s. %s",
            title,
            self.learning_rate,
            which,
            int(epochs[epochs > 0].min()),
            f"of {kept} the parameters of an earlier epoch are kept"
            if kept
            else "no network had a finite epoch before",
            DIVERGENCE_HINT,
        )

    def learning_curves(self) -> pl.DataFrame:
        """Losses and accuracy of every replica of every round after each epoch; see `nodescope.training.tables.LEARNING_CURVES`."""
        frames = []
        for finished in self.rounds:
            for split in ("train", "validation"):
                for place, replica in enumerate(finished.replicas):
                    curves = {
                        name: finished.state.curves[f"{split}_{name}"][:, place]
                        for name in ("loss", "accuracy", "mean_squared_error")
                    }
                    frames.append(
                        pl.DataFrame(curves, nan_to_null=True).with_columns(
                            epoch=pl.int_range(pl.len()),
                            seed=pl.lit(replica.seed),
                            learning_rate=pl.lit(replica.learning_rate),
                            split=pl.lit(split),
                        )
                    )
        return of_configuration(pl.concat(frames), self.configuration, LEARNING_CURVES.schema())

    def replica_table(self) -> pl.DataFrame:
        """What became of every replica of every round; see `nodescope.training.tables.REPLICAS`."""
        rows = []
        for finished in self.rounds:
            best, diverged = finished.state.best_accuracy(), finished.state.diverged_epoch()
            for place, replica in enumerate(finished.replicas):
                rows.append(
                    {
                        "seed": replica.seed,
                        "learning_rate": replica.learning_rate,
                        "round": finished.index + 1,
                        "chosen": replica.learning_rate == self.learning_rate,
                        "best_epoch": int(finished.state.best_epoch[place]) or None,
                        "validation_accuracy": None if np.isnan(best[place]) else float(best[place]),
                        "diverged_epoch": int(diverged[place]) or None,
                        "objective": self.protocol.loss,
                    }
                )
        return of_configuration(pl.DataFrame(rows, infer_schema_length=None), self.configuration, REPLICAS.schema())

    def accuracy_table(self) -> pl.DataFrame:
        """Accuracy of the kept nets; see `nodescope.training.tables.ACCURACY`."""
        won, places = self._winners()
        stack = self._kept_nets(won)
        rows = []
        for split, samples in self.dataset.splits.items():
            x, y = _to_device(self.dataset, samples, self.device)
            for place in places:
                accuracy = stack_training.performance(stack, place, x, y).accuracy
                rows.append(
                    {
                        "seed": won.replicas[place].seed,
                        "learning_rate": self.learning_rate if self.protocol.epochs else None,
                        "best_epoch": int(won.state.best_epoch[place]) or None,
                        "split": split,
                        "accuracy": None if np.isnan(accuracy) else accuracy,
                    }
                )
        return of_configuration(pl.DataFrame(rows, infer_schema_length=None), self.configuration, ACCURACY.schema())

    def predictions(self) -> pl.DataFrame:
        """What the kept nets predict for each test sample: ``sample``, ``label``, and a column for each seed, named by it.

        The column of a net without an accuracy, since it diverged, is null.
        """
        won, places = self._winners()
        stack = self._kept_nets(won)
        samples = self.dataset.splits.test
        x, y = _to_device(self.dataset, samples, self.device)
        columns = {"sample": pl.Series(samples, dtype=pl.Int32), "label": pl.Series(y.cpu().numpy(), dtype=pl.Int32)}
        for place in places:
            accuracy = stack_training.performance(stack, place, x, y).accuracy
            classes = None if np.isnan(accuracy) else stack_training.predicted_classes(stack, place, x)
            nulls = pl.Series([None] * len(samples), dtype=pl.Int32)
            seed = str(won.replicas[place].seed)
            columns[seed] = nulls if classes is None else pl.Series(classes, dtype=pl.Int32)
        return pl.DataFrame(columns)

    def pattern_evolution(self) -> pl.DataFrame:
        """Patterns of the chosen nets through training; see `nodescope.training.tables.PATTERN_EVOLUTION`.

        Raises
        ------
        DamagedFileError
            If what was kept for it cannot be read.
        """
        won, places = self._winners()
        assert won.patterns is not None
        tables = [won.patterns.table(i).with_columns(seed=pl.lit(won.replicas[i].seed)) for i in places]
        return of_configuration(pl.concat(tables), self.configuration, PATTERN_EVOLUTION.schema())

    def networks(self) -> dict[str, dict[int, dict[str, torch.Tensor]]]:
        """Tensors of the chosen nets by state and seed; batch normalisation as `nodescope.networks.normalisation` says."""
        won, places = self._winners()
        seeds = [won.replicas[place].seed for place in places]

        def of_seeds(stack: NetworkStack) -> dict[int, dict[str, torch.Tensor]]:
            return {seed: stack.network_tensors(place) for place, seed in enumerate(seeds)}

        def chosen(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {name: tensor[places] for name, tensor in tensors.items()}

        found = {"initial": of_seeds(self._settled(initialise_stack(self.shape, seeds).tensors()))}
        for state in self.protocol.snapshot_states():
            found[state] = of_seeds(self._settled(chosen(self.progress.load_snapshot(won.index, state))))
        if self.protocol.epochs:
            found["trained"] = of_seeds(stack_of(self.shape, chosen(won.state.best)))
        return found

    def _kept_nets(self, won: Round) -> NetworkStack:
        """The round's nets as they were kept; those that are never trained are settled."""
        return stack_of(self.shape, won.state.best) if self.protocol.epochs else self._settled(won.state.best)

    def _settled(self, tensors: dict[str, torch.Tensor]) -> NetworkStack:
        """Nets that are looked at before they are trained to the end."""
        stack = stack_of(self.shape, {name: tensor.to(self.device) for name, tensor in tensors.items()})
        x, _ = _to_device(self.dataset, self.dataset.splits.train, self.device)
        return settled(stack, x)

    def save_networks(self, folder: str | Path) -> None:
        """Write every state of every seed below ``folder``."""
        for state, by_seed in self.networks().items():
            for seed, tensors in by_seed.items():
                save_network(model_path(str(folder), seed, state), self.shape, tensors)


def train_configuration(
    configuration: str,
    keys: dict[str, Any],
    seeds: list[int],
    training: Training,
    dataset: PreparedDataset,
    *,
    network: Network,
    initialisation: str | None,
    device: str,
    progress_folder: str | Path,
    title: str,
    pattern_evolution: PatternEvolution | None = None,
    theta_threshold: float = 0.0,
) -> TrainedConfiguration:
    """Search the learning rate and train every seed.

    Parameters
    ----------
    configuration
        Its identifier.
    keys
        Its family and the values of its axes.
    seeds, training, network, initialisation
        From the study and the configuration; the initialisation is None for the one that suits the activation function.
    dataset
        The prepared data set.
    device : {'cpu', 'cuda'}
        From `nodescope.jobs.devices.training_device`.
    progress_folder
        Where the state is kept in case the job is stopped; what it holds of the same settings is not repeated.
    title
        What is trained, for the log.
    pattern_evolution, theta_threshold
        Whether and how patterns are followed; a node is on where its pre-activation exceeds the threshold.
    """
    shape = network_shape(keys, dataset, network, initialisation)
    settings: dict[str, Any] = {
        "shape": dataclasses.asdict(shape),
        "seeds": seeds,
        "training": training.model_dump(),
        "device": device,
    }
    if pattern_evolution is not None:
        settings |= {"pattern_evolution": pattern_evolution.model_dump(), "theta_threshold": theta_threshold}
    progress = ProgressFolder(progress_folder, fingerprint(settings | {"dataset": dataset.digest()}, shape.model))
    data = _training_data(dataset, device, training.evaluation_samples)
    protocol = Protocol.of(training, len(data.x_train))
    rounds: list[Round] = []
    # Networks that are not trained have nothing to choose by.
    rates = training.learning_rates if training.epochs else training.learning_rates[:1]
    for index in range(training.refinement_rounds + 1 if training.epochs else 1):
        if index:
            best, factor = _best_rate(rounds), 10 ** (0.5**index)
            tried = [replica.learning_rate for finished in rounds for replica in finished.replicas]
            rates = [
                rate for rate in (best / factor, best * factor) if not np.isclose(rate, tried, rtol=1e-6, atol=0).any()
            ]
            if not rates:
                continue
        replicas = [Replica(seed, rate) for rate in rates for seed in seeds]
        label = f"{title}, round {index + 1} of {training.refinement_rounds + 1} ({len(replicas)} nets)"

        def follower(index: int = index, n_replicas: int = len(replicas)) -> PatternFollower | None:
            if pattern_evolution is None:
                return None
            folder = progress.folder_of(index, "patterns")
            return PatternFollower(shape, n_replicas, protocol, data, pattern_evolution, theta_threshold, folder)

        state, patterns = _train_round(index, shape, replicas, protocol, data, progress, label, follower)
        rounds.append(Round(index, replicas, state, patterns))
    chosen = _best_rate(rounds)
    if training.epochs:
        logger.info("%s: learning rate %.3g selected", title, chosen)
    trained = TrainedConfiguration(configuration, shape, rounds, chosen, dataset, device, protocol, progress)
    trained.tell_divergence(title)
    return trained


def _train_round(
    index: int,
    shape: NetworkShape,
    replicas: list[Replica],
    protocol: Protocol,
    data: TrainingData,
    progress: ProgressFolder,
    label: str,
    make_follower: Callable[[], PatternFollower | None],
) -> tuple[TrainingState, PatternFollower | None]:
    patterns = make_follower()
    state = progress.load(index, str(data.x_train.device))
    if state is not None and patterns is not None:
        try:
            patterns.restore(state.observed)
        except DamagedFileError as error:
            logger.warning("The saved state cannot be used; training restarts: %s", error)
            state, patterns = None, make_follower()
    if state is None:
        state = stack_training.start(shape, replicas, protocol.epochs, data)
        if patterns is not None:
            patterns.observe(0, slice(0, len(replicas)), stack_of(shape, state.tensors))
    else:
        logger.info("%s: resuming after epoch %d", label, state.epoch)
    reporter = ProgressReporter(label, protocol.epochs)
    snapshots = StepSnapshots(protocol.snapshot_steps, state.tensors)
    last_saved = time.monotonic()

    def after_epoch(state: TrainingState) -> None:
        nonlocal last_saved
        reporter.after_epoch(state)
        if state.epoch in protocol.snapshots:
            progress.save_snapshot(index, f"epoch-{state.epoch}", state.tensors)
        for step, tensors in snapshots.taken():
            progress.save_snapshot(index, f"step-{step}", tensors)
        if stop or state.epoch == protocol.epochs or time.monotonic() - last_saved > SECONDS_BETWEEN_CHECKPOINTS:
            state.observed = {} if patterns is None else patterns.checkpoint()
            progress.save(index, state)
            last_saved = time.monotonic()
        if stop:
            raise Interrupted(
                f"The job was interrupted ({stop.signal_name}); its state after epoch {state.epoch} of "
                f"{protocol.epochs} is saved. The next run resumes from it."
            )

    with stopping_politely() as stop:
        observers: list[StepObserver] = [snapshots] if patterns is None else [snapshots, patterns]
        return stack_training.train(shape, replicas, protocol, data, state, after_epoch, observers), patterns


def _best_rate(rounds: list[Round]) -> float:
    """The rate of the highest mean validation accuracy; of equals the one tried first."""
    means = {rate: mean for finished in rounds for rate, mean in finished.mean_accuracy().items()}
    return max(means, key=lambda rate: means[rate])


def _training_data(dataset: PreparedDataset, device: str, evaluation_samples: int | None) -> TrainingData:
    x_train, y_train = _to_device(dataset, dataset.splits.train, device)
    x_validation, y_validation = _to_device(dataset, dataset.splits.validation, device)
    evaluated = None
    if evaluation_samples is not None and evaluation_samples < len(x_train):
        # Drawn, since the samples may lie sorted by class; always the same ones.
        drawn = np.random.default_rng(0).choice(len(x_train), evaluation_samples, replace=False)
        evaluated = torch.from_numpy(np.sort(drawn)).to(device)
    return TrainingData(x_train, y_train, x_validation, y_validation, evaluated)


def _to_device(dataset: PreparedDataset, samples: NDArray[np.int64], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = dataset.inputs(samples), dataset.labels(samples)
    return torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)


def network_shape(
    keys: dict[str, Any], dataset: PreparedDataset, network: Network, initialisation: str | None
) -> NetworkShape:
    """The shape of a configuration's networks on a data set.

    Raises
    ------
    ConfigError
        If such networks cannot take its samples, or cannot begin with that initialisation.
    """
    shape = shapes.network_shape(
        keys, network, initialisation, input_shape=dataset.x.shape[1:], n_classes=len(dataset.class_names)
    )
    family = FAMILIES[shape.model]
    problem = family.problem_with_samples(shape.input_shape) or family.problem_with_initialisation(shape.initialisation)
    if problem:
        raise ConfigError(problem)
    return shape
