"""Studies that are looked at together."""

import copy

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nodescope
from nodescope.config.loading import parse_config
from nodescope.config.study import study_of
from nodescope.messages.errors import ConfigError
from nodescope.study.axes import Configurations
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import analyses_of, is_compared, measured_tables
from nodescope.study.layout import StudyFiles

TRAINING = {"epochs": 2, "learning_rates": [0.01], "refinement_rounds": 0, "batch_size": 16}
ANALYSES = {name: {"enabled": False} for name in ("densities", "distributions", "layer_accuracy", "node_histograms")}
OURS = {
    "name": "Our_own",
    "dataset": "iris",
    "grid": {"depth": 1, "width": [4, 6], "activation": "relu", "batch_norm": False},
    "seeds": [0, 1],
    "training": TRAINING,
    "analyses": ANALYSES,
}
OTHER = OURS | {"name": "other", "grid": OURS["grid"] | {"width": [4], "activation": ["relu", "tanh"]}, "seeds": [3]}
BOTH = {"name": "both", "join": ["Our_own", "other"]}


def studies(*given):
    return {"download": False, "studies": copy.deepcopy(list(given))}


def joined(*given):
    return parse_config(studies(*given)).studies[-1]


def recorded(folder, seeds=(0, 1), classes=3):
    """Networks of three nodes that were recorded elsewhere."""
    random = np.random.default_rng(0)
    for seed in seeds:
        for split in ("train", "test"):
            nodescope.save_layer(
                f"{folder}/seed-{seed}/{split}", 1, random.normal(size=(20, 3)), labels=np.arange(20) % classes,
                activation="relu",
            )  # fmt: skip
    return {"name": "elsewhere", "recordings": {"files": f"{folder}/seed-{{seed}}/{{split}}/{{layer}}.parquet"}}


def test_configurations_keep_their_place_and_are_called_by_their_study():
    found = configurations_of(joined(OURS, OTHER, BOTH))
    assert [each.identifier for each in found] == [
        "our-own-relu-1x4", "our-own-relu-1x6", "other-relu-1x4", "other-tanh-1x4"
    ]  # fmt: skip
    assert [each["study"] for each in found] == ["Our_own", "Our_own", "other", "other"]
    assert [each["width"] for each in found] == [4, 6, 4, 4]
    assert [each.seeds for each in found] == [(0, 1), (0, 1), (3,), (3,)]


def test_axes_that_not_all_have_are_left_out_and_names_then_tell_configurations_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = joined(OURS, recorded("out"), {"name": "both", "join": ["Our_own", "elsewhere"]})
    configurations = Configurations.of(study)
    assert configurations.axis_names == ["study"]
    assert list(configurations.labels.values()) == ["Our_own: relu-1x4", "Our_own: relu-1x6", "elsewhere"]
    assert configurations.identifiers[-1] == "elsewhere"
    assert not any(name in analyses_of(study) for name in ("weights", "gradients"))  # of recordings there are none
    assert not is_compared(study)  # they were tested on different samples


def test_a_joined_study_has_what_all_its_studies_measure():
    without = OTHER | {"analyses": ANALYSES | {"sparsity": {"enabled": False}}}
    first, second, both = parse_config(studies(OURS, without, BOTH)).studies
    assert set(analyses_of(both)) == set(analyses_of(first)) & set(analyses_of(second))
    assert "sparsity" in analyses_of(first) and "sparsity" not in analyses_of(both)


def test_its_settings_can_be_read_again():
    study = joined(OURS, OTHER, BOTH)
    again = study_of(study.model_dump(mode="json"))
    assert again == study and [part.name for part in again.parts] == ["Our_own", "other"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([OURS, {"name": "both", "join": ["Our_own", "theirs"]}], r"there is no study theirs\. Allowed: Our_own"),
        ([OURS, {"name": "both", "join": ["Our_own"]}], r"join: must have at least 2 entr"),
        ([OURS, {"name": "both", "join": ["Our_own", "Our_own"]}], r"join: values must be unique"),
        ([OURS, OTHER, BOTH, {"name": "all", "join": ["both", "other"]}], "a study that joins others cannot be joined"),
        ([OURS, OTHER | {"theta_threshold": 0.5}, BOTH], r"theta_threshold \(0 and 0\.5\).*Hint: give them the same"),
        ([OURS, OTHER, BOTH | {"seeds": [0]}], r"seeds: a study of studies has no such key"),
        ([OURS, OTHER, BOTH | {"parts": [OURS]}], r"studies\[2\]\.parts: unknown key"),
        ([OURS, BOTH | {"join": ["both", "Our_own"]}], "cannot be joined itself"),
    ],
)  # fmt: skip
def test_studies_that_cannot_be_joined_are_refused(given, expected):
    with pytest.raises(ConfigError, match=expected):
        parse_config(studies(*given))


@pytest.mark.slow
def test_the_tables_are_those_of_its_studies_with_the_axis_study(tmp_path):
    results = nodescope.run(studies(BOTH, OURS, OTHER), tmp_path / "results", page=False)
    both = joined(OURS, OTHER, BOTH)
    for name in measured_tables(both):
        parts = [pl.read_parquet(StudyFiles.of(part, results).table(name)) for part in BOTH["join"]]
        found = pl.read_parquet(StudyFiles.of("both", results).table(name))
        values = [column for column in parts[0].columns if column not in ("configuration", "other_configuration")]
        assert_frame_equal(found.select(values), pl.concat(parts).select(values))
        with_rows = [] if name in ("weight_images", "mean_inputs") else BOTH["join"]  # flowers are no images
        assert found["study"].unique(maintain_order=True).to_list() == with_rows, name
    networks = pl.read_parquet(StudyFiles.of("both", results).networks())
    assert networks.select("configuration", "seed").is_unique().all() and len(networks) == 6
    layers = pl.read_parquet(StudyFiles.of("both", results).layers())
    assert (
        layers["configuration"].unique(maintain_order=True).to_list()
        == networks["configuration"].unique(maintain_order=True).to_list()
    )


@pytest.mark.slow
def test_networks_of_any_origin_stand_side_by_side_and_other_classes_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours = OURS | {"grid": OURS["grid"] | {"width": 3}}
    theirs = recorded("out")
    theirs["recordings"]["classes"] = ["setosa", "versicolor", "virginica"]
    # The recordings come first, and have fewer states and splits.
    both = {"name": "both", "join": ["elsewhere", "Our_own"]}
    nodescope.run(studies(ours, theirs, both), tmp_path / "results", tmp_path / "reports")
    sparsity = pl.read_parquet(tmp_path / "results/both/tables/sparsity.parquet")
    trained = sparsity.filter(pl.col("state") == "trained")
    assert trained["study"].unique(maintain_order=True).to_list() == both["join"]
    assert sparsity.filter(pl.col("study") == "elsewhere")["state"].unique().to_list() == ["trained"]
    assert "Our_own" in (tmp_path / "reports" / "index.html").read_text()
    theirs["recordings"]["classes"] = ["virginica", "versicolor", "setosa"]
    with pytest.raises(
        ConfigError, match=r"'both' joins studies with different classes: elsewhere has .*; Our_own has"
    ):
        nodescope.run(studies(ours, theirs, both), tmp_path / "others", page=False)


def test_configurations_that_would_have_one_identifier_are_refused():
    one = {"depth": 1, "width": 4, "activation": "relu", "batch_norm": False}
    first, second = OURS | {"name": "a_b", "grid": one}, OTHER | {"name": "a-b", "grid": one}
    with pytest.raises(ConfigError, match=r"a-b would stand for several configurations.*Hint: rename"):
        configurations_of(joined(first, second, {"name": "both", "join": ["a_b", "a-b"]}))


def test_studies_that_measure_otherwise_are_not_compared():
    other = OTHER | {"analyses": ANALYSES | {"medians": {"splits": ["test"]}}}
    with pytest.raises(ConfigError, match=r"Our_own and other have different options of analyses\.medians"):
        parse_config(studies(OURS, other, BOTH))
