"""Record what every node of a network of the user's own does for every sample."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.module import Module
from nodescope.datasets import load
from nodescope.jobs.devices import training_device
from nodescope.jobs.own_functions import load_function, own_code
from nodescope.networks.brought.loading import module_inputs, network_of
from nodescope.recording import LayerActivations
from nodescope.recording.collecting import Positions
from nodescope.recording.recorder import Recorded, record_network
from nodescope.recording.token_labels import label_positions, of_valid_positions
from nodescope.stages.describe import write_found
from nodescope.stages.network_tables import output_of, performances, test_predictions
from nodescope.storage.digests import digest
from nodescope.study.descriptions import NetworkDescription

logger = logging.getLogger(__name__)


def record_module(
    dataset: str | Path,
    checkpoint: str | Path | None,
    outputs: Mapping[str, str | Path],
    *,
    seed: int,
    state: str,
    dataset_name: str,
    module: Mapping[str, Any],
    axes: Mapping[str, Any],
    epoch: int | None,
    layers: Sequence[str],
    positions: Positions,
    positions_per_sample: int | None,
    random_inputs: int,
    theta_threshold: float,
    sources: Sequence[str | Path] = (),
    device: str = "cpu",
) -> None:
    """Build a network, load its weights, run it over all samples.

    Parameters
    ----------
    dataset
        The prepared data set.
    checkpoint
        Its weights; None for the network as it is built.
    outputs
        Paths: the folder ``activations``, which gets a folder for each split, and the JSON ``found``.
    dataset_name
        Of the data set.
    module
        The section ``module`` of the study.
    axes
        The values of the axes of the configuration.
    epoch
        After which the state is, where that is known.
    layers, positions, positions_per_sample, theta_threshold
        As of `nodescope.recording.recorder.Recorder`.
    random_inputs
        Samples of the further split ``random``; 0 for none.
    sources
        The user's source files, for the record.
    """
    section = Module.model_validate(module)
    data = load(dataset)
    splits = dict(data.splits.items())
    if random_inputs:
        data, splits["random"] = data.with_random_inputs(random_inputs)
    tokens, names = data.extras.position_labels, data.class_names
    if tokens is not None:  # the samples themselves have no classes
        data = replace(data, class_names=[], extras=replace(data.extras, position_labels=None))
    network, decisions = network_of(section, axes, seed, checkpoint)
    for sentence in decisions:
        logger.info("%s", sentence)
    folder = Path(outputs["activations"])
    recorded: Recorded | None = None
    # What the network imports while it runs is looked up in the user's folder.
    with training_device(device) as used, own_code(load_function(section.make).place):
        network.to(used)
        inputs = module_inputs(section, data, used)
        for split, indices in splits.items():
            samples = indices[np.argsort(data.labels(indices), kind="stable")]
            if not len(samples):
                continue
            recorded = record_network(
                network,
                data,
                dataset_name,
                samples,
                folder / split,
                positions,
                theta_threshold,
                layers=layers,
                positions_per_sample=positions_per_sample,
                inputs=inputs,
                axis=section.axis,
            )
            if tokens is not None:
                _, mask = inputs(samples)
                own = np.full(tokens.shape, -1)
                own[samples] = of_valid_positions(tokens[samples], mask)
                decisions += tuple(_labelled(folder / split, own, names, recorded))
            logger.info("recorded %s", split)
    assert recorded is not None  # the training split has samples
    # The folder is that of one state, which paths of recordings have below that of the seed.
    whole = folder.parent.parent
    files = [*sources, *([checkpoint] if checkpoint else [])]
    description = NetworkDescription(
        source="module",
        states=(state,),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        layers=tuple(_rows(recorded, output_of(whole, seed, state, "train"))),
        decisions=(*decisions, *recorded.decisions),
        files={str(path): digest(path) for path in files if Path(path).is_file()},
        trusted=section.trust,
    )
    found = performances(whole, seed, state, [split for split, _ in data.splits.items()], epoch)
    write_found(outputs["found"], description, found, test_predictions(whole, seed, state))


def _labelled(
    folder: Path, labels_NT: NDArray[np.int64], class_names: Sequence[str], recorded: Recorded
) -> Iterator[str]:
    """Give the positions of each layer the labels that they have; layers without positions are left out, with a word."""
    for number, layer in enumerate(recorded.layers, start=1):
        path = folder / f"layer-{number}.parquet"
        if not label_positions(path, labels_NT, class_names):
            path.unlink()
            yield f"The labels are of positions, which {layer.name} has none of: it is not recorded"


def _rows(recorded: Recorded, output: LayerActivations | None) -> list[dict[str, Any]]:
    """Rows of the table ``layers``; ``output`` is the recorded output of the network, where there is one."""
    rows = [
        {
            "layer": number,
            "name": layer.name,
            "kind": layer.kind,
            "nodes": layer.nodes,
            "positions": layer.positions,
            "activation": layer.activation,
            "parameters": layer.n_parameters,
            "fan_in": layer.fan_in,
        }
        for number, layer in enumerate(recorded.layers, start=1)
    ]
    if recorded.has_output and output is not None:
        rows.append(
            {
                "layer": len(rows) + 1,
                "name": "output",
                "kind": "output",
                "nodes": output.n_nodes,
                "positions": 1,
                "activation": "identity",
                "parameters": recorded.output_parameters,
                "fan_in": None,
            }
        )
    return rows
