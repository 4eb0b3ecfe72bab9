"""Look at the networks of the user's own before any job starts: do they build, do their checkpoints fit, which layers are there?

Snakemake's own process imports no torch: it runs ``python -m nodescope.networks.brought.look``, which reads from its standard
input what to look at, writes a JSON for each configuration, and what is wrong, a text each, as JSON to its standard output.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nodescope.config.dataset import OwnFunction
from nodescope.config.module import Module
from nodescope.config.root import Config
from nodescope.config.study import ModuleStudy
from nodescope.datasets import PreparedDataset, load
from nodescope.datasets.preparing import READ_IN_A_MOMENT, current_description, examine
from nodescope.datasets.sizes import data_size
from nodescope.datasets.sources import files_digest
from nodescope.datasets.splits import Splits
from nodescope.jobs.own_functions import last_line, load_function, own_code
from nodescope.messages.errors import NetworkError, NodescopeError, WeightsError
from nodescope.messages.words import counted
from nodescope.networks.brought.building import build, check_weights
from nodescope.networks.brought.loading import module_inputs
from nodescope.networks.found_layers import FoundLayer, find_layers, run
from nodescope.storage.json_files import write_json
from nodescope.study.brought_configurations import ModuleConfiguration, module_configurations
from nodescope.study.layout import RESULTS, StudyFiles, description_path, prepared_path

#: Samples that a network is run with.
SAMPLES = 2
#: Checkpoints that do not fit and are named for one configuration.
NAMED = 5


def look(config: Config, keys: Mapping[str, Mapping[str, str]], results: str | Path = RESULTS) -> Iterator[str]:
    """Look at configurations, write what was found to `nodescope.study.layout.StudyFiles.look`, and give what is wrong.

    Parameters
    ----------
    keys
        By study and configuration: what was found is valid for as long as this text stays the same.
    """
    said: set[str] = set()
    for study in config.studies:
        if not isinstance(study, ModuleStudy) or study.name not in keys:
            continue
        try:
            data = _samples(study, config, results)
        except NodescopeError as error:
            yield str(error)
            continue
        for configuration in module_configurations(study):
            key = keys[study.name].get(configuration.identifier)
            if key is None:
                continue
            try:
                found = look_at(study, configuration, data)
            except NodescopeError as error:
                if str(error) not in said:
                    said.add(str(error))
                    yield f"Study '{study.name}', module, {configuration.identifier}: {error}"
                continue
            path = StudyFiles.of(study.name, results).look(configuration.identifier)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, {"key": key, **found})


def _samples(study: ModuleStudy, config: Config, results: str | Path) -> PreparedDataset:
    """The data set; where it is not prepared yet, read anew if that is quick, else black images of its size."""
    source = study.dataset
    if current_description(source, description_path(source, results), files_digest(source)):
        return load(prepared_path(source, results))
    if isinstance(source, (*READ_IN_A_MOMENT, OwnFunction)):
        return examine(source, config.data_root, download=config.download).dataset
    size = data_size(source, description_path(source, results))
    samples, nothing = np.arange(SAMPLES), np.arange(0)
    x = np.zeros((SAMPLES, *size.shape), np.uint8)
    names = [str(number) for number in range(size.classes)]
    return PreparedDataset(x, np.zeros(SAMPLES, np.int64), Splits(samples, nothing, nothing), names)


def look_at(study: ModuleStudy, configuration: ModuleConfiguration, data: PreparedDataset) -> dict[str, Any]:
    """Build a network, hold all checkpoints against it, and run it on two samples.

    Returns
    -------
    dict
        ``layers`` with name, kind, nodes, positions and activation, the output among them where it is one value per node;
        ``parameters``, ``multiply_adds`` and ``seconds`` of one sample, ``decisions``.

    Raises
    ------
    NodescopeError
        If it cannot be built, a checkpoint does not fit, or a layer that is asked for is not there.
    """
    network, decisions = build(study.module, dict(configuration.axes), seed=configuration.seeds[0])
    decisions += _of_checkpoints(network, configuration, study.module)
    if data.extras.position_labels is not None and study.positions != "rows":
        raise NetworkError(
            f"the labels of data set '{study.dataset.name}' are of positions, so each position has to be recorded. Hint: "
            "positions: rows"
        )
    inputs, _ = module_inputs(study.module, data)(data.splits.train[:SAMPLES].astype(np.int64))
    counter = FlopCounterMode(display=False)
    # What the network imports while it runs is looked up in the user's folder.
    with own_code(load_function(study.module.make).place), torch.no_grad():
        with _taking(study.dataset.name, inputs):
            layers = find_layers(network, inputs, study.layers, axis=study.module.axis)
        with counter:
            output = run(network, inputs)
        started = time.perf_counter()
        run(network, inputs)
        seconds = (time.perf_counter() - started) / SAMPLES
    rows = [_row(layer) for layer in layers]
    if isinstance(output, torch.Tensor) and output.ndim == 2:
        rows.append(
            {"name": "output", "kind": "output", "nodes": output.shape[1], "positions": 0, "activation": "identity"}
        )
    return {
        "layers": rows,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": counter.get_total_flops() / 2 / SAMPLES,
        "seconds": seconds,
        "decisions": list(decisions),
    }


def _of_checkpoints(network: nn.Module, configuration: ModuleConfiguration, module: Module) -> tuple[str, ...]:
    """What was decided about the checkpoints of a configuration, each sentence once.

    Raises
    ------
    WeightsError
        That names all that cannot be read or do not fit.
    """
    decisions: dict[str, None] = {}
    misfits = []
    for path in configuration.checkpoints.values():
        try:
            decisions |= dict.fromkeys(check_weights(network, path, module))
        except WeightsError as error:
            misfits.append(str(error))
    if misfits:
        more = f"\nand {counted(len(misfits) - NAMED, 'more checkpoint')}" if len(misfits) > NAMED else ""
        raise WeightsError("\n".join(misfits[:NAMED]) + more)
    return tuple(decisions)


@contextmanager
def _taking(dataset: str, inputs: Any) -> Iterator[None]:
    """Say of a network that cannot take its samples what it was given."""
    try:
        yield
    except NodescopeError:
        raise
    except Exception as error:  # of the user's code
        raise NetworkError(
            f"the network cannot take the samples of data set '{dataset}', {_shapes(inputs)}: "
            f"{last_line(error)}. Hint: preprocess names a function that turns them into what it takes"
        ) from error


def _shapes(inputs: Any) -> str:
    if isinstance(inputs, torch.Tensor):
        return f"a tensor {tuple(inputs.shape)}"
    if isinstance(inputs, Mapping):
        return "a dict of " + ", ".join(f"{name} {tuple(value.shape)}" for name, value in inputs.items())
    return "a tuple of " + ", ".join(str(tuple(value.shape)) for value in inputs)


def _row(layer: FoundLayer) -> dict[str, Any]:
    positions = 0 if layer.positions == 1 and layer.node_axis == 1 else layer.positions
    return {
        "name": layer.name,
        "kind": layer.kind,
        "nodes": layer.nodes,
        "positions": positions,
        "activation": layer.activation,
    }


@contextmanager
def _prints_to_stderr() -> Iterator[None]:
    """What the user's code prints, in whatever language, is no part of the list of problems."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(own, 1)
        os.close(own)


def main() -> None:
    """Read what to look at, write what is wrong."""
    given = json.loads(sys.stdin.read())
    with _prints_to_stderr():
        problems = list(look(Config.model_validate(given["config"]), given["keys"], given["results"]))
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
