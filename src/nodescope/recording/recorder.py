"""Run a network over samples and write what every node does.

The built-in families are one case of it: their hidden layers are modules of activation functions like those of any network.

Memory: a batch, and what `nodescope.recording.scratch` keeps of all layers; never all values of a layer.
Dimension letters: B batch, J node, N sample, P position.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.config.layer_patterns import ACTIVATIONS, Selection
from nodescope.datasets import PreparedDataset
from nodescope.messages.errors import NetworkError
from nodescope.networks import load_network
from nodescope.networks.found_layers import FoundLayer, chosen_layers, decisions, layer_of, number_of_samples, run
from nodescope.networks.hooks import hooked
from nodescope.networks.outputs import first_tensor
from nodescope.networks.surveying import Seen, Survey
from nodescope.networks.unwrapping import unwrapped
from nodescope.networks.watching import Watch
from nodescope.recording.allocator import give_back_freed_memory, keep_freed_memory
from nodescope.recording.collecting import Batch, LayerCollector, Order, Positions
from nodescope.recording.scratch import Scratch
from nodescope.study.layout import activation_path, model_path

logger = logging.getLogger(__name__)

#: Of a batch: the samples and the pre-activations of all layers, so that little memory is taken and what one layer hands
#: to the next stays near a core (docs/performance.md); and the most samples, which fully connected networks reach.
BATCH_BYTES = 32_000_000
LARGEST_BATCH = 512
#: PyTorch convolves fewer samples than these by NNPACK, which takes twice as long here; taken where the largest layer of so
#: many stays below a limit.
FEW_SAMPLES = 16
FEW_SAMPLES_BYTES = 128_000_000

#: Samples that a network is looked at with.
LOOKED_AT = 4

OUTPUT = "output"

#: From indices of samples to what a network takes, and which positions count [B, T]; None where all do.
Inputs = Callable[[NDArray[np.int64]], tuple[Any, NDArray[np.bool_] | None]]


@dataclass(frozen=True)
class Recorded:
    """What was recorded of a network.

    Attributes
    ----------
    layers : list of FoundLayer
        In the order of ``layer-1.parquet`` ...
    has_output : bool
        Whether there is ``output.parquet``: the network gives one value per node for each sample.
    output_parameters : int
        Parameters of the network that are used after its last recorded layer.
    decisions : list of str
        What was decided for the user, a sentence each.
    output_nodes : int
        Nodes of the output, where there is one.
    """

    layers: list[FoundLayer]
    has_output: bool
    output_parameters: int
    decisions: list[str]
    output_nodes: int = 0

    def rows(self) -> list[dict[str, Any]]:
        """The layers, the output last, as rows of the table ``layers`` without ``configuration``."""
        found: list[dict[str, Any]] = [
            {
                "name": layer.name,
                "kind": layer.kind,
                "nodes": layer.nodes,
                "positions": layer.positions,
                "activation": layer.activation,
                "parameters": layer.n_parameters,
                "fan_in": layer.fan_in,
                "values": layer.values,
            }
            for layer in self.layers
        ]
        if self.has_output:
            of_output: dict[str, Any] = {"name": OUTPUT, "kind": OUTPUT, "nodes": self.output_nodes, "positions": 1}
            of_output |= {"activation": "identity", "parameters": self.output_parameters, "fan_in": None}
            found.append(of_output | {"values": "output"})
        return [{"layer": number, **row} for number, row in enumerate(found, start=1)]


class Recorder:
    """Records the layers of a network from batches, in one state and split.

    Batches come in any order and of any sizes; layers are found in the first one.

    Parameters
    ----------
    network : nn.Module
        Run as it is: evaluation or training, and gradients, are the caller's.
    folder
        Gets ``layer-1.parquet`` ... and ``output.parquet``.
    dataset : str
        Name of the data.
    layers
        See `nodescope.config.layer_patterns`.
    positions : {'summary', 'rows', 'last'}
        Of layers with positions: a summary of them, each as a row of its own, or of tokens the last one.
    positions_per_sample : int or None
        With ``rows``: as many of each sample at most, chosen by a seed.
    theta_threshold
        In a summary, positions are counted as on where the value exceeds this.
    n_samples : int or None
        N, if it is known.
    axis : int or None
        The node axis of tensors with positions; found by default.
    """

    def __init__(
        self,
        network: nn.Module,
        folder: str | PurePath,
        *,
        dataset: str,
        layers: str | Sequence[str] = ACTIVATIONS,
        positions: Positions = "summary",
        positions_per_sample: int | None = None,
        theta_threshold: float = 0.0,
        n_samples: int | None = None,
        axis: int | None = None,
    ) -> None:
        self._network = unwrapped(network)
        self._folder = Path(folder)
        self._dataset = dataset
        self._selection = Selection(layers)
        self._axis = axis
        self._options: dict[str, Any] = {
            "positions": positions,
            "per_sample": positions_per_sample,
            "theta_threshold": theta_threshold,
            "n_samples": n_samples,
        }
        self._scratch = Scratch(self._folder)
        self._watch: Watch | None = None
        self._hooks = ExitStack()
        self._collectors: list[LayerCollector] = []
        self._output: LayerCollector | None = None
        self._has_output = False
        self._given: tuple[Any, Any, Any] = (None, None, None)
        self._batch: Batch | None = None
        self._samples: list[NDArray[np.int64]] = []
        self._labels: list[NDArray[Any]] = []
        self._recorded: Recorded | None = None
        keep_freed_memory()

    @property
    def n_samples(self) -> int:
        """Samples that were seen."""
        return sum(map(len, self._samples))

    @property
    def n_batches(self) -> int:
        """Batches that were recorded."""
        return len(self._samples)

    @property
    def samples(self) -> NDArray[np.int64]:
        """What the samples are called, in the order in which they were seen [N]."""
        return np.concatenate(self._samples)

    @property
    def labels(self) -> NDArray[Any] | None:
        """The labels as they were given, in the same order; None if no batch had any.

        Raises
        ------
        NetworkError
            If some batches had labels and others had none.
        """
        if not self._labels:
            return None
        if len(self._labels) != len(self._samples):
            raise NetworkError(
                f"{len(self._labels)} of {len(self._samples)} batches have labels. Hint: give them to all or none"
            )
        return np.concatenate(self._labels)

    @property
    def output_nodes(self) -> int | None:
        """Nodes of the network's output, where it is recorded."""
        return self._output.layer.nodes if self._output is not None and self._has_output else None

    def find(self, inputs: Any) -> list[FoundLayer]:
        """Find the layers beforehand, by running the network once on some samples; they are not recorded."""
        survey = self._survey(number_of_samples(inputs), lambda seen, z, a: None)
        with survey.watching(), self._seeing_output(is_recorded=False):
            run(self._network, inputs)
        self._found(survey)
        assert self._recorded is not None
        return self._recorded.layers

    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of one sample in each layer and the output, (J,) or (J, P)."""
        known = [collector.layer for collector in (*self._collectors, *([self._output] if self._output else []))]
        return [(layer.nodes,) if layer.positions == 1 else (layer.nodes, layer.positions) for layer in known]

    def run(
        self,
        inputs: Any,
        labels: NDArray[Any] | None = None,
        mask: NDArray[np.bool_] | None = None,
        samples: NDArray[np.int64] | None = None,
    ) -> Any:
        """Run the network on a batch, and record it.

        Parameters
        ----------
        inputs
            What the network takes: a tensor, a tuple of arguments or a dict of keywords.
        labels : array [B] or None
        mask : array [B, T] or None
            Which positions count in layers that have as many.
        samples : array [B] or None
            Indices of the samples; by default they are numbered as they come.

        Returns
        -------
        object
            What the network gives.
        """
        with self.batch(number_of_samples(inputs), labels, mask, samples):
            return run(self._network, inputs)

    @contextmanager
    def batch(
        self,
        n_samples: int | None,
        labels: NDArray[Any] | None = None,
        mask: NDArray[np.bool_] | None = None,
        samples: NDArray[np.int64] | None = None,
    ) -> Iterator[None]:
        """Record the forward pass that the caller runs within; parameters as of `run`.

        Parameters
        ----------
        n_samples
            B; None if only the forward pass tells.

        Raises
        ------
        NetworkError
            If layers differ from those of the first batch, or labels or mask from the batch.
        """
        self._given = (labels, mask, samples)
        self._batch = None
        if n_samples is not None:
            self._see_samples(n_samples)
        if self._watch is None:
            with self._first_batch(n_samples):
                yield
        else:
            self._watch.restart()
            if not self._watch.is_attached:
                self._hooks.enter_context(self._watch.attached())
            with self._seeing_output():
                yield
            self._watch.check()
        if self._batch is None:
            raise NetworkError(self._nothing_ran())
        self._samples.append(self._batch.samples)
        if labels is not None:
            self._labels.append(np.asarray(labels))

    def _nothing_ran(self) -> str:
        return f"No layer was seen in batch {self.n_batches + 1}: its forward pass did not run the network"

    def _see_samples(self, n_samples: int) -> None:
        """Learn how many samples the batch has."""
        number = self.n_batches + 1
        for name, values in zip(("labels", "mask", "samples"), self._given, strict=True):
            if values is not None and len(values) != n_samples:
                raise NetworkError(
                    f"The {name} of batch {number} are of {len(values)} samples, the batch has {n_samples}"
                )
        _, mask, samples = self._given
        begin = self.n_samples
        names = np.arange(begin, begin + n_samples) if samples is None else np.asarray(samples, np.int64)
        self._batch = Batch(number, mask, names)

    def _add(self, collector: LayerCollector, z: torch.Tensor, a: torch.Tensor) -> None:
        if self._batch is None:
            self._see_samples(len(z))
        assert self._batch is not None  # as it was just made
        collector.add(z, a, self._batch)

    def finish(self, class_names: Sequence[str] = (), labels: NDArray[Any] | None = None) -> Recorded:
        """Write all files, the samples sorted by label.

        Parameters
        ----------
        class_names
            All classes; empty where the samples have none.
        labels : array [N] or None
            Indices of the classes, where the labels of the batches are something else.
        """
        assert self._recorded is not None  # there was a batch
        own = self.labels if labels is None else labels
        order = self._order(own.astype(np.int32) if class_names and own is not None else None)
        for number, collector in enumerate(self._collectors, start=1):
            layer = f"layer-{number}"
            self._write(collector, layer, order, class_names, collector.layer.name)
        self._has_output = self._has_output and self._output is not None and self._output.n_seen == self.n_samples
        if self._output is not None and self._has_output:
            self._write(self._output, OUTPUT, order, class_names, OUTPUT)
        self.close()
        return replace(self._recorded, has_output=self._has_output, output_nodes=self.output_nodes or 0)

    def close(self) -> None:
        """Take the hooks off the network, and give back what was kept."""
        self._hooks.close()
        self._scratch.close()
        give_back_freed_memory()

    def _write(
        self, collector: LayerCollector, layer: str, order: Order, class_names: Sequence[str], name: str
    ) -> None:
        collector.write(
            self._folder / f"{layer}.parquet",
            order,
            dataset=self._dataset,
            layer=layer,
            class_names=class_names,
            name=name,
        )

    def _order(self, labels: NDArray[np.int32] | None) -> Order:
        samples = self.samples.astype(np.int32)
        places = np.argsort(samples, kind="stable") if labels is None else np.lexsort((samples, labels))
        if (places == np.arange(len(samples))).all():
            return Order(None, labels, samples)
        return Order(places, None if labels is None else labels[places], samples[places])

    def _survey(self, n_samples: int | None, look: Callable[[Seen, torch.Tensor, torch.Tensor], None]) -> Survey:
        return Survey(self._network, self._selection, n_samples, self._axis, look)

    @contextmanager
    def _first_batch(self, n_samples: int | None) -> Iterator[None]:
        """Find the layers in a batch that is recorded."""
        collectors: dict[int, LayerCollector] = {}

        def look(seen: Seen, z: torch.Tensor, a: torch.Tensor) -> None:
            own = self._collector(layer_of(survey, seen, 0))
            self._add(own, z, a)
            collectors[id(seen)] = own

        survey = self._survey(n_samples, look)
        with survey.watching(), self._seeing_output():
            yield
        if not survey.calls:
            raise NetworkError(self._nothing_ran())
        self._found(survey, collectors)

    def _found(self, survey: Survey, collectors: dict[int, LayerCollector] | None = None) -> None:
        layers, numbers = chosen_layers(survey, self._selection)
        made = [self._collector(layer) for layer in layers]
        if collectors is not None:
            made = [collectors[id(survey.calls[number])] for number in numbers]
            for collector, layer in zip(made, layers, strict=True):
                collector.layer = layer
        self._collectors = made
        self._watch = Watch(
            self._network,
            layers,
            lambda number, z, a: self._add(self._collectors[number], z, a),
            {number for number, collector in enumerate(made) if collector.needs_inputs_only},
        )
        total = sum(parameter.numel() for parameter in self._network.parameters())
        rest = total - sum(layer.n_parameters for layer in layers)
        self._recorded = Recorded(layers, False, rest, decisions(survey, self._selection))

    def _collector(self, layer: FoundLayer) -> LayerCollector:
        return LayerCollector(layer, self._scratch, **self._options)

    @contextmanager
    def _seeing_output(self, *, is_recorded: bool = True) -> Iterator[None]:
        """Keep what the network itself gives, if that is one row of numbers for each sample."""

        def see(module: nn.Module, args: Any, output: Any) -> None:
            values = first_tensor(output)
            if values is None or values.ndim != 2 or not values.is_floating_point():
                self._has_output = False
                return
            if self._output is None:
                self._has_output = True
                layer = FoundLayer(
                    OUTPUT, type(module).__name__, "pre_activation", "identity", {}, values.shape[1], 1, 1
                )
                self._output = self._collector(layer)
            is_of_samples = self._batch is None or len(values) == len(self._batch.samples)
            self._has_output = self._has_output and is_of_samples
            if self._has_output and is_recorded:
                self._add(self._output, values.detach(), values.detach())

        with hooked([self._network.register_forward_hook(see)]):
            yield


def record_configuration(
    models_folder: str | Path,
    activations_folder: str | Path,
    dataset: PreparedDataset,
    dataset_name: str,
    seeds: list[int],
    states: list[str],
    *,
    layers: str | Sequence[str] = ACTIVATIONS,
    positions: Positions,
    positions_per_sample: int | None = None,
    random_inputs: int,
    theta_threshold: float = 0.0,
) -> None:
    """Record every state of every seed on every split; paths as in `nodescope.study.layout.activation_path`.

    Parameters
    ----------
    layers, positions_per_sample
        As of `Recorder`.
    positions : {'summary', 'rows'}
        Of a convolution, whose nodes are its channels: a summary over the positions (see `nodescope.recording`), or each
        position as a row of its own.
    random_inputs
        Samples of the further split ``random``; 0 for none.
    theta_threshold
        In a summary, positions are counted as on where the pre-activation exceeds this.
    """
    splits = dict(dataset.splits.items())
    if random_inputs:
        dataset, splits["random"] = dataset.with_random_inputs(random_inputs)
    for seed in seeds:
        for state in states:
            network = load_network(model_path(str(models_folder), seed, state))
            for split, indices in splits.items():
                samples = indices[np.argsort(dataset.labels(indices), kind="stable")]
                path = activation_path(str(activations_folder), seed, state, split, OUTPUT)
                record_network(
                    network,
                    dataset,
                    dataset_name,
                    samples,
                    path.parent,
                    positions,
                    theta_threshold,
                    layers=layers,
                    positions_per_sample=positions_per_sample,
                )
            logger.info("recorded seed %d, %s", seed, state)


@torch.inference_mode()
def record_network(
    network: nn.Module,
    dataset: PreparedDataset,
    dataset_name: str,
    samples: NDArray[np.int64],
    folder: str | PurePath,
    positions: Positions,
    theta_threshold: float = 0.0,
    *,
    layers: str | Sequence[str] = ACTIVATIONS,
    positions_per_sample: int | None = None,
    inputs: Inputs | None = None,
    axis: int | None = None,
) -> Recorded:
    """Record the layers and the output of one network on the given samples, which are sorted by label.

    Parameters
    ----------
    network
        Run as it is: call ``eval()`` before.
    inputs
        From indices of samples to what the network takes; by default `PreparedDataset.inputs`.
    layers, positions, positions_per_sample, theta_threshold, axis
        As of `Recorder`.
    """

    def flat(indices: NDArray[np.int64]) -> tuple[torch.Tensor, None]:
        return torch.from_numpy(dataset.inputs(indices)), None

    take = inputs or flat
    recorder = Recorder(
        network,
        folder,
        dataset=dataset_name,
        layers=layers,
        positions=positions,
        positions_per_sample=positions_per_sample,
        theta_threshold=theta_threshold,
        n_samples=len(samples),
        axis=axis,
    )
    try:
        first, _ = take(samples[:LOOKED_AT])
        recorder.find(first)
        tensor = first_tensor(first)
        assert tensor is not None  # otherwise nothing was found
        size = batch_size(recorder.shapes(), math.prod(tensor.shape[1:]))
        for begin in range(0, max(1, len(samples)), size):
            own = samples[begin : begin + size]
            given, mask = take(own)
            recorder.run(given, dataset.labels(own), mask, own)
        return recorder.finish(dataset.class_names)
    finally:
        recorder.close()


def batch_size(shapes: list[tuple[int, ...]], inputs: int) -> int:
    """Samples that run through a network together, from the shapes of its layers and the values of one sample.

    It depends on nothing else, so that a network's values are the same to the last bit wherever it is recorded.
    """
    values = list(map(math.prod, shapes))
    fitting = BATCH_BYTES // (4 * (inputs + sum(values)))
    if fitting < FEW_SAMPLES and 4 * FEW_SAMPLES * max(inputs, *values) <= FEW_SAMPLES_BYTES:
        return FEW_SAMPLES
    return max(1, min(LARGEST_BATCH, fitting))
