"""What page and charts say of networks that users bring: names of layers, what is absent, and no more than there is."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from test_other_recordings import recorded, texts

from nodescope.charts.axes import layer_width
from nodescope.charts.context import Context
from nodescope.charts.gallery import activation_functions, diagnosis, signal_propagation
from nodescope.charts.gallery import test_accuracy as accuracy_chart
from nodescope.charts.labels import state_label
from nodescope.charts.registry import left_out
from nodescope.config.analyses import Analyses
from nodescope.config.charts import Charts
from nodescope.config.loading import parse_config
from nodescope.measuring.runner import Measurements
from nodescope.recording.importing import Convention, import_configuration
from nodescope.report.layers import layer_tables, names_of
from nodescope.report.overview import overview
from nodescope.storage.json_files import write_json
from nodescope.study.axes import Configurations
from nodescope.study.brought_configurations import RecordedFile
from nodescope.study.contents import analyses_left_out, analyses_of
from nodescope.study.dimensions import LAYERS
from nodescope.study.layout import StudyFiles
from nodescope.training.tables import ACCURACY, LEARNING_CURVES, REPLICAS

NO_REMEDIES = pl.DataFrame(schema={"quantity": pl.String, "change": pl.Float64})
NAMES = ("distributions", "densities", "node_histograms")


@pytest.fixture
def study(tmp_path):
    np.save(tmp_path / "layer-1.npy", np.zeros((3, 2)))
    return parse_config({"studies": [{"name": "mine", "recordings": {"files": f"{tmp_path}/{{layer}}.npy"}}]}).studies[
        0
    ]


# --- without training samples ---


def splits_of(layer, splits):
    options = {name: Analyses()[name].model_copy(update={"splits": splits}) for name in NAMES}
    found = Measurements(options)
    for name in NAMES:
        found.add(name, layer, seed=0, state="trained", layer=1)
    return {tuple(table["split"].unique(maintain_order=True)) for table in found.tables("mine").values()}


@pytest.mark.parametrize(
    ("there", "splits", "measured"),
    [
        (("train", "test"), ["train"], "train"),
        (("test", "validation"), ["train"], "test"),
        (("validation",), ["train"], "validation"),
        (("test", "validation"), ["train", "validation"], "validation"),
    ],
)
def test_single_nodes_are_measured_on_training_samples_or_what_stands_for_them(tmp_path, there, splits, measured):
    made = texts()
    layer = recorded(tmp_path, {split: made[split] for split in there})
    assert splits_of(layer, splits) == {(measured,)}


def test_what_the_data_lack_leaves_out_what_needs_it(study):
    description = {"classes": ["a", "b"], "splits": {"train": {}, "test": {}}}
    networks = {
        "ablation", "alignment", "gradients", "input_probe", "local_gradients", "mean_inputs", "weight_distributions",
        "weight_images", "weights",
    }  # fmt: skip
    assert analyses_left_out(study).keys() == analyses_left_out(study, description).keys() == networks
    assert "layer_accuracy" in analyses_of(study, description)
    without = analyses_left_out(study, {**description, "splits": {"test": {}}})
    assert without["layer_accuracy"] == "no training samples are recorded, which classifiers are fitted on"
    for classes in ([], ["a"]):
        assert analyses_left_out(study, {**description, "classes": classes})["layer_accuracy"] == (
            "its samples have no classes, or one only"
        )


def test_charts_are_left_out_for_the_reason_of_their_analyses(study):
    reasons = left_out(study)
    assert reasons["weight_distributions"] == "only recordings are known, not the networks themselves"
    assert reasons["comparisons"].startswith("one configuration has nothing to be compared with")


# --- names of layers and nodes ---


def layers(**names):
    rows = [
        {"configuration": configuration, "layer": number, "name": name, "nodes": 4}
        for configuration, own in names.items()
        for number, name in enumerate(own, start=1)
    ]
    return pl.DataFrame(rows, schema=LAYERS.schema())


def test_names_that_say_no_more_than_numbers_are_not_shown(tmp_path):
    files = StudyFiles.of("mine", tmp_path)
    table = layers(
        family=["hidden.0", "layer-2", "output"], sequential=["1", "3", "output"], own=["block.1", "layer-2"]
    )
    table = table.filter(pl.col("name") != "output")
    assert names_of("family", table, files) == names_of("sequential", table, files) == {"sizes": [4, 4]}
    assert names_of("own", table, files) == {"sizes": [4, 4], "layers": ["block.1", ""]}
    chosen = names_of("chosen", layers(chosen=["hidden.2", "hidden.5"]), files)
    assert chosen == {"sizes": [4, 4], "layers": ["hidden.2", "hidden.5"]}


def test_networks_with_the_same_layers_share_a_table():
    found = layer_tables(layers(a=["x", "y"], b=["x", "z"], c=["x", "y"]), {"a": "A", "b": "B", "c": "C"})
    assert [table.networks for table in found] == [["A", "C"], ["B"]]
    assert [row["name"] for row in found[1].rows] == ["x", "z"]


def test_names_of_nodes_come_from_the_files(tmp_path):
    frame = pl.DataFrame({"sample": [0, 1], "petal": [1.0, 2.0], "stem": [0.0, 3.0]})
    frame.write_csv(tmp_path / "first.csv")
    file = RecordedFile(0, "trained", "test", "first", str(tmp_path / "first.csv"))
    files = StudyFiles.of("mine", tmp_path / "results")
    import_configuration([file], tmp_path / "in", Convention("made", ())).write(files.network("one"))
    one = names_of("one", layers(one=["first"]), files)
    assert one == {"sizes": [4], "layers": ["first"], "nodes": {"1": ["petal", "stem"]}}
    write_json(files.network("two"), {"layers": [{"layer": 1}]})
    assert names_of("two", layers(two=["layer-1"]), files) == {"sizes": [4]}


def test_figures_of_many_layers_are_wider():
    few, many = (pl.DataFrame({"layer": np.repeat(range(n), 2)}) for n in (4, 33))
    assert layer_width(160, few) == 160
    assert layer_width(160, many) > 33 * 15


# --- no more than there is ---


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("initial", "untrained"),
        ("trained", "trained"),
        ("epoch-5", "after epoch 5"),
        ("step-200", "after step 200"),
        ("epoch-1-step-20", "after epoch 1, step 20"),
        ("pruned", "pruned"),
    ],
)
def test_states_are_told_in_words(state, said):
    assert state_label(state) == said


def configurations(states=("trained",), **keys):
    return replace(Configurations.plain(keys or {"one": {}}), seeds=(0,), states=states)


def context(**keys):
    return Context(Charts(), ["all samples"], configurations(**keys), has_classes=False)


def accuracies(rows):
    keys = {"configuration": pl.String, "seed": pl.Int64}
    return pl.DataFrame(rows, schema=keys | ACCURACY.schema())


def test_networks_without_accuracies_and_epochs_are_just_done():
    replicas = pl.DataFrame(
        [{"configuration": "one", "seed": 0, "chosen": True}],
        schema={"configuration": pl.String, "seed": pl.Int64} | REPLICAS.schema(),
    )
    curves = pl.LazyFrame(schema={"configuration": pl.String, "seed": pl.Int64} | LEARNING_CURVES.schema())
    found = overview(configurations(), accuracies([]), replicas, curves)
    (network,) = found.rows[0].cells[0].networks
    assert (network.status, network.words) == ("done", "done")
    assert (found.has_accuracies, found.best, found.rows[0].cells[0].accuracy) == (False, "", "")
    known = accuracies([{"configuration": "one", "seed": 0, "split": "test", "accuracy": 0.5}])
    (network,) = overview(configurations(), known, replicas, curves).rows[0].cells[0].networks
    assert network.words == "test accuracy 50.0 %"


def test_accuracies_of_splits_that_are_not_known_have_no_columns():
    known = accuracies([{"configuration": "one", "seed": 0, "split": "test", "accuracy": 0.5}])
    replicas = pl.DataFrame(
        [{"configuration": "one", "seed": 0, "chosen": True}],
        schema={"configuration": pl.String, "seed": pl.Int64} | REPLICAS.schema(),
    )
    _, table = accuracy_chart.figures({"accuracy": known, "replicas": replicas}, context())
    assert table.table.columns == ["configuration", "test_accuracy"]
    assert "Empty" not in table.caption


def test_an_axis_called_activation_may_have_any_values():
    own = context(a={"activation": "mish-2"}, b={"activation": "relu"})
    table = pl.DataFrame({"activation": ["mish-2", "relu", "relu"]})
    (figure,) = activation_functions.figures({"accuracy": table}, own)
    said = figure.caption + figure.about
    assert "relu: " in said and "mish" not in said
    assert activation_functions.figures({"accuracy": table.filter(pl.col("activation") == "mish-2")}, own) == []


def test_the_diagnosis_of_one_network_speaks_of_what_was_looked_for():
    row = {"configuration": "one", "seed": 0, "state": "trained", "layer": 1, "problem": "dead_nodes", "found": False}
    row |= {"evidence": 0.0, "threshold": 0.1, "evidence_is": "share of nodes that are on for no split sample"}
    (figure,) = diagnosis.figures({"diagnosis": pl.DataFrame([row]), "remedies": NO_REMEDIES}, context())
    said = figure.caption + figure.about
    assert "dead nodes: the share of nodes that are on for no sample" in said.lower()
    assert "gradient" not in said and "saturation" not in said


def test_unknown_gradients_are_said_and_not_drawn(small_tables, small_study):
    of_study = Context(Charts(), ["a", "b", "c"], Configurations.of(small_study))
    gradients = small_tables["gradients"]
    tables = {name: small_tables[name] for name in ("statistics", "gradients", "layer_distributions")}
    assert len(signal_propagation.figures(tables, of_study)) == 3
    unknown = gradients.with_columns(mean=pl.lit(None, pl.Float64), std=pl.lit(None, pl.Float64))
    (figure,) = signal_propagation.figures(tables | {"gradients": unknown}, of_study)
    assert "No gradients are known: the networks diverged, or have not one output for each class." in figure.caption


def test_ridges_of_layers_have_their_names_where_they_say_more_than_numbers():
    configurations = Configurations.plain({"own": {}, "family": {}})
    context = Context(Charts(), ["a"], configurations, layer_names={"own": ["block.1", ""], "family": ["", ""]})
    frame = pl.DataFrame({"configuration": ["own", "own", "family"], "layer": [1, 2, 1]})
    assert context.with_layer_names(frame)["layer_name"].to_list() == ["1 block.1", "2", "1"]
