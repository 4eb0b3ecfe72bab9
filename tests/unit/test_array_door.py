"""The user's own arrays: every type, order of axes, memory layout and form of labels arrives as it was meant, or is refused.

What is right is told by plain Python over nested lists, sample by sample.
"""

import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import LONG
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodescope.config.dataset import Npz
from nodescope.datasets import load, preparing, sizes, sources
from nodescope.datasets.sources import npz
from nodescope.messages.errors import DatasetError

pytestmark = pytest.mark.slow

CASES = 1000 if LONG else 200
IMAGES = (5, 7)  # rows, columns


def own(folder, arrays, **keys):
    path = folder / "own.npz"
    np.savez(path, **arrays)
    return Npz(source="npz", name="own", path=str(path), **keys)


def prepared(folder, arrays, **keys):
    path = folder / "prepared.npz"
    preparing.prepare(own(folder, arrays, **keys), ".", path, download=False)
    return load(path), json.loads(path.with_suffix(".json").read_text())


def refusal(folder, arrays, **keys):
    """The words of the refusal, which hold file, reason and remedy; before any job as in the job."""
    source = own(folder, arrays, **keys)
    with pytest.raises(DatasetError) as error:
        preparing.check(source, ".", download=False)
    with pytest.raises(DatasetError, match=re.escape(str(error.value)[:60])):
        preparing.prepare(source, ".", folder / "never.npz", download=False)
    return the_words(str(error.value))


def the_words(text):
    assert "own.npz" in text or "'own'" in text
    assert "Hint: " in text and text.endswith(".")
    assert "Traceback" not in text and len(text) < 700
    return text


def numbers(n=24, shape=(3,), seed=0):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def labels(n=24):
    return np.arange(n) % 3


# --- generated cases -------------------------------------------------------------------------------------

NUMBER_TYPES = ["u1", "<u2", ">u2", "<u4", "<u8", "i1", ">i2", "<i4", "<i8", "<f2", ">f4", "<f4", ">f8", "<f8", "?"]
LAYOUTS = ["C", "F", "strided", "reversed"]
SHAPES = {
    "features": lambda draw: (draw(st.integers(1, 6)),),
    "grey": lambda draw: (draw(st.integers(2, 7)), draw(st.integers(2, 7))),
    "channels first": lambda draw: (draw(st.sampled_from([1, 3, 4])), *IMAGES),
    "channels last": lambda draw: (*IMAGES, draw(st.sampled_from([1, 3, 4]))),
    "any images": lambda draw: tuple(draw(st.integers(1, 6)) for _ in range(3)),
    "volumes": lambda draw: (2, 3, 2, 2),
}
LABEL_FORMS = ["int64", ">i2", "uint8", "float", "bool", "text", "bytes", "column", "one-hot", "one-hot bool"]


def laid_out(x, layout):
    match layout:
        case "F":
            return np.asfortranarray(x)
        case "strided":
            return np.repeat(x, 2, axis=0)[::2]
        case "reversed":
            return x[::-1].copy()[::-1]
        case _:
            return x


def in_form(classes, form, n_classes):
    """Labels in one of the forms, from class numbers, and the names that they stand for."""
    names = [str(c) for c in range(n_classes)]
    match form:
        case "float":
            return np.array(classes, np.float32), names
        case "bool":
            return np.array(classes) == 1, ["False", "True"]
        case "text":
            return np.array([f"klasse-{c}-ä" for c in classes]), [f"klasse-{c}-ä" for c in range(n_classes)]
        case "bytes":
            return np.array([f"ß{c}".encode() for c in classes]), [f"ß{c}" for c in range(n_classes)]
        case "column":
            return np.array(classes)[:, None], names
        case "one-hot":
            return np.eye(n_classes)[classes], names
        case "one-hot bool":
            return np.eye(n_classes, dtype=bool)[classes], names
        case _:
            return np.array(classes, form), names


def as_seen(x, dtype, channels_last):
    """What networks see of one sample, as nested lists of Python floats."""
    values = np.asarray(x).astype(object)
    if channels_last:
        rows, columns, channels = values.shape
        values = np.array(
            [[[values[r, c, k] for c in range(columns)] for r in range(rows)] for k in range(channels)], dtype=object
        )
    divisor = 255.0 if dtype == "u1" else 65535.0 if dtype[-2:] == "u2" and values.ndim > 1 else 1.0
    return [float(value) / divisor for value in values.ravel()]


def drawn(random, shape, dtype):
    """Values all over what the type holds, as far as float32 is exact for whole numbers."""
    if dtype == "?":
        return random.random(shape) < 0.5
    if dtype[-2] == "f":
        return random.normal(scale=50, size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(max(limits.min, -(2**24)), min(limits.max, 2**24), shape, endpoint=True).astype(dtype)


@st.composite
def files(draw):
    """Arrays of a file, and what they mean."""
    kind = draw(st.sampled_from(list(SHAPES)))
    shape = SHAPES[kind](draw)
    dtype = draw(st.sampled_from(NUMBER_TYPES))
    form = draw(st.sampled_from(LABEL_FORMS))
    n_classes = 2 if form == "bool" else draw(st.integers(2, 4))
    parts = ["", *draw(st.lists(st.sampled_from(["_test", "_val"]), unique=True))]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrays, meaning = {}, {}
    for part in parts:
        n = 6 * n_classes if part == "" else n_classes
        x = drawn(random, (n, *shape), dtype)
        if part == "":
            x.reshape(n, -1)[:, 0] = np.arange(n) + 2 if dtype != "?" else np.arange(n) % 2  # not all alike
        classes = random.permutation(np.arange(n) % n_classes).tolist()
        y, names = in_form(classes, form, n_classes)
        arrays[f"x{part}"], arrays[f"y{part}"] = laid_out(x, draw(st.sampled_from(LAYOUTS))), y
        meaning[part] = (x.tolist(), [names[c] for c in classes])
    channels = draw(st.sampled_from([None, "first", "last"])) if len(shape) == 3 else None
    return arrays, meaning, kind, shape, dtype, channels


@settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
@given(files())
def test_any_arrays_arrive_with_their_values_or_are_refused_in_words(tmp_path_factory, case):
    arrays, meaning, kind, shape, dtype, channels = case
    folder = tmp_path_factory.getbasetemp()
    try:
        data, description = prepared(folder, arrays, channels=channels, validation_size=0.2)
    except DatasetError as error:
        # Nothing but images of an unusual shape may be refused.
        assert kind == "any images" and channels is None
        assert "channels: first" in the_words(str(error)) and str(list(shape))[1:-1] in str(error)
        return
    if kind == "any images" and channels is None:
        channels = "last" if any("channels last" in said for said in description["decisions"]) else "first"
    channels_last = channels == "last" or (channels is None and kind == "channels last")
    order = [part for part in ("", "_val", "_test") if part in meaning]
    expected = [as_seen(x, dtype, channels_last) for part in order for x in meaning[part][0]]
    np.testing.assert_array_equal(data.inputs(np.arange(len(data.x))), np.array(expected, np.float32))
    assert [data.class_names[c] for c in data.y] == [name for part in order for name in meaning[part][1]]
    assert len(data.x.shape) == {1: 2, 2: 4, 3: 4, 4: 5}[len(shape)]
    assert data.x.flags.c_contiguous and data.x.dtype in (np.uint8, np.float32)
    if channels_last:
        assert data.x.shape[1:] == (shape[2], *shape[:2])
        assert any("transposed to [sample, channel, row, column]" in said for said in description["decisions"])
    official = {"_val": data.splits.validation, "_test": data.splits.test}
    begin = len(meaning[""][0])
    for part in order[1:]:
        end = begin + len(meaning[part][0])
        np.testing.assert_array_equal(official[part], np.arange(begin, end))
        begin = end


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from(["", "PK\x03\x04", "\x93NUMPY\x01\x00"]))
def test_any_bytes_are_refused_in_words(tmp_path_factory, content, head):
    path = tmp_path_factory.getbasetemp() / "own.npz"
    path.write_bytes(head.encode("latin-1") + content)
    source = Npz(source="npz", name="own", path=str(path))
    assert npz.sample_shape(source) is None
    with pytest.raises(DatasetError) as error:
        preparing.check(source, ".", download=False)
    the_words(str(error.value))


# --- images ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((16, 16, 3), (3, 16, 16)),
        ((28, 28, 1), (1, 28, 28)),
        ((11, 5, 4), (4, 11, 5)),
        ((3, 224, 10), (3, 224, 10)),
        ((9, 9, 12), (12, 9, 9)),
        ((2, 6, 6), (2, 6, 6)),
        ((10, 11), (1, 10, 11)),
        ((784,), (784,)),
    ],
)
def test_where_the_channels_are_is_told_by_the_shape(tmp_path, shape, expected):
    arrays = {"x": numbers(shape=shape), "y": labels()}
    data, description = prepared(tmp_path, arrays)
    assert data.x.shape[1:] == expected == npz.sample_shape(own(tmp_path, arrays))
    assert tuple(description["shape"]) == expected
    moved = expected != shape
    assert bool(description["decisions"]) == moved


@pytest.mark.parametrize("shape", [(3, 5, 3), (4, 4, 4), (1, 9, 1), (4, 4, 16), (16, 3, 3), (5, 6, 7), (3, 10, 4)])
def test_images_whose_shape_does_not_tell_need_the_key(tmp_path, shape):
    arrays = {"x": numbers(shape=shape), "y": labels()}
    text = refusal(tmp_path, arrays)
    assert "channels: first" in text and "channels: last" in text and str(list(shape))[1:-1] in text
    assert npz.sample_shape(own(tmp_path, arrays)) is None
    first, _ = prepared(tmp_path, arrays, channels="first")
    np.testing.assert_array_equal(first.x, arrays["x"])
    last, description = prepared(tmp_path, arrays, channels="last")
    np.testing.assert_array_equal(last.x, np.einsum("nrck->nkrc", arrays["x"]))
    assert "transposed" in description["decisions"][0]


def test_the_key_is_refused_where_there_are_no_channels(tmp_path):
    assert "has no channel axis" in refusal(tmp_path, {"x": numbers(), "y": labels()}, channels="last")


def test_shapes_are_held_against_the_networks_before_any_job(tmp_path):
    def problem(shape, model, **keys):
        source = own(tmp_path, {"x": numbers(shape=shape), "y": labels()}, **keys)
        return sizes.problem_with_samples(source, sizes.data_size(source, "none.json"), ["mlp", model])

    for model in ("cnn", "resnet"):
        said = problem((6,), model)
        assert f"Data set 'own': {model} needs images (channel, row, column), but a sample has the shape (6,)" in said
        assert problem((8, 9), model) is None
        assert problem((8, 9, 3), model) is None
    assert "at least 4x4 pixels, not 9x3" in problem((3, 9, 1), "cnn", channels="last")
    assert problem((6,), "mlp") is None
    assert problem((2, 3, 2, 2), "mlp") is None


# --- types -----------------------------------------------------------------------------------------------


def test_whole_numbers_that_float32_cannot_hold_are_spoken_of(tmp_path):
    x = np.arange(48, dtype=np.int64).reshape(24, 2)
    x[5, 1] = 2**24 + 1
    x[6, 1] = 2**31 + 3
    _, description = prepared(tmp_path, {"x": x, "y": labels()})
    assert any(
        "2 whole numbers of x beyond 2**24 are rounded to float32, by at most 3" in s for s in description["decisions"]
    )


def test_features_that_lose_their_spread_are_spoken_of(tmp_path):
    x = np.random.default_rng(0).normal(size=(24, 3))
    x[:, 1] += 1.6e9  # a time stamp in seconds
    _, description = prepared(tmp_path, {"x": x, "y": labels()})
    assert any("changes 1 feature(s)" in said and "the first: 1" in said for said in description["decisions"])


@pytest.mark.parametrize(
    ("types", "is_taken"),
    [
        (("f4", "f8"), True), (("i4", "u2"), True), (("u1", "u1"), True), (("u1", "f4"), False),
        (("u1", "u2"), False), (("u1", "i8"), False), (("?", "f4"), False), (("i4", "f4"), False),
    ],
)  # fmt: skip
def test_arrays_that_would_be_scaled_unlike_are_refused(tmp_path, types, is_taken):
    random = np.random.default_rng(0).integers(0, 2 if "?" in types else 100, (24, 3))
    arrays = {"x": random.astype(types[0]), "y": labels(), "x_val": random.astype(types[1]), "y_val": labels()}
    if is_taken:
        data, _ = prepared(tmp_path, arrays)
        np.testing.assert_array_equal(data.inputs(np.arange(24)), data.inputs(np.arange(24, 48)))
    else:
        text = refusal(tmp_path, arrays)
        assert "x and x_val must be of one type" in text and str(np.dtype(types[1])) in text


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
@pytest.mark.parametrize("shape", [(24, 5, 3), (24, 2, 5, 5), (24, 6, 4, 3)])
def test_images_of_16_bits_are_scaled_as_image_files_of_16_bits_are(tmp_path, dtype, shape):
    x = np.random.default_rng(0).integers(0, 65536, shape).astype(dtype)
    data, description = prepared(tmp_path, {"x": x, "y": labels()})
    in_order = np.moveaxis(x, -1, 1) if shape[-1] == 3 and len(shape) == 4 else x
    expected = (in_order.astype(np.float64) / 65535).astype(np.float32)
    np.testing.assert_array_equal(data.inputs(np.arange(24)), expected.reshape(24, -1))
    assert any("divided by 65535" in said for said in description["decisions"])
    assert not any("are large" in said or "are dark" in said for said in description["warnings"])


def test_images_of_12_bits_in_16_are_warned_of_as_dark(tmp_path):
    x = np.random.default_rng(0).integers(0, 4096, (24, 6, 6)).astype(np.uint16)
    _, description = prepared(tmp_path, {"x": x, "y": labels()})
    assert any(f"the largest being {x.max()}" in said for said in description["decisions"])
    assert any("dark" in said for said in description["warnings"])


def test_features_of_16_bits_are_taken_as_they_are(tmp_path):
    x = np.random.default_rng(0).integers(0, 65536, (24, 6)).astype(np.uint16)
    data, _ = prepared(tmp_path, {"x": x, "y": labels()})
    np.testing.assert_array_equal(data.x, x.astype(np.float32))


def test_images_of_16_and_of_32_bits_are_not_scaled_unlike(tmp_path):
    x = np.random.default_rng(0).integers(0, 60000, (24, 6, 6))
    arrays = {"x": x.astype(np.uint16), "y": labels(), "x_test": x.astype(np.int32), "y_test": labels()}
    assert "must be of one type" in refusal(tmp_path, arrays)


@pytest.mark.parametrize(("channels", "is_said"), [(4, True), (3, False)])
def test_of_four_channels_it_is_said_that_none_is_transparency(tmp_path, channels, is_said):
    x = np.random.default_rng(0).integers(0, 256, (24, 7, 7, channels)).astype(np.uint8)
    _, description = prepared(tmp_path, {"x": x, "y": labels()})
    assert any("none of them is treated as transparency" in said for said in description["decisions"]) == is_said


def test_bytes_that_are_switches_are_not_divided(tmp_path):
    x = np.random.default_rng(0).integers(0, 2, (24, 9)).astype(np.uint8)
    data, description = prepared(tmp_path, {"x": x, "y": labels()})
    assert data.inputs(np.arange(24)).max() == 1
    assert any("they are not divided" in said for said in description["decisions"])


def test_missing_values_are_counted_and_placed(tmp_path):
    x = numbers(shape=(2, 3))
    x[7, 1, 2] = np.nan
    x[9] = np.inf
    text = refusal(tmp_path, {"x": x, "y": labels()})
    assert "7 NaN or infinite value(s) in 2 of 24 samples, the first at [7, 1, 2]" in text


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.float32(3), "not of shape ()"),
        (np.ones(24), "x[:, None]"),
        (np.ones((0, 3)), "at least one sample"),
        (np.ones((24, 0)), "at least one sample"),
        (np.ones((24, 2), complex), "must hold numbers"),
        (np.zeros((24, 2), "M8[s]"), "must hold numbers"),
        (np.zeros(24, [("a", "f4")]), "must hold numbers"),
        (np.full((24, 2), 1e39), "beyond the range of float32"),
    ],
)
def test_samples_that_cannot_be_are_refused(tmp_path, x, reason):
    assert reason in refusal(tmp_path, {"x": x, "y": labels()})


# --- labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (np.linspace(0, 1, 24), "regression"),
        (np.array([0.0, np.nan] * 12), "12 NaN or infinite value(s), the first at [1]"),
        (np.ones((24, 2)), "not one-hot: row 0 is [1. 1.]"),
        (np.zeros((24, 3), bool), "not one-hot"),
        (np.eye(3)[labels()].T, "transpose y"),
        (np.zeros((24, 2, 2)), "must be a list of class indices or names"),
        (np.array([["a", "b"]] * 24), "must be a list of class indices or names"),
        (np.int64(3), "must be a list of class indices or names"),
        (np.zeros(24), "one class only"),
        (np.arange(24) % 3 * 1j, "must hold class indices or names, not complex128"),
        (np.array([b"\xff", b"a"] * 12), "not UTF-8"),
        (np.full(24, 2**64 - 1, np.uint64), "beyond what int64"),
        (np.arange(24), "y has 24 classes for 24 training samples. Hint: labels must be classes"),
        (np.arange(23), "x has 24 samples, but y has 23 labels"),
    ],
)
def test_labels_that_cannot_be_classes_are_refused(tmp_path, y, reason):
    assert reason in refusal(tmp_path, {"x": numbers(), "y": y})


@pytest.mark.parametrize(
    ("y", "y_test", "names"),
    [
        (np.array([5, -1] * 12), np.array([5, -1], np.int8), ["-1", "5"]),
        (labels().astype(">i8"), labels(6).astype(np.uint8), ["0", "1", "2"]),
        (labels() % 2 == 1, np.array([1.0, 0.0]), ["0", "1"]),
        (np.eye(3)[labels()], labels(3), ["0", "1", "2"]),
        (np.array(["caf\u00e9", "tee"] * 12), np.array(["cafe\u0301", "tee"]), ["café", "tee"]),
        (np.array(["a", "bcd"] * 12), np.array([b"bcd", b"a"]), ["a", "bcd"]),
        (np.array([2**53 + 1, 2**53] * 12, np.uint64), np.array([2**53], np.int64), [str(2**53), str(2**53 + 1)]),
    ],
)
def test_labels_of_two_types_that_mean_the_same_are_taken(tmp_path, y, y_test, names):
    x_test = numbers(len(y_test), seed=1)
    data, _ = prepared(tmp_path, {"x": numbers(), "y": y, "x_test": x_test, "y_test": y_test})
    assert data.class_names == names
    assert len(data.splits.test) == len(y_test)


def test_labels_of_two_types_that_may_differ_are_refused(tmp_path):
    arrays = {"x": numbers(), "y": labels(), "x_test": numbers(3, seed=1), "y_test": np.array(["0", "1", "2"])}
    assert "y holds numbers, y_test holds text" in refusal(tmp_path, arrays)
    arrays |= {"y": np.eye(3)[labels()], "y_test": np.eye(4)[labels(3)]}
    assert "y has 3 columns, y_test has 4 columns" in refusal(tmp_path, arrays)


# --- the file --------------------------------------------------------------------------------------------


def test_official_validation_samples_are_used_under_each_of_their_names(tmp_path):
    for ending in ("_validation", "_val", "_valid"):
        arrays = {"x_train": numbers(), "y_train": labels()}
        arrays |= {
            f"x{ending}": numbers(6, seed=1),
            f"y{ending}": labels(6),
            "x_test": numbers(9, seed=2),
            "y_test": labels(9),
        }
        data, description = prepared(tmp_path, arrays)
        np.testing.assert_array_equal(data.x[data.splits.validation], arrays[f"x{ending}"])
        np.testing.assert_array_equal(data.x[data.splits.test], arrays["x_test"])
        assert description["splits"]["train"]["samples"] == 24


def test_arrays_that_are_not_used_are_named_and_those_that_mean_the_same_refused(tmp_path):
    arrays = {"x": numbers(), "y": labels()}
    _, description = prepared(tmp_path, arrays | {"x_tets": numbers(3), "info": np.array(["a"])})
    assert any("Not used: x_tets, info (known are" in said for said in description["decisions"])
    assert "has both x and x_train" in refusal(tmp_path, arrays | {"x_train": numbers()})
    assert "needs both x_validation and y_validation" in refusal(tmp_path, arrays | {"x_val": numbers()})
    assert "has no array 'x'; it has: X, y" in refusal(tmp_path, {"X": numbers(), "y": labels()})


def test_what_is_no_archive_of_arrays_is_called_by_its_name(tmp_path):
    path = tmp_path / "own.npz"
    source = Npz(source="npz", name="own", path=str(path))

    def words():
        with pytest.raises(DatasetError) as error:
            preparing.check(source, ".", download=False)
        return the_words(str(error.value))

    assert "there is no file" in words()
    path.write_bytes(b"")
    assert "it is empty" in words()
    with path.open("wb") as stream:
        np.save(stream, numbers())
    assert "it holds a single array (.npy)" in words()
    path.write_text("a,b,c\n1,2,3\n")
    assert "it is not a NumPy archive" in words()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y", "text")
    assert "not a NumPy array" in words()
    np.savez(path, x=numbers(), y=np.array([None, "a"] * 12, dtype=object))
    assert "objects cannot be loaded safely" in words()
    path.unlink()
    path.mkdir()
    assert "is a folder" in words()


def test_a_file_that_an_older_one_replaces_is_noticed(tmp_path):
    source = own(tmp_path, {"x": numbers(), "y": labels()})
    digest = sources.files_digest(source)
    assert sources.files_digest(source) == digest
    written = Path(source.path).stat().st_mtime_ns
    os.utime(source.path, ns=(written, written - 10**12))
    assert sources.files_digest(source) not in (digest, None)
    Path(source.path).unlink()
    assert sources.files_digest(source) is None


def test_a_description_is_current_for_its_settings_and_files_only(tmp_path):
    source = own(tmp_path, {"x": numbers(), "y": labels()})
    preparing.prepare(source, ".", tmp_path / "prepared.npz", download=False)
    path, digest = tmp_path / "prepared.json", sources.files_digest(source)
    assert preparing.current_description(source, path, digest)["samples"] == 24
    assert preparing.current_description(source, path, "another") is None
    assert preparing.current_description(source.model_copy(update={"split_seed": 1}), path, digest) is None
    assert preparing.current_description(source, tmp_path / "none.json", digest) is None
    path.write_text("{}")
    assert preparing.current_description(source, path, digest) is None


def test_settings_that_the_data_leave_no_room_for_are_named(tmp_path):
    arrays = {"x": numbers(), "y": labels(), "x_val": numbers(6, seed=1), "y_val": labels(6)}
    _, description = prepared(tmp_path, arrays, validation_size=0.3, test_size=0.25, train_size=500)
    assert description["decisions"] == [
        "The data set has validation samples of its own, so validation_size had no effect.",
        "train_size asks for 500 training samples, but only 18 are left; all of them are used.",
    ]
    arrays |= {"x_test": numbers(6, seed=2), "y_test": labels(6)}
    _, description = prepared(tmp_path, arrays, test_size=0.25, test_split="scikit_learn", train_size=20)
    assert description["decisions"] == [
        "The data set has test samples of its own, so test_size and test_split had no effect."
    ]


def test_samples_that_only_rounding_made_the_same_are_refused_with_that_cause(tmp_path):
    x = 1e9 + np.random.default_rng(0).normal(size=(30, 2))
    text = refusal(tmp_path, {"x": x, "y": labels(30)})
    assert "are the same" in text and "Rounding x to float32" in text and "Subtract their mean" in text


def test_classes_that_scikit_learns_draw_misses_are_explained_by_it(tmp_path):
    y = np.array([0] * 57 + [1] * 3)
    arrays = {"x": numbers(60), "y": y}
    for seed in range(100):
        data, description = prepared(tmp_path, arrays, test_split="scikit_learn", split_seed=seed)
        if (data.y[data.splits.test] == 0).all():
            break
    assert any("stratify: true with test_split: own" in said for said in description["warnings"])


@pytest.mark.parametrize("folder", ["", "/somewhere/"])
def test_a_missing_file_is_named_with_a_hint_that_fits_its_path(folder):
    with pytest.raises(DatasetError) as error:
        preparing.check(Npz(source="npz", name="mine", path=f"{folder}none.npz"), ".", download=False)
    text = str(error.value)
    assert f"there is no file {folder}none.npz" in text and ("relative to the working directory" in text) == (
        not folder
    )
