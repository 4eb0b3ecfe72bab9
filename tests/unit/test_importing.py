"""Recordings that were made elsewhere: every file is taken in as it was meant, or refused with which rule, file and row."""

import os
from dataclasses import asdict

import numpy as np
import polars as pl
import pytest
from conftest import write_layer
from hypothesis import given
from hypothesis import strategies as st

from nodescope.messages.errors import DamagedFileError, RecordingError
from nodescope.recording import read
from nodescope.recording.foreign import read_foreign
from nodescope.recording.importing import (
    Convention,
    class_names_of_labels,
    import_split,
    is_canonical,
    order_of_layers,
)
from nodescope.recording.outputs import accuracy_of, predictions_of
from nodescope.recording.saving import save_layer
from nodescope.stages.import_recordings import describe_recordings, import_recordings
from nodescope.storage.digests import digest_path
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import read_table
from nodescope.study.brought_configurations import RecordedFile

LABELS = np.array([2, 0, 1, 1, 0, 2, 0])
CLASSES = Convention("made", ("0", "1", "2"))


def matrix(nodes=3, seed=0, samples=7):
    return np.random.default_rng(seed).normal(size=(samples, nodes))


def table(values, **columns):
    nodes = {f"n{node}": column for node, column in enumerate(np.asarray(values).T)}
    return pl.DataFrame(columns | nodes)


def parquet(path, values, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    table(values, **columns).write_parquet(path)
    return path


def taken_in(tmp_path, convention=CLASSES, **files):
    """Layers by name, each a path, taken in."""
    import_split(files, tmp_path / "in", convention)
    return {path.stem: read(path) for path in sorted((tmp_path / "in").glob("*.parquet"))}


# --- every format holds the same ---


def as_parquet(folder, values):
    return parquet(folder / "layer-1.parquet", values, label=LABELS)


def as_csv(folder, values):
    table(values, label=LABELS).write_csv(folder / "layer-1.csv", float_precision=17)
    return folder / "layer-1.csv"


def as_npz(folder, values):
    np.savez(folder / "layer-1.npz", values=values, label=LABELS)
    return folder / "layer-1.npz"


def as_saved(folder, values):
    return save_layer(folder, 1, values, LABELS)


@pytest.mark.parametrize("written", [as_parquet, as_csv, as_npz, as_saved])
def test_rows_are_sorted_by_label_and_values_are_float32(tmp_path, written):
    values = matrix()
    layer = taken_in(tmp_path, layer=written(tmp_path, values))["layer-1"]
    order = [i for c in range(3) for i in range(7) if LABELS[i] == c]  # by label, then by sample
    assert layer.samples.tolist() == order and layer.labels.tolist() == LABELS[order].tolist()
    np.testing.assert_array_equal(layer.z, values[order].T.astype(np.float32))
    assert layer.metadata.class_names == ("0", "1", "2") and layer.metadata.node_names is None
    assert digest_path(layer.path).is_file()


def test_a_bare_matrix_is_of_samples_without_classes(tmp_path):
    np.save(tmp_path / "a.npy", matrix().astype(np.float16))
    layer = taken_in(tmp_path, Convention("made", ()), a=tmp_path / "a.npy")["layer-1"]
    assert not layer.is_labelled and layer.n_classes == 1 and layer.samples.tolist() == list(range(7))
    np.testing.assert_array_equal(layer.z, matrix().astype(np.float16).T.astype(np.float32))


def test_a_layer_without_labels_has_those_of_another_one(tmp_path):
    np.save(tmp_path / "bare.npy", matrix(2))
    found = taken_in(tmp_path, first=tmp_path / "bare.npy", second=as_parquet(tmp_path, matrix()))
    for layer in found.values():
        assert layer.labels.tolist() == sorted(LABELS)
    np.testing.assert_array_equal(found["layer-1"].z, matrix(2)[found["layer-1"].samples].T.astype(np.float32))


@given(order=st.permutations(range(7)))
def test_the_order_of_rows_changes_no_byte_of_what_is_written(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("rows")
    values, written = matrix(), []
    for name, rows in (("given", np.arange(7)), ("shuffled", np.array(order))):
        path = parquet(folder / f"{name}.parquet", values[rows], sample=rows, label=LABELS[rows])
        import_split({"a": path}, folder / name, CLASSES)
        written.append((folder / name / "layer-1.parquet").read_bytes())
    assert written[0] == written[1]


def test_spike_counts_texts_and_names_of_nodes_are_kept(tmp_path):
    frame = pl.DataFrame(
        {"left": [3, 0, 9], "right": [1, 2, 3], "label": ["yes", "no", "yes"], "sample": ["c", "a", "b"]}
    )
    frame.write_parquet(tmp_path / "v1.parquet")
    layer = taken_in(tmp_path, Convention("made", ("no", "yes")), v1=tmp_path / "v1.parquet")["layer-1"]
    assert layer.metadata.node_names == ("left", "right") and layer.metadata.name == "v1"
    assert layer.labels.tolist() == [0, 1, 1] and layer.samples.tolist() == [0, 1, 2]
    assert layer.z.tolist() == [[0, 9, 3], [2, 3, 1]]


def test_what_is_missing_or_not_finite_is_taken_in_as_of_a_diverged_net_with_a_word(tmp_path, caplog):
    frame = pl.DataFrame({"n0": [1.0, None, float("inf")], "n1": [1e300, 0, 0]})
    frame.write_parquet(tmp_path / "a.parquet")
    layer = taken_in(tmp_path, Convention("made", ()), a=tmp_path / "a.parquet")["layer-1"]
    np.testing.assert_array_equal(layer.z, np.array([[1, np.nan, np.inf], [np.inf, 0, 0]], np.float32))
    assert layer.finite_nodes().tolist() == [False, False]
    (said,) = caplog.messages
    assert said.endswith(
        "a.parquet: 3 values are missing or infinite, the first in sample 0; measurements of 2 nodes (0, ...) are null."
    )


# --- positions ---


def tokens(lengths, nodes=2, **more):
    rows = [(sample, position) for sample, length in enumerate(lengths) for position in range(length)]
    values = np.random.default_rng(3).normal(size=(len(rows), nodes))
    return rows, values, {"sample": [s for s, _ in rows], "position": [p for _, p in rows], **more}


def test_samples_with_the_same_positions_have_a_row_for_each(tmp_path):
    rows, values, columns = tokens([3, 3, 3])
    order = np.random.default_rng(0).permutation(9)
    shuffled = {name: np.array(column)[order] for name, column in columns.items()}
    path = parquet(tmp_path / "a.parquet", values[order], **shuffled, label=np.array([1, 0, 1])[shuffled["sample"]])
    layer = taken_in(tmp_path, Convention("made", ("x", "y")), a=path)["layer-1"]
    assert layer.metadata.node_shape == (2, 3) and not layer.metadata.varying_positions
    assert layer.samples.tolist() == [1, 0, 2]
    for place, sample in enumerate([1, 0, 2]):
        own = [i for i, (s, _) in enumerate(rows) if s == sample]
        np.testing.assert_array_equal(layer.each()[:, 3 * place : 3 * place + 3], values[own].T.astype(np.float32))


def test_samples_may_differ_in_their_positions(tmp_path):
    rows, values, columns = tokens([2, 4, 1])
    layer = taken_in(tmp_path, Convention("made", ()), a=parquet(tmp_path / "a.parquet", values, **columns))["layer-1"]
    assert layer.metadata.node_shape == (2, 4) and layer.metadata.varying_positions
    assert layer.position_counts().tolist() == [2, 4, 1]
    for sample in range(3):
        own = [i for i, (s, _) in enumerate(rows) if s == sample]
        np.testing.assert_allclose(layer.z[:, sample], values[own].mean(axis=0), rtol=1e-6)


def test_positions_with_labels_of_their_own_are_samples(tmp_path):
    _, values, columns = tokens([2, 2], label=["noun", "verb", "noun", "noun"])
    layer = taken_in(
        tmp_path, Convention("made", ("noun", "verb")), a=parquet(tmp_path / "a.parquet", values, **columns)
    )["layer-1"]
    assert layer.positions == 1 and layer.n_samples == 4
    assert layer.samples.tolist() == [0, 1, 1, 0] and layer.labels.tolist() == [0, 0, 0, 1]
    assert pl.read_parquet(layer.path)["position"].to_list() == [0, 0, 1, 1]


def test_layers_may_differ_in_their_positions(tmp_path):
    _, values, columns = tokens([3, 3])
    first = parquet(tmp_path / "a.parquet", values, **columns)
    second = parquet(tmp_path / "b.parquet", matrix(4, samples=2), sample=[1, 0])
    found = taken_in(tmp_path, Convention("made", ()), a=first, b=second)
    assert [layer.positions for layer in found.values()] == [3, 1]
    np.testing.assert_array_equal(found["layer-2"].z, matrix(4, samples=2)[[1, 0]].T.astype(np.float32))


# --- what is refused ---


def refused(tmp_path, columns, said, convention=CLASSES):
    path = tmp_path / "bad.parquet"
    pl.DataFrame(columns).write_parquet(path)
    with pytest.raises(RecordingError) as error:
        import_split({"bad": path}, tmp_path / "in", convention)
    assert str(path) in str(error.value) and said in str(error.value), error.value
    assert not list(tmp_path.glob("in/*"))


NODE = {"n0": [0.5, 1.0, 2.0]}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"sample": [0, 1], "label": [0, 1]}, "no numeric column beside sample and label"),
        (NODE | {"n4": ["a", "b", "c"]}, "column n4 holds text"),
        (NODE | {"sample": [4, 1, 4]}, "sample 4 stands twice, in rows 0 and 2. Hint: rows of one sample need a column position"),
        (NODE | {"sample": [4, 4, 4], "position": [2, 0, 2]}, "(sample 4, position 2) stands twice, in rows 0 and 2"),
        (NODE | {"position": [0, 1, 2]}, "no column sample"),
        (NODE | {"label": [0, None, 1]}, "row 1 has no label, others have"),
        (NODE | {"label": [0.0, 0.5, 1.0]}, "label of row 1 is 0.5, neither a whole number nor a text"),
        (NODE | {"label": [0, 1, 7]}, "label 7 of row 2 is none of the classes 0, 1, 2"),
        ({"n0": pl.Series([], dtype=pl.Float32)}, "it has no rows"),
        (NODE, "no layer has labels, those of other splits or networks have"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_the_contract_is_refused_with_the_rule_and_the_row(tmp_path, columns, said):
    refused(tmp_path, columns, said)


def test_a_label_that_is_nearly_a_class_is_answered_with_that_class(tmp_path):
    refused(
        tmp_path, NODE | {"label": ["cat", "dog", "cta"]}, "did you mean 'cat'?", Convention("made", ("cat", "dog"))
    )


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("a.pkl", lambda path: path.write_bytes(b""), "files of recordings are .parquet, .csv, .npy, .npz"),
        ("a.parquet", lambda path: path.write_bytes(b"PAR1nothing"), "cannot be read"),
        ("a.npy", lambda path: path.write_bytes(b"nothing"), "cannot be read"),
        ("a.npy", lambda path: np.save(path, np.zeros(3)), "its shape is (3,); rows are samples, columns are nodes"),
        ("a.npy", lambda path: np.save(path, np.zeros((2, 2), complex)), "no real numbers"),
        ("a.npy", lambda path: np.save(path, np.array([[{}]]), allow_pickle=True), "cannot be read"),
        ("a.npz", lambda path: np.savez(path, z=np.zeros((2, 2))), "it has no array values, but z"),
        ("a.npz", lambda path: np.savez(path, values=np.zeros((2, 2)), nodes=["x", "x"]), "1 different nodes, but has 2"),
        ("a.csv", lambda path: path.write_text(""), "cannot be read"),
        ("a.csv", lambda path: None, "There is no file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, write, said):
    write(tmp_path / name)
    with pytest.raises(RecordingError) as error:
        import_split({"a": tmp_path / name}, tmp_path / "in", Convention("made", ()))
    assert str(tmp_path / name) in str(error.value) and said in str(error.value), error.value


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"sample": range(6), "label": LABELS[:6]}, "second.parquet has 6 samples, first.parquet has 7"),
        ({"sample": [*range(6), 9], "label": LABELS}, "second.parquet has no sample 6, which"),
        ({"sample": range(7), "label": [2, 0, 1, 0, 0, 2, 0]}, "sample 3 has label 0 here and 1 in first.parquet"),
        ({"sample": list("abcdefg"), "label": LABELS}, "names samples otherwise than first.parquet: by sample (text)"),
    ],
)
def test_layers_that_do_not_agree_are_refused(tmp_path, second, said):
    first = parquet(tmp_path / "first.parquet", matrix(), label=LABELS)
    other = parquet(tmp_path / "second.parquet", matrix(samples=len(second["label"])), **second)
    with pytest.raises(RecordingError) as error:
        import_split({"first": first, "second": other}, tmp_path / "in", CLASSES)
    assert said in str(error.value), error.value


@pytest.mark.parametrize(
    ("activation", "said"),
    [(None, "needs activation: one of identity, relu"), ("rellu", "not 'rellu'; did you mean 'relu'?")],
)
def test_pre_activations_need_an_activation_function(tmp_path, activation, said):
    convention = Convention("made", ("0", "1", "2"), "pre_activation", activation)
    with pytest.raises(RecordingError) as error:
        import_split({"a": as_parquet(tmp_path, matrix())}, tmp_path / "in", convention)
    assert said in str(error.value)


# --- layers and classes ---


def test_layers_are_ordered_by_numbers_else_by_the_alphabet_and_the_output_is_last():
    assert order_of_layers(["fc10", "fc9", "output", "conv2"])[0] == ["conv2", "fc9", "fc10", "output"]
    found, how = order_of_layers(["output", "mlp", "attention"])
    assert found == ["attention", "mlp", "output"] and "alphabet" in how
    assert order_of_layers(["output", "b", "a"], ["b", "a", "output"])[0] == ["b", "a", "output"]


@pytest.mark.parametrize(
    ("layer_order", "said"),
    [
        (["layer-1", "layre-2"], "no layer 'layre-2'; did you mean 'layer-2'?"),
        (["layer-1"], "layer 'layer-2' is not in it"),
    ],
)
def test_an_order_that_does_not_fit_the_layers_is_refused(layer_order, said):
    with pytest.raises(RecordingError) as error:
        order_of_layers(["layer-1", "layer-2"], layer_order)
    assert said in str(error.value)


def test_classes_follow_from_the_labels():
    assert class_names_of_labels([]) == []
    assert class_names_of_labels([7, 10, 7]) == ["7", "10"]
    assert class_names_of_labels([1, 2], output_nodes=4) == ["0", "1", "2", "3"]
    assert class_names_of_labels([1, 9], output_nodes=4) == ["1", "9"]


# --- files in our form ---


def canonical(folder, split="test", layer=1, nodes=3, seed=0):
    write_layer(folder, split, matrix(nodes, seed).T, LABELS, 3, layer=layer)
    return folder / "seed-0" / "trained" / split / f"{'output' if layer == 'output' else f'layer-{layer}'}.parquet"


def test_files_in_our_form_are_linked_with_their_checksums(tmp_path):
    convention = Convention("made", ("class 0", "class 1", "class 2"))
    source = canonical(tmp_path / "recorded")
    assert is_canonical(source)
    layer = taken_in(tmp_path, convention, **{"layer-1": source})["layer-1"]
    assert layer.path.samefile(source) and digest_path(layer.path).is_file()
    digest_path(source).write_text("0000\n")
    with pytest.raises(DamagedFileError, match="checksum"):
        import_split({"layer-1": source}, tmp_path / "again", convention)


def test_files_in_our_form_are_copied_to_another_file_system(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("another device")

    monkeypatch.setattr(os, "link", refuse)
    source = canonical(tmp_path / "recorded")
    layer = taken_in(tmp_path, Convention("made", ("class 0", "class 1", "class 2")), **{"layer-1": source})["layer-1"]
    assert layer.path.read_bytes() == source.read_bytes() and not layer.path.samefile(source)


def test_files_in_our_form_of_other_classes_are_refused(tmp_path):
    with pytest.raises(
        RecordingError, match="was recorded with the classes class 0, class 1, class 2; those of the study"
    ):
        import_split({"layer-1": canonical(tmp_path / "recorded")}, tmp_path / "in", CLASSES)


# --- whole configurations ---


def saved_net(folder, seeds=(0, 1), splits=("train", "test"), labels=LABELS, **options):
    """Two layers and an output that is right for all samples but the first."""
    files = []
    for seed in seeds:
        for split in splits:
            below = folder / f"seed-{seed}" / split
            logits = np.eye(3)[LABELS]
            logits[0] = np.eye(3)[(LABELS[0] + 1) % 3]
            save_layer(below, 1, matrix(4, seed), labels, activation="relu", name="fc1", **options)
            save_layer(below, 2, matrix(2, seed), labels, activation="leaky_relu", parameters={"slope": 0.2}, **options)
            save_layer(below, 3, logits, labels, last=True, **options)
            files += [RecordedFile(seed, "trained", split, path.stem, str(path)) for path in sorted(below.glob("*"))]
    return files


def imported(tmp_path, files, **changes):
    names = ("activations", "description", "learning_curves", "accuracy", "replicas", "predictions")
    outputs = {name: tmp_path / "results" / name for name in names}
    described = tmp_path / "description.json"
    describe_recordings(files, described, name="made")
    options = {"configuration": "net", "values": None, "activation": None, "layer_order": None}
    import_recordings(described, outputs, files=[asdict(file) for file in files], **options | changes)
    tables = {name: read_table(outputs[name]) for name in ("accuracy", "predictions")}
    return read_json(described), read_json(outputs["description"]), tables


def test_a_configuration_is_taken_in_with_its_accuracies_and_predictions(tmp_path):
    files = saved_net(tmp_path / "out")
    description, network, tables = imported(tmp_path, files)
    assert description["classes"] == ["0", "1", "2"]
    assert description["splits"] == {"train": {"samples": 7}, "test": {"samples": 7}}
    layers = [
        [layer[key] for key in ("layer", "name", "nodes", "positions", "activation")] for layer in network["layers"]
    ]
    assert layers == [
        [1, "fc1", 4, 1, "relu"], [2, "layer-2", 2, 1, "leaky_relu"], [3, "output", 3, 1, "identity"],
    ]  # fmt: skip
    assert network["source"] == "recordings" and network["parameters"] is None and not network["trusted"]
    assert set(network["files"]) == {file.path for file in files}
    accuracy = tables["accuracy"]
    assert accuracy.columns == ["configuration", "seed", "learning_rate", "best_epoch", "split", "accuracy"]
    assert accuracy["accuracy"].drop_nulls().to_list() == pytest.approx([6 / 7] * 4) and set(accuracy["seed"]) == {0, 1}
    assert set(accuracy.filter(pl.col("accuracy").is_null())["split"]) == {"validation"}  # which is not recorded
    predictions = tables["predictions"]
    assert predictions.columns == ["sample", "label", "0", "1"] and predictions["label"].to_list() == LABELS.tolist()
    assert predictions["0"].to_list() == [(LABELS[0] + 1) % 3, *LABELS[1:]]
    slope = read(tmp_path / "results/activations/seed-1/trained/test/layer-2.parquet").metadata
    assert slope.parameters == {"slope": 0.2} and slope.values == "pre_activation"


def test_a_configuration_without_labels_has_neither_classes_nor_accuracies(tmp_path):
    description, _, tables = imported(tmp_path, saved_net(tmp_path / "out", labels=None))
    assert description["classes"] == []
    assert tables["accuracy"]["accuracy"].drop_nulls().is_empty() and len(tables["predictions"]) == 0


def test_a_layer_that_a_split_lacks_is_named(tmp_path):
    files = saved_net(tmp_path / "out")
    with pytest.raises(RecordingError, match="no file of layer layer-2 for seed 1, state trained, split train"):
        imported(tmp_path, [f for f in files if (f.seed, f.split, f.layer) != (1, "train", "layer-2")])


def test_networks_of_a_configuration_have_the_same_nodes(tmp_path):
    files = saved_net(tmp_path / "out")
    save_layer(tmp_path / "out" / "seed-1" / "test", 1, matrix(5), LABELS)
    with pytest.raises(RecordingError, match="has 5 nodes, this layer of another file of the configuration has 4"):
        imported(tmp_path, files)


def test_what_was_imported_and_is_imported_again_from_there_is_the_same(tmp_path):
    files = saved_net(tmp_path / "out")
    _, network, tables = imported(tmp_path / "first", files)
    folder = tmp_path / "first" / "results" / "activations"
    again = [
        RecordedFile(int(path.parts[-4][5:]), path.parts[-3], path.parts[-2], path.stem, str(path))
        for path in sorted(folder.rglob("*.parquet"))
    ]
    description, second, of_second = imported(tmp_path / "second", again)
    assert description["classes"] == ["0", "1", "2"] and second["layers"] == network["layers"]
    for name, frame in tables.items():
        assert frame.equals(of_second[name]), name


def test_accuracy_needs_an_output_per_class(tmp_path):
    save_layer(tmp_path, 1, matrix(4), LABELS, last=True)
    output = taken_in(tmp_path, output=tmp_path / "output.parquet")["output"]
    assert accuracy_of(output) is None and predictions_of(output) is None


# --- saving ---


def test_values_at_positions_are_saved_with_the_nodes_last(tmp_path):
    images = np.random.default_rng(1).normal(size=(4, 2, 3, 5))
    path = save_layer(tmp_path, "conv", images, [0, 0, 1, 1])
    layer = taken_in(tmp_path, Convention("made", ("0", "1")), conv=path)["layer-1"]
    assert path.name == "conv.parquet" and layer.metadata.node_shape == (5, 6)
    np.testing.assert_allclose(layer.z, images.mean(axis=(1, 2)).T, rtol=1e-6)
    assert len(read_foreign(path).values) == 24


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"z": np.zeros(3)}, "z has the shape (3,)"),
        ({"labels": [0, 1]}, "labels has the shape (2,); z has 7 samples"),
        ({"activation": "rely"}, "no activation function 'rely'; did you mean 'relu'?"),
        ({"nodes": ["a", "a", "b"]}, "3 names for 3 nodes; they must differ"),
        ({"nodes": ["a", "b", "label"]}, "they must differ, also from sample, label, position"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_written(tmp_path, arguments, said):
    with pytest.raises(RecordingError) as error:
        save_layer(tmp_path, 1, **{"z": matrix(), "labels": LABELS} | arguments)
    assert said in str(error.value) and not list(tmp_path.iterdir())
