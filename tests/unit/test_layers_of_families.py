"""Families of which some layers are recorded only."""

import copy

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nodescope
from nodescope.messages.errors import ConfigError
from nodescope.study.configurations import configurations_of
from nodescope.study.layout import StudyFiles
from nodescope.study.shapes import layers_of, recorded_layers
from nodescope.workflow import Workflow

STUDY = {
    "name": "some",
    "dataset": "digits",
    "grid": {"depth": 3, "width": 5, "activation": "prelu", "batch_norm": True},
    "seeds": [0],
    "training": {"epochs": 1, "learning_rates": [0.01], "refinement_rounds": 0},
}


def config(**changes):
    return {"download": False, "studies": [copy.deepcopy(STUDY) | changes]}


def found(layers, **changes):
    (study,) = Workflow(config(layers=layers, **changes)).config.studies
    (configuration,) = configurations_of(study)
    shape = (1, 8, 8)
    return recorded_layers(study, configuration, shape, 10), layers_of(study, configuration, shape, 10)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["activations"], [0, 1, 2]),
        (["hidden.1"], [1]),
        (["hidden.*", "!hidden.1"], [0, 2]),
        (["!hidden.0"], [1, 2]),
    ],
)
def test_patterns_choose_layers_whose_parameters_still_add_up(layers, expected):
    chosen, whole = found(layers)
    assert [layer.name for layer in chosen] == [*(f"hidden.{place}" for place in expected), whole[-1].name]
    assert sum(layer.parameters for layer in chosen) == sum(layer.parameters for layer in whole)
    assert [layer.nodes for layer in chosen] == [whole[place].nodes for place in (*expected, -1)]
    assert [layer.fan_in for layer in chosen] == [whole[place].fan_in for place in (*expected, -1)]


def test_a_pattern_that_fits_nothing_is_refused_before_any_job_with_what_there_is():
    for layers, expected in (
        (["hiden.1"], r"hiden\.1 fits no layer of prelu-3x5-bn\. Hint: did you mean hidden\.1\? Its layers: hidden\.0, hidden\.1"),
        (["!hidden.*"], "no layer of prelu-3x5-bn is left"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=expected):
            Workflow(config(layers=layers)).check_inputs()


@pytest.mark.parametrize("key", ["works", "pattern_evolution"])
def test_what_counts_all_layers_is_refused(key):
    value = {"works": ["pretorius"], "pattern_evolution": {}}[key]
    with pytest.raises(ConfigError, match=f"{key} counts all layers"):
        Workflow(config(layers=["hidden.1"], **{key: value}))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_layers_that_are_recorded_have_the_numbers_that_they_have_among_all(model, tmp_path):
    changes = {} if model == "mlp" else {"model": "cnn", "grid": STUDY["grid"] | {"depth": 4}}
    names = ["hidden.1", "hidden.2"] if model == "mlp" else ["layer_2", "layer_4"]
    places = {2: 1, 3: 2} if model == "mlp" else {2: 1, 4: 2}
    whole = nodescope.run(config(**changes), tmp_path / "whole", page=False)
    some = nodescope.run(config(layers=names, **changes), tmp_path / "some", page=False)
    layer = pl.col("layer").replace_strict(places, default=None, return_dtype=pl.Int32)
    for table in ("sparsity", "medians", "layer_accuracy", "statistics"):
        expected = pl.read_parquet(StudyFiles.of("some", whole).table(table)).with_columns(layer).drop_nulls("layer")
        assert_frame_equal(pl.read_parquet(StudyFiles.of("some", some).table(table)), expected)
    layers = pl.read_parquet(StudyFiles.of("some", some).layers())
    assert layers["name"].to_list() == [*names, "output"]
    networks = [pl.read_parquet(StudyFiles.of("some", folder).networks()) for folder in (whole, some)]
    assert networks[0]["parameters"].to_list() == networks[1]["parameters"].to_list() == [layers["parameters"].sum()]
    weights = pl.read_parquet(StudyFiles.of("some", some).table("weights"))
    assert weights["layer"].max() == 3  # those before a recorded layer make it


@pytest.mark.slow
def test_of_images_as_many_positions_are_recorded_as_are_asked_for(tmp_path):
    changes = {"model": "cnn", "grid": STUDY["grid"] | {"depth": 4}}
    results = nodescope.run(
        config(layers=["layer_1"], positions="rows", positions_per_sample=3, keep_activations="always", **changes),
        tmp_path, page=False,
    )  # fmt: skip
    (path,) = results.glob("some/activations/*/seed-0/trained/test/layer-1.parquet")
    counts = pl.read_parquet(path).group_by("sample").len()["len"]
    assert (counts == 3).all()
