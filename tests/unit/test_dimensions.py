"""The tables of networks and of layers: keys, axes, and numbers that agree with the networks and the other tables."""

import polars as pl
import pytest

from nodescope.config.loading import parse_config
from nodescope.families import FAMILIES
from nodescope.networks import build_network, hidden_layers
from nodescope.storage.tables import write_table
from nodescope.study.axes import Configurations
from nodescope.study.configurations import configurations_of
from nodescope.study.descriptions import descriptions_of
from nodescope.study.dimensions import LAYERS, NETWORKS, layers_table, networks_table
from nodescope.study.layout import StudyFiles
from nodescope.study.shapes import network_shape

INPUT_SHAPE, CLASSES = (1, 8, 8), 10


def a_study(epochs=3, **changes):
    axes = {"depth": [8], "width": [4], "activation": ["relu"], "initialisation": ["kaiming_normal", "orthogonal"]}
    section = {
        "name": "made", "dataset": "digits", "model": ["mlp", "resnet"], "grid": axes, "seeds": [3, 1],
        "training": {"epochs": epochs, "snapshots": [2] if epochs else []},
    }  # fmt: skip
    return parse_config({"studies": [section | changes]}).studies[0]


@pytest.fixture
def files(tmp_path):
    return StudyFiles(tmp_path)


def described(study):
    return descriptions_of(study, configurations_of(study), StudyFiles.of("unused"), INPUT_SHAPE, CLASSES)


def networks_of(study, files):
    return networks_table(Configurations.of(study), described(study), files)


def write_accuracy(study, files):
    """As training writes it; the net of seed 1 has diverged."""
    rate = 0.01 if study.training.epochs else None
    for configuration in configurations_of(study):
        rows = [
            {"seed": seed, "learning_rate": rate, "best_epoch": 2 if seed == 3 else None, "split": split,
             "accuracy": accuracy if seed == 3 else None}
            for split, accuracy in (("train", 1.0), ("validation", 0.75), ("test", 0.5))
            for seed in study.seeds
        ]  # fmt: skip
        frame = pl.DataFrame(rows, infer_schema_length=None).cast({"best_epoch": pl.Int32, "learning_rate": pl.Float64})
        write_table(frame, files.table_of("accuracy", configuration.identifier))


def test_each_configuration_and_seed_is_a_row_with_its_axes(files):
    study = a_study()
    write_accuracy(study, files)
    found = networks_of(study, files)
    assert found.columns == [
        "configuration", "dataset", "model", "depth", "width", "activation", "batch_norm", "initialisation", *NETWORKS.schema(),
    ]  # fmt: skip
    assert found["configuration"].to_list() == [c.identifier for c in configurations_of(study) for _ in study.seeds]
    assert found["seed"].to_list() == [3, 1] * 4
    kept, diverged = found.rows(named=True)[:2]
    assert kept["states"] == ["initial", "epoch-2", "trained"]
    assert (kept["source"], kept["learning_rate"], kept["best_epoch"]) == ("family", 0.01, 2)
    assert (kept["train_accuracy"], kept["validation_accuracy"], kept["test_accuracy"]) == (1.0, 0.75, 0.5)
    assert diverged["test_accuracy"] is None and diverged["best_epoch"] is None


def test_a_network_that_is_not_trained_has_no_learning_rate(files):
    study = a_study(epochs=0)
    write_accuracy(study, files)
    found = networks_of(study, files)
    assert found["learning_rate"].null_count() == found.height
    assert found["states"].to_list()[0] == ["initial"]


def test_layers_are_those_of_the_networks_and_add_up_to_their_parameters(files):
    study = a_study()
    write_accuracy(study, files)
    layers = layers_table(described(study))
    assert dict(layers.schema) == LAYERS.schema()
    networks = networks_of(study, files)
    for configuration in configurations_of(study):
        of_configuration = pl.col("configuration") == configuration.identifier
        shape = network_shape(
            configuration.keys(),
            study.network,
            configuration.initialisation(),
            input_shape=INPUT_SHAPE,
            n_classes=CLASSES,
        )
        network = build_network(shape)
        names = [*hidden_layers(network), FAMILIES[shape.model].layers(shape)[-1].name]
        found = layers.filter(of_configuration)
        assert found["name"].to_list() == names
        assert found["layer"].to_list() == list(range(1, len(names) + 1))
        parameters = sum(p.numel() for p in network.parameters())
        assert found["parameters"].sum() == parameters
        assert networks.filter(of_configuration)["parameters"].unique().to_list() == [parameters]


def test_the_first_layers_of_a_small_network_are_known_by_hand():
    study = a_study(model=["mlp"], grid={"depth": [1], "width": [4], "activation": ["tanh"]})
    assert layers_table(described(study)).rows() == [
        ("tanh-1x4", 1, "hidden.0", "linear", 4, 1, "tanh", 64 * 4 + 4, 64),
        ("tanh-1x4", 2, "output", "linear", 10, 1, "identity", 40, 4),
    ]


def test_tables_of_some_configurations_have_no_others(files):
    study = a_study()
    write_accuracy(study, files)
    one = configurations_of(study)[0].identifier
    of_one = {one: described(study)[one]}
    for found in (networks_table(Configurations.of(study), of_one, files), layers_table(of_one)):
        assert found["configuration"].unique().to_list() == [one]
