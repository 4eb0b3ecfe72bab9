"""What is said of data before anything is trained on them: right where something is wrong, silent where nothing is."""

import json
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as array_of

from nodescope.config.dataset import Digits, Gaussian, Iris, Npz
from nodescope.config.loading import parse_config
from nodescope.datasets import inspection, preparing
from nodescope.datasets.prepared import PreparedDataset
from nodescope.datasets.preparing import examine
from nodescope.datasets.splits import Splits
from nodescope.estimates import plan as planning
from nodescope.messages.errors import DatasetError
from nodescope.study.layout import prepared_path


def a_dataset(x, y=None, *, n_validation=40, n_test=60, shift=0.0, scale=1.0):
    """The last samples are for test, those before them for validation."""
    n = len(x)
    y = np.arange(n) % 4 if y is None else y
    splits = Splits(*np.split(np.arange(n), [n - n_test - n_validation, n - n_test]))
    names = [f"class-{c}" for c in range(max(y) + 1)]
    return PreparedDataset(x, y, splits, names, np.float32(shift), np.float32(scale))


def look(x, y=None, *, official=(), stratified=("validation", "test"), **of_data):
    return inspection.inspect(a_dataset(x, y, **of_data), name="mine", official=official, stratified=stratified)


def the_only(found):
    assert len(found) == 1, found
    return found[0]


def features(n=300, k=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, k)).astype(np.float32)


def pictures(n=300, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, channels, 5, 4)).astype(np.uint8)


@pytest.mark.parametrize("x", [features(), pictures(), pictures(channels=1)])
def test_ordinary_data_give_no_word(x):
    assert look(x) == inspection.Inspection()


@pytest.mark.parametrize(
    "source",
    [
        Digits(source="digits"),
        Digits(source="digits", scaling="centred"),
        Digits(source="digits", scaling="standardised", stratify=False),
        Iris(source="iris"),
        Iris(source="iris", scaling="as_is", split_seed=7),
        Gaussian(source="gaussian"),
        Gaussian(source="gaussian", samples=700, features=200, validation_size=100, test_size=100),
    ],
)
def test_the_data_sets_that_come_with_it_give_no_warning(source):
    assert examine(source, ".", download=False).inspection.warnings == ()


def test_border_pixels_are_a_note_and_no_warning():
    x = pictures()
    x[:, :, 0] = 0
    x[-1, 0, 0, 0] = 9  # in the test samples one of them varies
    found = look(x)
    assert found.warnings == ()
    assert "12 of 60 pixel values never vary in the training samples (1 of them do among the test samples)" in the_only(
        found.notes
    )


# --- copies ----------------------------------------------------------------------------------------------


@given(
    array_of(
        st.sampled_from(["u1", "f4"]), st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.integers(0, 2)
    )
)
def test_equal_samples_are_found_one_by_one(x):
    x = x * np.where(np.arange(len(x)) % 2, -1, 1).astype(x.dtype)[:, None] if x.dtype == np.float32 else x  # -0 and 0
    rows = x.tolist()
    assert inspection.first_of_equals(x).tolist() == [rows.index(row) for row in rows]


class NoFactors:
    """Random numbers that make all hashes equal."""

    def integers(self, *_, size, dtype):
        return np.zeros(size, dtype)


def test_equal_hashes_alone_make_no_copies(monkeypatch):
    x = pictures()
    monkeypatch.setattr(np.random, "default_rng", lambda _: NoFactors())
    assert len(np.unique(inspection.first_of_equals(x))) == 300


@pytest.mark.parametrize("x", [np.full((200, 2, 3, 3), 255, np.uint8), np.zeros((200, 7), np.float32)])
def test_training_samples_that_are_all_the_same_are_an_error(x):
    with pytest.raises(DatasetError, match=r"'mine': all 100 training samples are the same.*Hint:"):
        look(x)


def test_copies_are_counted_within_and_between_splits():
    x = features()
    x[10:60] = x[100:150]  # within the 200 training samples
    x[245:257] = x[100:112]  # 12 test samples that training has; classes go along
    y = np.arange(300) % 2
    found = look(x, y)
    assert "50 of 200 training samples (25.0%) are exact duplicates" in found.warnings[0]
    assert "12 of 60 test samples (20.0%) are also training samples" in found.warnings[1]
    x[210] = x[250]
    assert any("1 of 60 test samples (1.7%) are also validation samples" in note for note in look(x, y).notes)


def test_equal_samples_of_different_classes_are_counted():
    x = features()
    x[1:7] = x[0]
    found = look(x)
    assert "7 samples (2.3%) have equal values but different classes" in the_only(found.warnings)


# --- features --------------------------------------------------------------------------------------------


def test_features_and_channels_that_never_vary_are_named():
    x = features()
    x[:, [1, 4]] = 3
    x[280:, 4] = 4
    text = the_only(look(x).warnings)
    assert "2 of 6 features never vary in the training samples (counted from 0: 1, 4)" in text
    assert "1 of them do among the test samples" in text
    x = pictures(channels=4)
    x[:, 3] = 255
    assert "Channel 3 of 4 (counted from 0) has one value only" in the_only(look(x).warnings)
    x[:, 1] = 0
    assert "Channels 1, 3 of 4 (counted from 0) have one value only" in the_only(look(x).warnings)


def test_pictures_that_hardly_vary_are_warned_of():
    x = pictures()
    x[:, :, 1:] = 0
    assert "48 of 60 pixel values never vary" in the_only(look(x).warnings)


@pytest.mark.parametrize(
    ("x", "of_data", "said"),
    [
        (pictures().astype(np.float32), {}, "between 0 and 255, root mean square 147"),
        (np.random.default_rng(0).uniform(0, 65535, (300, 1, 4, 4)).astype(np.float32), {}, "Save images as uint8"),
        (features() * 60, {}, "Values are large"),
        (pictures() // 16, {}, "Images are dark: what networks see lies between 0 and 0.05882"),
        (features() * 1e-5, {}, "Values are small"),
        (features() * np.array([1, 1, 1, 1, 1, 1e4], np.float32), {"shift": 0, "scale": 1000}, "Features differ in scale"),
    ],
)  # fmt: skip
def test_values_of_an_unusual_size_are_warned_of_as_networks_see_them(x, of_data, said):
    assert said in the_only(look(x, **of_data).warnings)


def test_features_that_are_all_large_do_not_differ_in_scale():
    assert "Values are large" in the_only(look(features() * 5000).warnings)


def test_scaling_takes_the_warning_away():
    x = features() * 60 + 500
    assert look(x).warnings and not look(x, shift=500, scale=60).warnings


def test_values_far_out_are_measured_in_robust_standard_deviations():
    x = features(4000)
    x[17, 2] = 1000
    text = the_only(look(x).warnings)
    low, high = np.quantile(x[:3900, 2].astype(float), [0.25, 0.75])
    away = (1000 - np.median(x[:3900, 2])) / ((high - low) / 1.349)
    assert "1 of 6 features have values more than 100 robust" in text and f"at most {away:.3g} (feature 2)" in text
    x[3950, 3] = 1e5  # among the test samples: no matter of training
    assert len([w for w in look(x).warnings if "robust" in w]) == 1
    heavy = np.random.default_rng(0).lognormal(size=(4000, 3)).astype(np.float32)
    assert not look(heavy).warnings


def test_a_test_set_that_is_scaled_otherwise_is_warned_of():
    x = np.random.default_rng(0).random((300, 1, 4, 4)).astype(np.float32)
    x[240:] *= 255
    assert any(
        "The test samples are distributed differently from the training samples" in said for said in look(x).warnings
    )
    x = features()
    x[240:, 5] += 3
    text = the_only(look(x).warnings)
    assert "1 of 6 features have a different mean among the test samples" in text and "(feature 5)" in text
    x = features()
    x[200:240] *= 4
    assert "The validation samples are distributed differently" in the_only(look(x).warnings)


@given(st.integers(0, 2**32), st.sampled_from([np.uint8, np.float32]))
def test_moments_are_those_of_what_networks_see(seed, dtype):
    random = np.random.default_rng(seed)
    x = (random.integers(0, 256, (150, 2, 3, 2)) + (0 if dtype == np.uint8 else 1e5)).astype(dtype)
    data = a_dataset(x, shift=random.normal(), scale=random.uniform(0.1, 9))
    found = inspection._of_features(data, data.splits.test)
    seen = data.inputs(data.splits.test).astype(np.float64)
    np.testing.assert_allclose(found.mean, seen.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.deviation, seen.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.lowest, seen.min(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.highest, seen.max(axis=0), rtol=1e-5, atol=1e-6)


# --- classes ---------------------------------------------------------------------------------------------


def test_small_classes_are_named_with_their_numbers_and_where_they_are_missing():
    y = np.arange(300) % 2
    y[[0, 1, 2, 230, 280]] = 2
    text = the_only(look(features(), y).warnings)
    assert "1 of 3 classes have fewer than 10 training samples: 'class-2' (3); the largest class has 99" in text
    assert "no test samples" not in text
    y[280] = 0
    assert "Too small for all splits: no test samples of 'class-2'." in the_only(look(features(), y).warnings)
    with_official = look(features(), y, official=("test",)).warnings
    assert len(with_official) == 2 and "The split is part of the data" in with_official[1]


def test_classes_of_unequal_size_are_warned_of_with_the_accuracy_of_a_guess():
    y = (np.arange(300) % 15 == 0).astype(int)
    text = the_only(look(features(), y).warnings)
    assert (
        "'class-0' has 186 training samples, 'class-1' 14; always predicting the largest gives an accuracy of 93.0%"
        in text
    )


@pytest.mark.parametrize(
    ("drawn", "why"),
    [
        ({"official": ("test",)}, "The split is part of the data"),
        ({}, "The split is smaller than the number of classes"),
        ({"stratified": ()}, "stratify: true with test_split: own gives the split its share"),
        ({"stratified": ("validation",)}, "stratify: true with test_split: own gives the split its share"),
    ],
)
def test_classes_that_a_split_lacks_are_one_warning_with_their_cause(drawn, why):
    y = np.arange(300) % 7
    y[240:] = np.arange(60) % 5
    text = the_only(look(features(), y, **drawn).warnings)
    assert "no test samples of 2 of 7 classes: 'class-5' (34), 'class-6' (34)" in text and why in text


# --- where it is said ------------------------------------------------------------------------------------


@pytest.fixture
def shifted_file(tmp_path):
    x = features(60, 3)
    x[:, 1] = 7
    path = tmp_path / "mine.npz"
    np.savez(path, x=x, y=np.arange(60) % 2 == 0)
    return Npz(source="npz", name="mine", path=str(path))


def test_warnings_stand_in_the_log_and_in_the_description(shifted_file, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "nodescope"):
        preparing.prepare(shifted_file, ".", tmp_path / "mine-prepared.npz", download=False)
    warned = the_only([record.getMessage() for record in caplog.records if record.levelno == logging.WARNING])
    description = json.loads((tmp_path / "mine-prepared.json").read_text())
    assert the_only(description["warnings"]) in warned and "1 of 3 features never vary" in warned
    assert description["decisions"] == [] and description["notes"] == []


def test_the_plan_warns_of_data_that_are_prepared_or_read_in_a_moment(shifted_file, tmp_path, monkeypatch):
    def plan(source):
        grid = {"depth": [2], "width": [4], "activation": ["relu"]}
        dataset = source.model_dump(exclude_none=True)
        return planning.describe_plan(
            parse_config({"studies": [{"name": "s", "dataset": dataset, "grid": grid}]}), 1, tmp_path
        )

    assert "  warning     1 of 3 features never vary" in plan(shifted_file)
    (tmp_path / "datasets").mkdir()
    preparing.prepare(shifted_file, ".", prepared_path(shifted_file, tmp_path), download=False)
    with monkeypatch.context() as patched:
        patched.setattr(preparing, "examine", None)  # the plan does not read it again
        assert "  warning     1 of 3 features never vary" in plan(shifted_file)
    np.savez(shifted_file.path, x=features(80, 3), y=np.arange(80) % 2)
    assert "never vary" not in plan(shifted_file)  # of what is there now
    assert "gaussian will be inspected during preparation" in plan(Gaussian(source="gaussian"))


def test_identical_samples_are_refused_before_any_job(tmp_path):
    path = tmp_path / "white.npz"
    np.savez(path, x=np.full((40, 1, 5, 5), 65535, np.uint16), y=np.arange(40) % 2)
    with pytest.raises(DatasetError, match="training samples are the same"):
        preparing.check(Npz(source="npz", name="white", path=str(path)), ".", download=False)
