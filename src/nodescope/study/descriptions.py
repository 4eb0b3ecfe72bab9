"""What is known of the networks of a configuration: where they come from, and their layers. Imports nothing heavy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nodescope.config.study import FamilyStudy, JoinedStudy
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.configuration import Configuration
from nodescope.study.family_configurations import FamilyConfiguration
from nodescope.study.joined_configurations import JoinedConfiguration
from nodescope.study.layout import StudyFiles, description_path
from nodescope.study.shapes import recorded_layers

if TYPE_CHECKING:
    from nodescope.config.study import Study


@dataclass(frozen=True)
class NetworkDescription:
    """The networks of a configuration.

    Attributes
    ----------
    source : {'family', 'module', 'recordings'}
        Where they come from.
    states : tuple of str
        That are recorded of each.
    parameters : int or None
        Of each; None where they are not known.
    layers : tuple of mapping
        Rows of the table ``layers`` (`nodescope.study.dimensions.LAYERS`) without ``configuration``.
    decisions : tuple of str
        What was decided for the user in reading them, a sentence each.
    files : mapping
        Digests of the user's files that they were made from, by path: sources and weights.
    trusted : bool
        Whether files were read that could execute code.
    """

    source: Literal["family", "module", "recordings"]
    states: tuple[str, ...]
    parameters: int | None
    layers: tuple[Mapping[str, Any], ...]
    decisions: tuple[str, ...] = ()
    files: Mapping[str, str] | None = None
    trusted: bool = False

    def write(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: str | Path) -> "NetworkDescription":
        """From the file that `write` wrote.

        Raises
        ------
        DamagedFileError
            If it is damaged.
        """
        found = read_json(path)
        # What `nodescope.record` wrote beside its recordings says more, and no states: more of them may follow.
        known = {field.name: found[field.name] for field in fields(cls) if field.name in found}
        return cls(**known | {name: tuple(found.get(name, ())) for name in ("states", "layers", "decisions")})


def describe(
    study: "Study", configuration: Configuration, files: StudyFiles, input_shape: tuple[int, ...], n_classes: int
) -> NetworkDescription:
    """The networks of a configuration: of the built-in families by arithmetic, of others as they were found.

    Those of joined studies are described by the study that they are from.

    Parameters
    ----------
    input_shape, n_classes
        Of the data set.
    """
    if isinstance(study, JoinedStudy) and isinstance(configuration, JoinedConfiguration):
        part = next(each for each in study.parts if each.name == configuration.study)
        results = files.folder.parent
        data = read_json(description_path(part.dataset, results))
        shape, classes = tuple(data["shape"]), len(data["classes"])
        return describe(part, configuration.original, StudyFiles.of(part.name, results), shape, classes)
    if isinstance(study, FamilyStudy) and isinstance(configuration, FamilyConfiguration):
        return _of_family(study, configuration, input_shape, n_classes)
    return NetworkDescription.read(files.network(configuration.identifier))


def descriptions_of(
    study: "Study",
    configurations: Sequence[Configuration],
    files: StudyFiles,
    input_shape: tuple[int, ...],
    n_classes: int,
) -> dict[str, NetworkDescription]:
    """Those of several configurations by identifier; parameters as of `describe`."""
    return {each.identifier: describe(study, each, files, input_shape, n_classes) for each in configurations}


def _of_family(
    study: FamilyStudy, configuration: FamilyConfiguration, input_shape: tuple[int, ...], n_classes: int
) -> NetworkDescription:
    layers = recorded_layers(study, configuration, input_shape, n_classes)
    rows = tuple(
        {
            "layer": number,
            "name": layer.name,
            "kind": layer.kind,
            "nodes": layer.nodes,
            "positions": math.prod(layer.positions),
            "activation": layer.activation,
            "parameters": layer.parameters,
            "fan_in": layer.fan_in,
        }
        for number, layer in enumerate(layers, start=1)
    )
    return NetworkDescription("family", configuration.states, sum(layer.parameters for layer in layers), rows)
