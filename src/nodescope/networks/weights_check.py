"""Whether the files of weights that a configuration names fit its networks, asked before any job starts.

Snakemake's own process imports no torch: it runs ``python -m nodescope.networks.weights_check``, which reads the
configuration as JSON from its standard input and writes what is wrong, a text each, as JSON to its standard output.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from nodescope.config.dataset import DatasetSource, Npz
from nodescope.config.root import Config
from nodescope.config.study import FamilyStudy
from nodescope.datasets.preparing import current_description
from nodescope.datasets.sources import files_digest, read_labels, read_samples
from nodescope.families import FAMILIES
from nodescope.messages.errors import DatasetError, WeightsError
from nodescope.networks.building import build_network
from nodescope.networks.weights import Shape, fitting_tensors
from nodescope.study.family_configurations import FamilyConfiguration, family_configurations
from nodescope.study.layout import RESULTS, description_path
from nodescope.study.shapes import network_shape

#: Two samples and two numbers of classes that differ in every length: what differs between networks for them depends on
#: the data.
STAND_IN_FEATURES = ((7,), (11,))
STAND_IN_IMAGES = ((5, 20, 24), (6, 32, 40))
STAND_IN_CLASSES = (3, 4)


def problems(config: Config, results: str | Path = RESULTS) -> Iterator[str]:
    """What is wrong with the files of weights of all studies, a text each."""
    for study in config.studies:
        if not isinstance(study, FamilyStudy):
            continue
        checked: dict[str, list[FamilyConfiguration]] = {}
        for configuration in family_configurations(study):
            weights = configuration.network(study).weights
            if weights is not None:
                checked.setdefault(weights, []).append(configuration)
        if not checked:
            continue
        shape, n_classes = _known_of(study.dataset, config, results)
        said = set()
        for weights, configurations in checked.items():
            for configuration in configurations:
                wanted = expected_shapes(study, configuration, shape, n_classes)
                try:
                    fitting_tensors(weights, wanted, is_chain=FAMILIES[configuration.model].is_chain)
                except WeightsError as error:
                    if str(error) not in said:
                        said.add(str(error))
                        yield f"Study '{study.name}', network.weights, {configuration.identifier}: {error}"


def expected_shapes(
    study: FamilyStudy, configuration: FamilyConfiguration, shape: tuple[int, ...] | None, n_classes: int | None
) -> dict[str, Shape]:
    """Names and shapes of a network's tensors; lengths that depend on what is not known of the data are None."""
    takes_images = FAMILIES[configuration.model].takes_images
    stand_ins = STAND_IN_IMAGES if takes_images else STAND_IN_FEATURES
    built = []
    for input_shape, classes in zip(stand_ins, STAND_IN_CLASSES, strict=True):
        known_shape = shape if takes_images or shape is None else (math.prod(shape),)
        with torch.device("meta"):
            network = build_network(
                network_shape(
                    configuration.keys(),
                    configuration.network(study),
                    configuration.initialisation(),
                    input_shape=known_shape or input_shape,
                    n_classes=n_classes or classes,
                )
            )
        built.append({name: tuple(tensor.shape) for name, tensor in network.state_dict().items()})
    return {
        name: tuple(a if a == b else None for a, b in zip(one, built[1][name], strict=True))
        for name, one in built[0].items()
    }


def _known_of(source: DatasetSource, config: Config, results: str | Path) -> tuple[tuple[int, ...] | None, int | None]:
    """Shape of a sample and number of classes, as far as they are known before the data set is prepared."""
    description = current_description(source, description_path(source, results), files_digest(source))
    if description:
        return tuple(description["shape"]), len(description["classes"])
    try:
        if isinstance(source, Npz):
            x, labels = read_samples(source, config.data_root, download=False)
            return x.shape[1:], len(labels.class_names)
        found = read_labels(source, config.data_root, download=False)
    except (DatasetError, OSError):  # said elsewhere, or downloaded later
        found = None
    stated = source.stated_size()
    return stated.shape if stated else None, len(found.class_names) if found else None


def main() -> None:
    """Read the configuration, write what is wrong."""
    config = Config.model_validate_json(sys.stdin.read())
    json.dump(list(problems(config)), sys.stdout)


if __name__ == "__main__":
    main()
