"""The plan counts networks and jobs, and knows what is done."""

import math
import os
from itertools import product

import numpy as np
import pytest
import yaml
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nodescope.analyses import registered, tables_made_by
from nodescope.config.dataset import Gaussian
from nodescope.config.loading import parse_config
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.root import Config
from nodescope.datasets import preparing
from nodescope.datasets.sizes import DataSize, data_size
from nodescope.estimates import costs
from nodescope.estimates import plan as planning
from nodescope.families import FAMILIES
from nodescope.storage.files import atomic_path, write_text
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import analyses_of_job
from nodescope.study.layout import prepared_path


@pytest.fixture
def config():
    return parse_config(yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8")))


def test_the_default_study_is_counted(config, tmp_path):
    study = config.studies[0]
    found = costs.study_cost(study, costs.size_of(study, tmp_path), tmp_path)
    assert (found.configurations, found.networks, found.candidate_networks) == (8, 24, 96)
    assert (found.jobs, found.jobs_done) == (8 * 5, 0)
    # 8 configurations of 2 or 3 layers of 100 nodes and an output of 10, 1,797 samples, 4 states, 3 seeds, 4 bytes
    assert found.activations_bytes == 4 * (210 + 310) * 1797 * 4 * 3 * 4


@pytest.mark.parametrize(
    ("positions", "of_all", "of_largest"),
    [("summary", 3 * 4 * 6 + 192 + 10, 192), ("rows", 6 * (32**2 + 16**2 + 8**2) + 192 + 10, 6 * 32**2)],
)
def test_of_convolutions_at_most_four_values_are_counted_or_every_position(positions, of_all, of_largest):
    axes = {"depth": [4], "width": [6], "activation": ["relu"]}
    section = {"name": "made", "dataset": "cifar10", "model": "cnn", "grid": axes, "positions": positions}
    study = parse_config({"studies": [section]}).studies[0]
    size = costs.network_size(study, configurations_of(study)[0], DataSize(100, 80, (3, 32, 32), 10))
    values = costs.recorded_values(study, size)
    assert (sum(values), max(values)) == (of_all, of_largest)


def test_what_is_done_is_seen(config, tmp_path):
    folder = tmp_path / "digits"
    (folder / "activations" / "relu-2x100").mkdir(parents=True)
    for table in ("replicas", *tables_made_by(analyses_of_job(config.studies[0], "nodes"))):
        (folder / "tables" / table).mkdir(parents=True)
        (folder / "tables" / table / "relu-2x100.parquet").touch()
    study = config.studies[0]
    assert costs.study_cost(study, costs.size_of(study), tmp_path).jobs_done == 3


@pytest.mark.parametrize(
    ("keep", "limit", "kept"), [("auto", 1, True), ("auto", 1e-6, False), ("always", 1e-6, True), ("never", 1, False)]
)
def test_activations_are_kept_up_to_the_limit_or_as_told(config, keep, limit, kept):
    study = config.studies[0].model_copy(update={"keep_activations": keep})
    limited = config.model_copy(update={"activations_limit_gb": limit})
    assert costs.keeps_activations(limited, study, costs.size_of(study)) == kept


def test_the_plan_is_said_in_words(config):
    text = planning.describe_plan(config, 2)
    for part in ("24 networks (8 configurations x 3 seeds", "time", "memory", "disk", "kept"):
        assert part in text


def test_a_plan_of_one_seed_or_of_no_training_says_so(config):
    study = config.studies[0].model_copy(update={"seeds": [4]})
    assert "8 networks (8 configurations x 1 seed; " in planning.describe_plan(
        config.model_copy(update={"studies": [study]}), 1
    )
    still = study.model_copy(update={"training": study.training.model_copy(update={"epochs": 0, "snapshots": []})})
    text = planning.describe_plan(config.model_copy(update={"studies": [still]}), 1)
    assert "(8 configurations x 1 seed), untrained\n" in text


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_job_left_half_written_goes_when_the_file_is_written_again(tmp_path):
    path = tmp_path / "table.csv"
    left = {name: tmp_path / f".{name}.0123456789ab.partial.csv" for name in ("table", "other")}
    fresh = tmp_path / ".table.ba9876543210.partial.csv"  # another machine may be writing it
    for partial in (*left.values(), fresh):
        partial.write_text("half")
    for partial in left.values():
        os.utime(partial, (0, 0))
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert not left["table"].exists() and left["other"].exists() and fresh.exists()


def test_a_step_with_all_samples_takes_more_memory_and_follows_patterns_once_an_epoch(config, tmp_path):
    study = config.studies[0].model_copy(update={"pattern_evolution": PatternEvolution()})
    everything = study.model_copy(update={"training": study.training.model_copy(update={"batch_size": "all"})})
    data = costs.size_of(study, tmp_path)
    configuration = configurations_of(study)[0]
    small, large = (costs.job_size(s, configuration, "train", data, "cpu", 1) for s in (study, everything))
    assert large.memory_mb > small.memory_mb
    # 30 epochs: after each of the 20 steps of the first, then every half epoch, and before the first step
    flops = {s.training.batch_size: costs.study_cost(s, data).flop for s in (study, everything)}
    none = costs.study_cost(config.studies[0], data).flop
    times = {batch: (flop - none) for batch, flop in flops.items()}
    assert times["all"] / times[64] == pytest.approx((1 + 30) / (1 + 20 + 2 * 29))


# --- how large data sets are ---


def size_of(dataset, tmp_path):
    axes = {"depth": [2], "width": [5], "activation": ["relu"]}
    study = parse_config({"studies": [{"name": "made", "dataset": dataset, "grid": axes}]}).studies[0]
    return study, costs.size_of(study, tmp_path)


def test_an_archive_is_as_large_as_its_arrays_say_not_as_mnist(tmp_path):
    path = tmp_path / "own.npz"
    arrays = {
        "x": np.zeros((40, 12, 9)),
        "y": np.arange(40) % 4,
        "x_test": np.zeros((8, 12, 9)),
        "y_test": np.arange(8) % 4,
    }
    np.savez(path, **arrays)
    dataset = {"source": "npz", "path": str(path), "name": "own", "validation_size": 0.2, "train_size": 20}
    _, found = size_of(dataset, tmp_path)
    assert found == DataSize(samples=20 + 8 + 8, train=20, shape=(1, 12, 9), classes=4)


def test_a_folder_of_images_is_as_large_as_its_files_and_their_first_image_say(tmp_path):
    for split, name, number in product(("train", "test"), ("cats", "dogs"), range(10)):
        folder = tmp_path / "images" / split / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5), (number, 0, 90)).save(folder / f"{number}.png")
    dataset = {"source": "image_folder", "path": str(tmp_path / "images"), "name": "own", "validation_size": 4}
    _, found = size_of(dataset, tmp_path)
    assert found == DataSize(samples=40, train=16, shape=(3, 5, 6), classes=2)


def test_a_prepared_data_set_is_as_large_as_its_description_says(tmp_path):
    study, drawn = size_of({"source": "gaussian", "samples": 300, "features": 20, "classes": 4}, tmp_path)
    assert drawn == DataSize(samples=300, train=216, shape=(20,), classes=4)
    preparing.prepare(study.dataset, ".", prepared_path(study.dataset, tmp_path), download=False)
    assert costs.size_of(study, tmp_path) == drawn


def test_what_cannot_be_read_yet_is_assumed_and_said_so(tmp_path):
    study, found = size_of({"source": "npz", "path": "none.npz", "name": "own"}, tmp_path)
    assert (found.samples, found.shape, found.known) == (70_000, (1, 28, 28), False)
    config = Config(studies=[study])
    assert "the estimate assumes the size of MNIST" in said_of(config)


def said_of(config):
    """The plan, without what reading the data would say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "_of_data", lambda *_: [])
        return planning.describe_plan(config, 2)


@given(st.data())
def test_the_sizes_are_those_of_the_splits_that_are_drawn(data):
    share = st.one_of(st.integers(1, 60), st.floats(0.05, 0.4))
    sizes = {name: data.draw(share) for name in ("validation_size", "test_size")}
    source = Gaussian(
        source="gaussian", samples=200, features=3, classes=2, train_size=data.draw(st.integers(20, 90)), **sizes
    )
    found = data_size(source, "none.json")
    splits = preparing.examine(source, ".", download=False).dataset.splits
    assert found.known
    assert (found.train, found.samples) == (len(splits.train), sum(len(indices) for _, indices in splits.items()))


# --- one model of costs ---


def test_the_plan_and_a_cluster_count_the_same(config):
    """What a job asks of a cluster follows from the cost that the plan adds up."""
    study = config.studies[0]
    data = costs.size_of(study, "nowhere")
    found = costs.study_cost(study, data, "nowhere")
    by_stage = {
        stage: [costs.job_cost(study, c, stage, data, "cpu") for c in configurations_of(study)]
        for stage in costs.stages_of(study)
    }
    assert found.activations_bytes == sum(cost.passed_bytes for cost in by_stage["record"])
    largest = max(costs.LIBRARIES_MB[s] + c.memory_bytes / 1e6 for s, of_stage in by_stage.items() for c in of_stage)
    assert found.memory_mb == largest
    for stage, of_stage in by_stage.items():
        for configuration, cost in zip(configurations_of(study), of_stage, strict=True):
            asked = costs.job_size(study, configuration, stage, data, "cpu", 1)
            assert asked.memory_mb == math.ceil(
                costs.REQUESTED_BASE_MB[stage] + costs.MEMORY_MARGIN * cost.memory_bytes / 1e6
            )
            assert asked.memory_mb > costs.LIBRARIES_MB[stage] + cost.memory_bytes / 1e6


@pytest.mark.parametrize("model", sorted(FAMILIES))
def test_a_layer_more_or_a_wider_one_costs_more(model):
    family = FAMILIES[model]
    depths = [depth for depth in range(1, 40) if family.has_depth(depth)][:2]

    def cost(depth, width):
        axes = {"depth": [depth], "width": [width], "activation": ["relu"], "batch_norm": [family.can_normalise]}
        section = {"name": "made", "dataset": "cifar10", "model": model, "grid": axes}
        study = parse_config({"studies": [section]}).studies[0]
        return costs.study_cost(study, costs.size_of(study, "nowhere"), "nowhere")

    small = cost(depths[0], 4)
    for larger in [cost(depths[0], 8), *(cost(depth, 4) for depth in depths[1:])]:
        assert larger.flop > small.flop
        assert larger.activations_bytes > small.activations_bytes


def test_switching_off_nodes_counts_what_lies_behind_them():
    data = DataSize(1797, 1222, (1, 8, 8), 10)

    def flop(**options):
        looking = [name for name, analysis in registered().items() if analysis.of_networks]
        sections = {name: {"enabled": False} for name in looking} | {"ablation": options or {"enabled": False}}
        axes = {"depth": [2], "width": [100], "activation": ["relu"]}
        section = {"name": "made", "dataset": "digits", "seeds": [0, 1], "grid": axes, "analyses": sections}
        study = parse_config({"studies": [section]}).studies[0]
        return costs.job_cost(study, configurations_of(study)[0], "look_into", data, "cpu").flop

    both_ways_and_seeds, behind = 2 * 2 * 2, (100 * 100 + 100 * 10) + 100 * 10
    assert flop() == 0
    assert flop(test_samples=50, orders=0) == both_ways_and_seeds * 50 * 100 * behind
    assert flop(test_samples=50, orders=0, exact_limit=1e6) == both_ways_and_seeds * 2 * 1e6
    assert flop(test_samples=50, orders=0, exact_limit=1e6, method="exact") == flop(test_samples=50, orders=0)
    # Five shares of the nodes, at random in so many orders and the least important first
    assert flop(test_samples=50, orders=3) == both_ways_and_seeds * 50 * (100 + 5 * (3 + 1)) * behind
