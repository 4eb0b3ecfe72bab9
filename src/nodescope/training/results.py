"""What comes of the training of a configuration: tables, predictions and networks."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from nodescope.config.training import Training
from nodescope.datasets import PreparedDataset
from nodescope.families.shape import NetworkShape
from nodescope.messages.words import DIVERGENCE_HINT
from nodescope.networks import NetworkStack, initialise_stack, save_network, stack_of
from nodescope.networks.normalisation import settled
from nodescope.storage.tables import of_configuration
from nodescope.study.layout import model_path
from nodescope.training.checkpoints import ProgressFolder
from nodescope.training.data import on_device
from nodescope.training.evaluation import performance, predicted_classes
from nodescope.training.rounds import Round
from nodescope.training.tables import ACCURACY, LEARNING_CURVES, PATTERN_EVOLUTION, REPLICAS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedConfiguration:
    """All rounds of the search and the rate that won."""

    configuration: str
    shape: NetworkShape
    rounds: list[Round]
    learning_rate: float
    dataset: PreparedDataset
    device: str
    training: Training
    progress: ProgressFolder

    def _winners(self) -> tuple[Round, list[int]]:
        """The round in which the chosen rate was trained for all epochs, and its replicas' places in the stack."""
        won = next(r for r in reversed(self.rounds) if any(x.learning_rate == self.learning_rate for x in r.replicas))
        return won, [i for i, replica in enumerate(won.replicas) if replica.learning_rate == self.learning_rate]

    def _trained(self) -> Iterator[tuple[Round, list[int]]]:
        """Every round, and its replicas' places in the stack but those of candidates that the last round trained anew."""
        last = {replica: finished.index for finished in self.rounds for replica in finished.replicas}
        for finished in self.rounds:
            yield finished, [i for i, replica in enumerate(finished.replicas) if last[replica] == finished.index]

    def log_divergence(self, title: str) -> None:
        """Log in words how many of the kept nets diverged, and of how many others the training loss rose."""
        won, places = self._winners()
        if risen := int(won.state.loss_rose(self.training.loss)[places].sum()):
            logger.warning(
                "%s: with learning rate %.3g the training loss of %d of %d nets is larger after training than before it. %s",
                title,
                self.learning_rate,
                risen,
                len(places),
                DIVERGENCE_HINT,
            )
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
        for finished, places in self._trained():
            for split in ("train", "validation"):
                for place in places:
                    replica = finished.replicas[place]
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
        for finished, places in self._trained():
            best, diverged = finished.state.best_accuracy(), finished.state.diverged_epoch()
            for place in places:
                replica = finished.replicas[place]
                rows.append(
                    {
                        "seed": replica.seed,
                        "learning_rate": replica.learning_rate,
                        "round": finished.index + 1,
                        "epochs": finished.state.epoch,
                        "chosen": replica.learning_rate == self.learning_rate,
                        "best_epoch": int(finished.state.best_epoch[place]) or None,
                        "validation_accuracy": None if np.isnan(best[place]) else float(best[place]),
                        "diverged_epoch": int(diverged[place]) or None,
                        "objective": self.training.loss,
                    }
                )
        return of_configuration(pl.DataFrame(rows, infer_schema_length=None), self.configuration, REPLICAS.schema())

    def accuracy_table(self) -> pl.DataFrame:
        """Accuracy of the kept nets; see `nodescope.training.tables.ACCURACY`."""
        won, places = self._winners()
        stack = self._kept_nets(won)
        rows = []
        for split, samples in self.dataset.splits.items():
            x, y = on_device(self.dataset, samples, self.device)
            for place in places:
                accuracy = performance(stack, place, x, y).accuracy
                rows.append(
                    {
                        "seed": won.replicas[place].seed,
                        "learning_rate": self.learning_rate if self.training.epochs else None,
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
        x, y = on_device(self.dataset, samples, self.device)
        columns = {"sample": pl.Series(samples, dtype=pl.Int32), "label": pl.Series(y.cpu().numpy(), dtype=pl.Int32)}
        for place in places:
            accuracy = performance(stack, place, x, y).accuracy
            classes = None if np.isnan(accuracy) else predicted_classes(stack, place, x)
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

        def of_state(state: str) -> NetworkStack:
            if state == "initial":
                return self._settled(initialise_stack(self.shape, seeds).tensors())
            if state == "trained":
                return stack_of(self.shape, chosen(won.state.best))
            return self._settled(chosen(self.progress.load_snapshot(won.index, state)))

        return {state: of_seeds(of_state(state)) for state in self.training.states()}

    def _kept_nets(self, won: Round) -> NetworkStack:
        """The round's nets as they were kept; those that are never trained are settled."""
        return stack_of(self.shape, won.state.best) if self.training.epochs else self._settled(won.state.best)

    def _settled(self, tensors: dict[str, torch.Tensor]) -> NetworkStack:
        """Nets that are looked at before they are trained to the end."""
        stack = stack_of(self.shape, {name: tensor.to(self.device) for name, tensor in tensors.items()})
        x, _ = on_device(self.dataset, self.dataset.splits.train, self.device)
        return settled(stack, x)

    def save_networks(self, folder: str | Path) -> None:
        """Write every state of every seed below ``folder``."""
        for state, by_seed in self.networks().items():
            for seed, tensors in by_seed.items():
                save_network(model_path(str(folder), seed, state), self.shape, tensors)
