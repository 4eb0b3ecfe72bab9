"""Figures of samples without classes and of networks whose training was not seen: drawn, and said in words that fit."""

import json
import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import polars as pl
import pytest

from nodescope.analyses import EVERYTHING, reason_to_leave_out, registered, summaries
from nodescope.charts.context import Context
from nodescope.charts.drawing import quantities_of
from nodescope.charts.files import static_figures
from nodescope.charts.registry import CHARTS
from nodescope.charts.registry import reason_to_leave_out as reason_without_chart
from nodescope.charts.specification import specification
from nodescope.config.analyses import Analyses
from nodescope.config.charts import Charts
from nodescope.config.diagnosis import Diagnosis
from nodescope.findings.diagnosis import compare_remedies, diagnose
from nodescope.measuring.runner import analyse_configuration
from nodescope.recording import LayerMetadata, write
from nodescope.storage.tables import class_names_of
from nodescope.study.axes import Configurations
from nodescope.study.layout import activation_path
from nodescope.training.tables import ACCURACY, REPLICAS

KEYS = {"small": {"width": 4}, "large": {"width": 9}}
CLASS_WORDS = re.compile(r"\bclass(es)?\b|\bclassif", re.IGNORECASE)
#: Of training; what the splits are called does not count.
TRAINING_WORDS = re.compile(r"\b(un)?train(ed|s)?\b|\btraining\b|\blearning\b", re.IGNORECASE)
OF_SPLITS = re.compile(r"training (samples?|split)|\btrain\b|learning_rate", re.IGNORECASE)


def record(folder, classes, values, nodes):
    random = np.random.default_rng(nodes)
    for seed in (0, 1):
        for split in ("train", "test"):
            for layer in (1, 2):
                labels = np.sort(np.arange(24) % 3).astype(np.int32)
                activation = "relu" if values == "pre_activation" else "identity"
                metadata = LayerMetadata(
                    "made", f"layer-{layer}", activation, (nodes,), tuple(classes), values=values, name=f"fc{layer}"
                )  # fmt: skip
                z = random.normal(size=(nodes, 24)).astype(np.float32)
                path = activation_path(str(folder), seed, "trained", split, layer)
                write(str(path), z, labels if classes else None, np.arange(24, dtype=np.int32), metadata)


def study(folder, classes, values="pre_activation"):
    """The tables, and what the charts know beside them, of two configurations that were recorded elsewhere."""
    configurations = replace(Configurations.plain(KEYS), seeds=(0, 1), states=("trained",))
    has = [need for need in EVERYTHING if need != "network" and (classes or need != "classes")]
    options = Analyses()
    names = [name for name, analysis in registered().items() if not reason_to_leave_out(analysis, has)]
    chosen = {name: options[name].model_copy(update={"splits": ["train", "test"]}) for name in names}
    frames = []
    for identifier, keys in KEYS.items():
        record(folder / identifier, classes, values, keys["width"])
        frames.append(analyse_configuration(chosen, str(folder / identifier), identifier, [0, 1], ["trained"], 0.0))
    tables = {name: configurations.collected(pl.concat(found[name] for found in frames)) for name in names}
    tables |= {name: make(tables[source]) for name, (source, make) in summaries().items() if source in tables}
    tables["diagnosis"] = diagnose(tables, Diagnosis(), configurations)
    key_columns = {"configuration": pl.String, "width": pl.Int32, "seed": pl.Int64}
    accuracy, replicas = (pl.DataFrame(schema=key_columns | table.schema()) for table in (ACCURACY, REPLICAS))
    tables["remedies"] = compare_remedies(accuracy, tables["diagnosis"], {}, configurations)
    names = class_names_of(list(classes))
    return tables | {"accuracy": accuracy, "replicas": replicas}, Context(
        Charts(), names, configurations, has_classes=bool(classes)
    )


def figures(tables, context):
    """Every figure that such a study has, with its chart's name."""
    for name, chart in CHARTS.items():
        axes = context.configurations.axis_names
        known = {"trained": False, "accuracy": False, "snapshots": False, "classes": context.has_classes}
        if not reason_without_chart(chart, tables, axes, **known):
            given = {table: tables[table].lazy() if chart.lazy else tables[table] for table in chart.tables}
            for figure in import_module(f"nodescope.charts.gallery.{name}").figures(given, context):
                yield name, figure


def words_of(name, figure):
    """All that a reader sees of a figure but its numbers: title, caption, axes, legends, columns of tables."""
    said = [figure.title, figure.caption, *(quantity.title for quantity in quantities_of_shown(name, figure))]
    if figure.chart is not None:
        spec, _ = specification(figure.chart)
        said += re.findall(r'"(?:title|text)": "([^"]*)"', json.dumps(spec))
    if figure.table is not None:
        said += figure.table.columns
    return " | ".join(said)


def quantities_of_shown(name, figure):
    frames = [figure.table] if figure.table is not None else []
    if figure.chart is not None:
        frames += specification(figure.chart)[1].values()
    columns = {column for frame in frames for column in frame.columns}
    return [quantity for column, quantity in quantities_of(name, figure).items() if column in columns]


@pytest.fixture(scope="module", params=["pre_activation", "output"])
def without_classes(tmp_path_factory, request):
    return study(tmp_path_factory.mktemp("recorded"), (), request.param)


def test_figures_of_samples_without_classes_do_not_speak_of_classes(without_classes):
    found = list(figures(*without_classes))
    assert {"medians", "activity", "distributions", "dead_nodes", "patterns", "layer_statistics"} <= {
        n for n, _ in found
    }
    assert not {"layer_accuracy", "kernel_densities", "activity_heatmaps", "test_accuracy"} & {
        name for name, _ in found
    }
    for name, figure in found:
        assert not CLASS_WORDS.search(words_of(name, figure)), (figure.name, words_of(name, figure))


def test_figures_of_networks_in_one_state_do_not_speak_of_training(without_classes):
    for name, figure in figures(*without_classes):
        said = OF_SPLITS.sub("", words_of(name, figure))
        assert not TRAINING_WORDS.search(said), (figure.name, said)


def test_every_such_figure_is_drawn_with_its_rows(without_classes):
    context = without_classes[1]
    for _, figure in figures(*without_classes):
        drawn = list(static_figures(figure, context))
        assert drawn and all(len(rows) for _, _, rows in drawn), figure.name
        for _, spec, _ in drawn:
            assert "NaN" not in json.dumps(spec) and '"class"' not in json.dumps((spec or {}).get("encoding", {}))


def test_figures_of_samples_with_classes_speak_of_them(tmp_path):
    found = dict(figures(*study(tmp_path, ("a", "b", "c"))))
    assert {"layer_accuracy", "kernel_densities", "activity_heatmaps"} <= found.keys()
    for name in ("medians", "activity", "distributions", "kernel_densities"):
        assert CLASS_WORDS.search(found[name].title + found[name].caption), name


def test_the_words_would_be_found():
    assert CLASS_WORDS.search("by class") and CLASS_WORDS.search("Layers as classifiers")
    assert not TRAINING_WORDS.search(OF_SPLITS.sub("", "on for no training sample"))
    assert TRAINING_WORDS.search(OF_SPLITS.sub("", "after training"))
