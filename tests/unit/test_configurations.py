"""Configurations of a study: models, axes, variants and their settings, and the states that are recorded."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nodescope.analyses import registered
from nodescope.config.loading import parse_config
from nodescope.config.study import study_of
from nodescope.messages.errors import ConfigError
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.configurations import configurations_of, states_of
from nodescope.study.contents import is_recorded, jobs_done
from nodescope.study.layout import description_path, prepared_name, prepared_path

VARIANTS = [
    {"name": "baseline"},
    {"name": "relu", "activation": "relu"},
    {"name": "he", "initialisation": "kaiming_normal", "batch_norm": True},
    {"name": "slow", "training": {"learning_rates": [0.001], "epochs": 4}, "network": {"dropout": 0.5}},
]


def study(**further):
    section = {
        "name": "a",
        "dataset": "digits",
        "grid": {"depth": [2], "width": [8], "activation": ["sigmoid"], "variants": VARIANTS},
        "network": {"taper": 0.5},
        "training": {"epochs": 3, "learning_rates": [0.1]},
    }
    return parse_config({"studies": [section | further]}).studies[0]


def test_a_variant_changes_what_it_names_and_nothing_else():
    made = study()
    found = {c.variant.name: c for c in configurations_of(made)}
    assert [c.identifier for c in found.values()] == [
        "sigmoid-2x8-baseline", "relu-2x8-relu", "sigmoid-2x8-bn-he", "sigmoid-2x8-slow",
    ]  # fmt: skip
    assert [c.keys()["variant"] for c in found.values()] == list(found)
    assert found["relu"]["activation"] == "relu" and found["he"]["batch_norm"]
    assert [c.initialisation() for c in found.values()] == [None, None, "kaiming_normal", None]
    assert found["baseline"].training(made) == made.training
    assert found["slow"].training(made) == made.training.model_copy(update={"learning_rates": [0.001], "epochs": 4})
    assert found["slow"].network(made) == made.network.model_copy(update={"dropout": 0.5})
    assert found["slow"].network(made).taper == 0.5


def prepared_names(*datasets):
    return [prepared_name(study(dataset=dataset).dataset) for dataset in datasets]


@pytest.mark.parametrize(
    ("dataset", "other"),
    [
        ({"source": "iris"}, {"scaling": "as_is"}),
        ({"source": "gaussian", "name": "noise", "samples": 90}, {"samples": 91}),
        ({"source": "npz", "name": "own", "path": "a/x.npz"}, {"path": "b/x.npz"}),
        ({"source": "mnist"}, {"validation_size": 0.5}),
        ({"source": "image_folder", "name": "cats", "path": "cats"}, {"name": "Cats"}),
    ],
)
def test_a_prepared_data_set_is_called_by_its_name_and_its_settings(dataset, other):
    changed, again = {**dataset, **other}, dict(reversed(dataset.items()))
    names = prepared_names(dataset, changed, again)
    assert names[0] == names[2] != names[1]
    for name, settings in zip(names, (dataset, changed), strict=False):
        assert re.fullmatch(f"{settings.get('name', settings['source'])}-[0-9a-f]{{8}}", name)


def test_settings_that_were_written_and_read_lead_to_the_same_prepared_data_set(tmp_path):
    made = study(dataset={"source": "digits", "validation_size": 0.1 + 0.2, "train_size": 100})
    write_json(tmp_path / "config.json", made.model_dump(mode="json"))
    read = study_of(read_json(tmp_path / "config.json"))
    assert prepared_path(read.dataset, tmp_path) == prepared_path(made.dataset, tmp_path)
    assert description_path(read.dataset) == prepared_path(read.dataset).with_suffix(".json")


def test_variants_survive_being_written_and_read_in_one_order_whatever_the_process():
    made = study()
    assert study_of(made.model_dump(mode="json")) == made
    program = (
        "from nodescope.config.grid import Variant\n"
        "v = Variant(name='a', training={'epochs': 3, 'optimiser': 'sgd', 'l1': 0.1, 'momentum': 0.5, 'keep': 'last'})\n"
        "print(list(v.model_dump()['training']))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert printed == {"['epochs', 'keep', 'optimiser', 'momentum', 'l1']\n"}


def test_a_variant_overrides_an_axis_of_the_grid():
    axes = {"depth": [2], "width": [8], "activation": ["relu"], "initialisation": ["orthogonal", "zeros"]}
    made = study(grid=axes | {"variants": [{"name": "a"}, {"name": "b", "initialisation": "lecun_normal"}]})
    found = [(c["initialisation"], c.keys()["variant"], c.initialisation()) for c in configurations_of(made)]
    assert found == [
        ("orthogonal", "a", "orthogonal"), ("lecun_normal", "b", "lecun_normal"),
        ("zeros", "a", "zeros"), ("lecun_normal", "b", "lecun_normal"),
    ]  # fmt: skip


def test_models_stand_side_by_side():
    axes = {"depth": [8], "width": [4], "activation": ["relu"], "batch_norm": [True]}
    made = study(model=["resnet", "convnet"], grid=axes, network={})
    assert [(c.identifier, c.keys()["model"]) for c in configurations_of(made)] == [
        ("resnet-relu-8x4-bn", "resnet"), ("convnet-relu-8x4-bn", "convnet"),
    ]  # fmt: skip


def test_states_follow_the_training():
    axes = study().grid.model_dump(exclude={"variants"})
    training = {"epochs": 9, "snapshots": [5, 2], "snapshot_steps": [30, 1]}
    assert states_of(study(training=training, grid=axes)) == [
        "initial",
        "step-1",
        "step-30",
        "epoch-2",
        "epoch-5",
        "trained",
    ]
    assert states_of(study(training={"epochs": 0}, grid=axes)) == ["initial"]


def test_what_nobody_looks_at_is_not_recorded():
    off = {name: {"enabled": False} for name, analysis in registered().items() if not analysis.of_networks}
    assert not is_recorded(study(analyses=off))
    assert "record" not in jobs_done(study(analyses=off), "x", Path("nowhere"))
    assert is_recorded(study(analyses=off | {"medians": {}}))


@pytest.mark.parametrize(
    ("variants", "training", "expected"),
    [
        ([{"name": "a"}, {"name": "a"}], {}, "grid.variants: 2 variants are named 'a'"),
        ([{"name": "A"}], {}, "lower-case letters"),
        ([{"name": "a", "training": {"snapshots": [1]}}], {}, "grid.variants[0].training.snapshots: all networks of a study"),
        ([{"name": "a", "training": {"epochs": 0}}], {}, "grid.variants[0].training.epochs: either all"),
        ([{"name": "a", "training": {"epochs": 2}}], {"epochs": 9, "snapshots": [5]}, "5 is after the last epoch (2)"),
        ([{"name": "a", "training": {"schedule": "multi_step"}}], {}, "grid.variants[0].training.milestones"),
        ([{"name": "a", "network": {"dropuot": 0.5}}], {}, "did you mean 'dropout'?"),
    ],
)  # fmt: skip
def test_variants_that_cannot_be_are_refused(variants, training, expected):
    axes = {"depth": [2], "width": [8], "activation": ["relu"], "variants": variants}
    with pytest.raises(ConfigError) as error:
        study(grid=axes, training=training)
    assert expected in str(error.value)
