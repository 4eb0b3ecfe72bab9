"""Data from a function of the user's own: every form is taken as it was meant, or refused in words."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nodescope.config.dataset import Npz, OwnFunction
from nodescope.config.network import Network
from nodescope.datasets import load, preparing, sources
from nodescope.datasets.sizes import DataSize, data_size, problem_with_samples
from nodescope.datasets.sources.returned_data import part_of
from nodescope.messages.errors import ConfigError, DatasetError
from nodescope.training.configuration import network_shape

HEAD = """
import numpy as np, torch
from torch.utils.data import DataLoader, Dataset, TensorDataset
random = np.random.default_rng(0)
X = {"train": random.normal(size=(20, 3)), "validation": random.normal(size=(5, 3)), "test": random.normal(size=(6, 3))}
Y = {split: np.arange(len(x)) % 2 for split, x in X.items()}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def source(body, **keys):
    Path("my.py").write_text(HEAD + "\ndef data(split):\n" + "".join(f"    {line}\n" for line in body.split("\n")))
    return OwnFunction(**{"source": "function", "name": "own", "data": "my.py:data", **keys})


def prepared(body, **keys):
    path = Path("prepared.npz")
    preparing.prepare(source(body, **keys), ".", path, download=False)
    return load(path), json.loads(path.with_suffix(".json").read_text())


def refusal(body, **keys):
    made = source(body, **keys)
    preparing.check(made, ".", download=False)  # before any job the function is not executed
    with pytest.raises(DatasetError) as error:
        preparing.prepare(made, ".", "never.npz", download=False)
    text = str(error.value)
    assert text.startswith("Data set 'own': ") and text.endswith(".") and not Path("never.npz").exists()
    return text


def everything(data):
    """All samples in the order of train, validation and test."""
    return np.concatenate([samples for _, samples in data.splits.items()])


FORMS = {
    "arrays": "return X[split], Y[split]",
    "tensors": "return torch.tensor(X[split]), torch.tensor(Y[split])",
    "lists": "return X[split].tolist(), Y[split].tolist()",
    "a list of two arrays": "return [X[split], Y[split]]",
    "a dict": "return {'x': X[split], 'y': Y[split]}",
    "a tensor data set": "return TensorDataset(torch.tensor(X[split]), torch.tensor(Y[split]))",
    "a loader": "return DataLoader(TensorDataset(torch.tensor(X[split]), torch.tensor(Y[split])), batch_size=3)",
    "samples": "return [(x, int(y)) for x, y in zip(X[split], Y[split])]",
    "a generator of samples": "return ((torch.tensor(x), torch.tensor(y)) for x, y in zip(X[split], Y[split]))",
    "a generator of batches": "return ((X[split][i:i + 4], Y[split][i:i + 4]) for i in range(0, len(X[split]), 4))",
    "a data set without an end": (
        "class Own(Dataset):\n    def __len__(self):\n        return len(X[split])\n"
        "    def __getitem__(self, i):\n        return X[split][i % len(X[split])], Y[split][i % len(X[split])]\nreturn Own()"
    ),
    "samples as dicts": "return [{'x': x, 'label': y} for x, y in zip(X[split], Y[split])]",
    "bfloat16 that holds these numbers": "return torch.tensor(X[split]).double(), torch.tensor(Y[split])",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_samples_labels_and_splits(here, form):
    data, description = prepared(FORMS[form])
    random = np.random.default_rng(0)
    expected = np.concatenate([random.normal(size=(n, 3)) for n in (20, 5, 6)]).astype(np.float32)
    assert np.array_equal(data.x, expected) and data.x.dtype == np.float32
    assert data.y.tolist() == [i % 2 for n in (20, 5, 6) for i in range(n)]
    assert [len(samples) for _, samples in data.splits.items()] == [20, 5, 6]
    assert (data.class_names, data.is_labelled, description["shape"]) == (["0", "1"], True, [3])
    batch = data.batch(data.splits.test)
    assert np.array_equal(next(iter(batch.values())) if isinstance(batch, dict) else batch, expected[25:])
    assert np.array_equal(data.inputs(data.splits.test), expected[25:])


def test_labels_may_be_texts_or_one_hot(here):
    data, _ = prepared("return X[split], np.array(['no', 'yes'])[Y[split]]")
    assert data.class_names == ["no", "yes"] and data.y[:3].tolist() == [0, 1, 0]
    data, _ = prepared("return X[split], np.eye(2)[Y[split]]")
    assert data.class_names == ["0", "1"] and data.y[:3].tolist() == [0, 1, 0]


def test_token_ids_stay_whole_numbers_and_masks_come_along(here):
    body = (
        "ids = np.arange(len(X[split]) * 4).reshape(-1, 4)\n"
        "return {'input_ids': torch.tensor(ids), 'attention_mask': torch.tensor(ids % 3 > 0), 'labels': Y[split],\n"
        "        'texts': [f'text {i} \\u00e4' for i in range(len(ids))]}"
    )
    data, description = prepared(body)
    batch = data.batch(data.splits.validation)
    assert list(batch) == ["input_ids", "attention_mask"]
    assert batch["input_ids"].dtype == np.int64 and batch["input_ids"][0].tolist() == [0, 1, 2, 3]
    assert batch["attention_mask"].dtype == bool and batch["attention_mask"][0].tolist() == [False, True, True, False]
    assert data.extras.texts[20] == "text 0 ä" and len(data.extras.texts) == 31
    assert description["inputs"] == ["input_ids", "attention_mask"]


def test_a_mask_may_be_the_third_of_a_tuple(here):
    data, _ = prepared("return X[split], Y[split], (X[split] > 0).astype(np.uint8)")
    batch = data.batch(data.splits.train)
    assert list(batch) == ["x", "attention_mask"]
    assert np.array_equal(batch["attention_mask"], batch["x"] > 0) and batch["attention_mask"].dtype == np.int64


def test_samples_keep_their_own_shape(here):
    data, _ = prepared("return np.ones((len(X[split]), 5, 4, 7)) * X[split][:, :1, None, None], Y[split]")
    assert data.batch(data.splits.test).shape == (6, 5, 4, 7)
    assert data.inputs(data.splits.test).shape == (6, 140)


def test_images_in_bytes_are_divided_by_255_and_said(here):
    data, description = prepared(
        "numbers = np.arange(len(X[split]), dtype=np.uint8) * 9\n"
        "return np.tile(numbers[:, None, None, None], (1, 1, 4, 4)), Y[split]"
    )
    assert data.batch(np.array([3]))[0, 0, 0, 0] == np.float32(27) / np.float32(255)
    assert any("divided by 255" in sentence for sentence in description["decisions"])


def test_data_without_labels_are_kept_without_classes(here):
    for body in ("return X[split]", "return X[split], None", "return {'x': X[split], 'labels': None}"):
        data, description = prepared(body)
        assert data.class_names == [] and not data.is_labelled and not data.y.any()
        assert description["classes"] == [] and description["splits"]["train"] == {"samples": 20, "per_class": []}
        assert "There are no labels: what needs classes is left out." in description["decisions"]


def test_of_several_sets_of_labels_the_first_or_the_chosen_one_is_used(here):
    body = "return X[split], {'kind': Y[split], 'source': [('abcde' * 5)[i] for i in range(len(X[split]))]}"
    data, description = prepared(body)
    assert data.class_names == ["0", "1"] and list(data.extras.label_sets) == ["kind", "source"]
    assert "Of the labels kind, source, kind are used." in description["decisions"]
    assert description["labels"] == {"kind": ["0", "1"], "source": ["a", "b", "c", "d", "e"]}
    chosen, _ = prepared(body, labels="source")
    assert chosen.class_names == ["a", "b", "c", "d", "e"]
    assert np.array_equal(chosen.y, data.extras.label_sets["source"].y)
    assert "there are no labels 'kid'; it returned: kind, source" in refusal(body, labels="kid")


def test_labels_of_tokens_are_kept_for_every_position(here):
    body = (
        "ids = np.arange(len(X[split]) * 3).reshape(-1, 3)\n"
        "tags = np.where(ids % 3 == 2, -100, ids % 2)\nreturn {'input_ids': ids, 'labels': tags}"
    )
    data, description = prepared(body)
    assert data.class_names == ["0", "1"] and not data.is_labelled
    assert data.extras.position_labels[:2].tolist() == [[0, 1, -1], [1, 0, -1]]
    assert description["labels_of"] == "positions" and sum(description["splits"]["train"]["per_class"]) == 40
    with pytest.raises(ValueError, match="of positions"):
        data.labels(data.splits.train)


def test_one_class_is_taken_with_a_word(here):
    data, description = prepared("return X[split], np.zeros(len(X[split]), int)")
    assert data.class_names == ["0"] and any("one class only" in sentence for sentence in description["decisions"])


def test_splits_that_are_not_there_are_drawn(here):
    data, _ = prepared("return (X[split], Y[split]) if split == 'train' else None", test_size=5, validation_size=3)
    assert [len(samples) for _, samples in data.splits.items()] == [12, 3, 5]
    data, description = prepared("return (X['train'], Y['train']) if split == 'test' else None", test_size=5)
    assert sorted(everything(data)) == list(range(20))
    assert any("the test samples were taken" in sentence for sentence in description["decisions"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return X[split], Y[split][:-1]", "x of train has 20 samples, but y of train has 19 labels"),
        ("return {'a': X[split], 'b': X[split][1:], 'y': Y[split]}", "data('train'): 'a' has 20 samples, but 'b' has 19"),
        ("X[split][2, 1] = np.nan\nreturn X[split]", "1 NaN or infinite value(s) in 1 of 20 samples, the first at [2, 1]"),
        ("return X[split], (Y[split] if split == 'train' else None)", "labels are missing in validation: labels"),
        ("return X[split][:, :(2 if split == 'test' else 3)], Y[split]", "differ in shape: (3,) in train and (2,) in test"),
        ("return X[split][:0], Y[split][:0]", "data('train'): no samples"),
        ("return None", "it returned None for train, validation and test"),
        ("return 3", "not a single number. Hint: return all samples"),
        ("return ['a', 'b']", "must hold numbers, not <U1"),
        ("return ['some text'], [1]", "samples are texts. Hint: return token ids"),
        ("return X[split], X[split][:, 0]", "holds "),
        ("return [(x[:1 + i % 2], y) for i, (x, y) in enumerate(zip(X[split], Y[split]))]", "differ in shape: (1,) and (2,)"),
        ("return [(x, y if i else None) for i, (x, y) in enumerate(zip(X[split], Y[split]))]", "given for 19 of 20 samples"),
        ("return X[split] + 1j, Y[split]", "must hold numbers, not complex128"),
        ("raise KeyError('no file')", "my.py:data failed: KeyError: 'no file' ("),
        ("return {'labels': Y[split]}", "no input among labels"),
        ("return {'x': X[split], 'label': Y[split], 'y': Y[split]}", "both label and y are labels"),
        ("return X[split], np.arange(len(X[split]))", "20 classes for 20 training samples"),
        ("return {'x': X[split], 'texts': ['a']}", "train has 20 samples, but 1 texts"),
        ("return X[split], Y[split], Y[split], Y[split]", "a tuple of 4"),
        ("return ((1 / 0, 1) for i in range(3))", "my.py:data failed: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(here, body, said):
    assert said in refusal(body)


def test_what_the_file_tells_is_found_before_any_job(here):
    made = source("return X[split], Y[split]", data="my.py:dta")
    with pytest.raises(DatasetError, match=r"my\.py has no function 'dta'; did you mean 'data'\?"):
        preparing.check(made, ".", download=False)
    Path("my.py").write_text("raise SystemExit\ndef data(split): pass\n")
    preparing.check(made.model_copy(update={"data": "my.py:data"}), ".", download=False)
    with pytest.raises(DatasetError, match="there is no file gone"):
        preparing.check(made.model_copy(update={"data": "my.py:data", "files": ["gone"]}), ".", download=False)
    with pytest.raises(ValidationError):
        OwnFunction(source="function", name="own", data="my.data")


def test_an_edit_of_the_function_or_of_its_files_prepares_the_data_anew(here):
    Path("folder").mkdir()
    Path("values.csv").write_text("1")
    made = source("return X[split], Y[split]", files=["values.csv", "folder"])
    digests = [sources.files_digest(made)]
    Path("folder/a").write_text("1")
    digests.append(sources.files_digest(made))
    Path("values.csv").write_text("12")
    digests.append(sources.files_digest(made))
    source("return X[split] + 1, Y[split]")
    digests.append(sources.files_digest(made))
    assert len({*digests}) == 4 and None not in digests


def test_scaling_and_random_inputs_need_real_numbers(here):
    tokens = "return {'input_ids': np.arange(len(X[split]) * 2).reshape(-1, 2), 'y': Y[split]}"
    assert "scaling: centred needs one input of real numbers" in refusal(tokens, scaling="centred")
    data, _ = prepared(tokens)
    with pytest.raises(DatasetError, match="random_inputs need"):
        data.with_random_inputs(3)
    data, _ = prepared("return X[split], Y[split]", scaling="standardised")
    assert abs(data.batch(data.splits.train).mean()) < 1e-6


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return X[split]", "its samples have none. Hint: give labels"),
        ("return {'x': X[split], 'z': X[split], 'y': Y[split]}", "take one input, and it has 2"),
        ("return X[split].astype(int), Y[split]", "take real numbers, and it holds int64"),
        (
            "return np.arange(len(X[split]) * 3).reshape(-1, 3), np.arange(len(X[split]) * 3).reshape(-1, 3) % 2",
            "have none",
        ),
    ],
)
def test_families_refuse_what_they_cannot_be_trained_on(here, body, said):
    data, _ = prepared(body)
    made = source(body)
    assert said in problem_with_samples(made, data_size(made, "prepared.json"), ["mlp"])
    keys = {"model": "mlp", "depth": 2, "width": 4, "activation": "relu", "batch_norm": False}
    with pytest.raises(ConfigError) as error:
        network_shape(keys, data, Network(), None)
    assert said in str(error.value)


def test_families_take_what_they_could_take_from_any_other_source(here):
    prepared("return X[split], Y[split]")
    made = source("return X[split], Y[split]")
    size = data_size(made, "prepared.json")
    assert size == DataSize(31, 20, (3,), 2)
    assert problem_with_samples(made, size, ["mlp"]) is None


def test_the_file_of_other_sources_is_what_it_was(here):
    np.savez("own.npz", x=np.arange(60.0).reshape(20, 3), y=np.arange(20) % 2)
    preparing.prepare(Npz(source="npz", name="own", path="own.npz"), ".", "prepared.npz", download=False)
    with np.load("prepared.npz", allow_pickle=False) as archive:
        assert archive.files == ["x", "y", "shift", "scale", "train", "validation", "test", "class_names"]
    description = json.loads(Path("prepared.json").read_text())
    assert list(description) == [
        "source", "files", "samples", "shape", "dtype", "classes", "decisions", "warnings", "notes", "splits", "sha256",
    ]  # fmt: skip


def never(what):
    raise AssertionError(what)


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(1, 5),
    st.sampled_from(["float32", "int64", "uint8", "bool"]),
)
def test_batches_of_any_size_and_single_samples_give_the_same_arrays(n, shape, batch, dtype):
    x = (np.random.default_rng(0).normal(size=(n, 2, *shape)) * 9).astype(dtype)
    y = np.arange(n)
    whole = part_of((x, y), never)
    loaders = (
        [(torch.tensor(x[i]), int(y[i])) for i in range(n)],
        torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=batch),
        ({"x": x[i : i + batch], "labels": y[i : i + batch]} for i in range(0, n, batch)),
    )
    for loader in loaders:
        part = part_of(loader, never)
        assert np.array_equal(part.inputs["x"], whole.inputs["x"]) and part.inputs["x"].dtype == x.dtype
        assert part.labels["labels"].tolist() == y.tolist()


def test_images_of_pillow_become_channel_row_column():
    from PIL import Image

    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    part = part_of([(image, 0), (image, 1)], never)
    assert part.inputs["x"].shape == (2, 3, 2, 4)
    assert part_of([(image.convert("L"), 0)], never).inputs["x"].shape == (1, 1, 2, 4)
