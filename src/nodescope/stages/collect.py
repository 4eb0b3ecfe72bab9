"""Put the tables of all configurations of a study together."""

from collections.abc import Sequence
from pathlib import Path

from nodescope.config.study import Study
from nodescope.estimates.suggestions import resource_table
from nodescope.storage.json_files import read_json, write_json
from nodescope.storage.tables import classes_table, write_table
from nodescope.study.axes import Configurations
from nodescope.study.collection import collect_tables
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import CLASSES_TABLE, measured_tables
from nodescope.study.descriptions import descriptions_of
from nodescope.study.dimensions import layers_table, networks_table
from nodescope.study.layout import StudyFiles


def collect(study: Study, description: str | Path, files: StudyFiles, identifiers: Sequence[str] | None = None) -> None:
    """Write the collected tables of a study, its configurations, networks and layers, what its jobs took, and its settings.

    Parameters
    ----------
    description
        Of the prepared data set.
    files
        Where the tables of the configurations lie, and where the collected ones go.
    identifiers
        The configurations that are there; all by default.
    """
    configurations = Configurations.of(study)
    configurations.write(files.configurations)
    write_json(files.settings, study.model_dump(mode="json"))
    write_table(resource_table(study, files), files.resources(), files.resources("csv"))
    dataset = read_json(description)
    classes = classes_table(study.dataset.name, dataset["classes"])
    write_table(classes, files.table(CLASSES_TABLE), files.table(CLASSES_TABLE, "csv"))
    there = configurations if identifiers is None else configurations.only(identifiers)
    of_those = [each for each in configurations_of(study) if each.identifier in there.keys]
    descriptions = descriptions_of(study, of_those, files, tuple(dataset["shape"]), len(dataset["classes"]))
    write_table(networks_table(there, descriptions, files), files.networks(), files.networks("csv"))
    write_table(layers_table(descriptions), files.layers(), files.layers("csv"))
    collect_tables(measured_tables(study), there, files, study.analyses)
