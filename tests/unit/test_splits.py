"""Splits: exact sizes, the same share of every class, and what becomes of classes with few samples."""

import hashlib

import numpy as np
import pytest
import yaml
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from nodescope.config.dataset import DATASET_SOURCES
from nodescope.config.loading import parse_config
from nodescope.config.study import RecordingsStudy
from nodescope.datasets.splits import draw_splits
from nodescope.messages.errors import DatasetError


def split(labels, *, seed=0, validation_size=0.1, test_size=0.2, **keys):
    labels = np.asarray(labels)
    names = [f"class-{c}" for c in range(labels.max() + 1)]
    keys = {"official_test": 0, "name": "own", **keys}
    return draw_splits(labels, names, validation_size=validation_size, test_size=test_size, seed=seed, **keys)


def counts(labels, indices):
    return np.bincount(np.asarray(labels)[indices], minlength=max(labels) + 1)


def of_sizes(sizes, seed=0):
    """Labels of classes of these sizes, in any order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


@st.composite
def labelled(draw, smallest=4):
    sizes = draw(st.lists(st.integers(smallest, 60), min_size=2, max_size=25))
    return of_sizes(sizes, draw(st.integers(0, 2**32)))


SHARES = st.floats(0.02, 0.45)


@given(labelled(), SHARES, SHARES, st.integers(0, 2**32 - 1), st.booleans())
def test_splits_are_disjoint_complete_and_of_the_sizes_asked_for(labels, test_size, validation_size, seed, stratify):
    keys = {"test_size": test_size, "validation_size": validation_size, "seed": seed, "stratify": stratify}
    try:
        splits = split(labels, **keys)
    except DatasetError:
        assert not stratify  # a class may lose all its samples by chance
        return
    together = np.concatenate([indices for _, indices in splits.items()])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(labels)))
    n_test = max(1, round(test_size * len(labels)))
    assert len(splits.test) == n_test
    assert len(splits.validation) == max(1, round(validation_size * (len(labels) - n_test)))
    for (_, once), (_, again) in zip(splits.items(), split(labels, **keys).items(), strict=True):
        assert (np.diff(once) > 0).all()
        np.testing.assert_array_equal(once, again)


@given(labelled(smallest=12), SHARES, st.integers(0, 2**32 - 1))
def test_no_class_is_off_its_share_by_a_sample(labels, test_size, seed):
    of_all = counts(labels, np.arange(len(labels)))
    test_size = max(test_size, 1 / 12)  # so that none is due less than one
    splits = split(labels, test_size=test_size, seed=seed)
    in_test = counts(labels, splits.test)
    # In units of 1 / len(labels), so that the numbers are whole.
    remainder = of_all * len(splits.test) % len(labels)
    is_up = in_test > of_all * len(splits.test) // len(labels)
    assert (np.abs(in_test * len(labels) - of_all * len(splits.test)) < len(labels)).all()
    if is_up.any():
        assert remainder[is_up].min() >= remainder[~is_up].max(initial=0)


@given(labelled(smallest=1), SHARES, SHARES, st.integers(0, 2**32 - 1))
def test_small_classes_are_in_every_split_where_the_sizes_allow_it(labels, test_size, validation_size, seed):
    of_all = counts(labels, np.arange(len(labels)))
    try:
        splits = split(labels, test_size=test_size, validation_size=validation_size, seed=seed)
    except DatasetError:
        spare = np.maximum(of_all - 1, 0).sum()
        n_test = max(1, round(test_size * len(labels)))
        assert spare < n_test + max(1, round(validation_size * (len(labels) - n_test)))
        return
    in_test, in_validation, in_train = (
        counts(labels, indices) for indices in (splits.test, splits.validation, splits.train)
    )
    assert (in_train[of_all > 0] >= 1).all()
    enough = of_all >= 3
    if len(splits.test) >= enough.sum():
        assert (in_test[enough] >= 1).all()
    if len(splits.validation) >= (of_all - in_test >= 2).sum():
        assert (in_validation[of_all - in_test >= 2] >= 1).all()


@given(labelled(), st.integers(0, 30), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_official_samples_are_taken_as_they_are(labels, n_validation, n_test, seed):
    # Of any classes, some of them absent.
    official = np.resize(labels[: len(labels) // 2], n_validation + n_test)
    splits = split(
        np.concatenate([labels, official]), official_validation=n_validation, official_test=n_test, seed=seed
    )
    pool, n = len(labels), len(labels) + n_validation + n_test
    if n_validation:
        np.testing.assert_array_equal(splits.validation, np.arange(pool, pool + n_validation))
    if n_test:
        np.testing.assert_array_equal(splits.test, np.arange(pool + n_validation, n))
    assert len(splits.test) and len(splits.validation)
    assert splits.train.max() < pool
    assert (counts(labels, splits.train) >= 1).all()
    together = np.concatenate([indices for _, indices in splits.items()])
    np.testing.assert_array_equal(np.sort(together), np.arange(n))


@pytest.mark.parametrize("stratify", [True, False])
def test_seeds_draw_other_samples_and_every_sample_is_drawn_equally_often(stratify):
    labels = of_sizes([30, 10])
    drawn = np.zeros(40)
    for seed in range(2000):
        drawn[split(labels, seed=seed, stratify=stratify).test] += 1
    # 8 of 40 each time: of a binomial with 2000 trials, 400 expected, standard deviation 18
    assert (np.abs(drawn - 400) < 5 * 18).all()


def test_a_hundred_classes_of_thirty_samples_share_alike():
    labels = of_sizes([30] * 100)
    splits = split(labels, validation_size=500, test_size=0.2)
    assert (counts(labels, splits.test) == 6).all()
    assert (counts(labels, splits.validation) == 5).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_class_of_ten_in_two_hundred_is_in_every_split_whatever_the_seed(seed):
    labels = of_sizes([190, 10], seed)
    splits = split(labels, seed=seed)
    assert [counts(labels, indices)[1] for _, indices in splits.items()] == [7, 1, 2]


def test_training_samples_are_stratified_too_and_leave_the_other_splits_alone():
    labels = of_sizes([300, 60, 5])
    whole, some = split(labels), split(labels, train_size=30)
    assert len(some.train) == 30 and set(some.train) < set(whole.train)
    assert counts(labels, some.train).tolist() == [24, 5, 1]
    np.testing.assert_array_equal(whole.test, some.test)
    np.testing.assert_array_equal(whole.validation, some.validation)


@pytest.mark.parametrize(("size", "held"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1])])
def test_the_smallest_classes_are_trained_on_first(size, held):
    labels = of_sizes([80, size])
    assert [counts(labels, indices)[1] for _, indices in split(labels).items()] == held


def test_more_classes_than_samples_of_a_split_leave_some_out_of_it():
    labels = of_sizes([4] * 50)
    splits = split(labels, test_size=7, validation_size=9)
    assert [len(indices) for _, indices in splits.items()] == [184, 9, 7]
    assert set(counts(labels, splits.test)) == {0, 1}


def test_splits_that_are_not_stratified_are_those_of_earlier_versions():
    labels = np.random.default_rng(5).integers(7, size=1000)
    splits = split(labels, validation_size=90, test_size=0.25, train_size=400, seed=11, stratify=False)
    order = np.random.default_rng([11, 1000]).permutation(1000)
    np.testing.assert_array_equal(splits.test, np.sort(order[:250]))
    np.testing.assert_array_equal(splits.validation, np.sort(order[250:340]))
    np.testing.assert_array_equal(splits.train, np.sort(order[340:740]))
    # As drawn before stratification was there.
    digest = hashlib.sha256(b"".join(indices.astype("<i8").tobytes() for _, indices in splits.items())).hexdigest()
    assert digest.startswith("c12552d8ca6f2b0d")


def test_every_data_set_is_stratified_unless_it_is_said_otherwise():
    for model in DATASET_SOURCES.values():
        assert model.model_fields["stratify"].default is True


def test_a_class_only_in_the_official_test_set_is_an_error_with_a_remedy():
    labels = np.array([0, 1] * 20 + [0, 2])
    with pytest.raises(
        DatasetError, match=r"no training sample of class 'class-2' \(the training data have none\)"
    ) as error:
        split(labels, official_test=2)
    assert "Hint: add training samples of it" in str(error.value)


def test_a_class_that_the_other_splits_use_up_is_an_error_with_a_remedy():
    labels = of_sizes([40, 1])
    refused = 0
    for seed in range(40):
        try:
            split(labels, seed=seed, stratify=False)
        except DatasetError as error:
            refused += 1
            assert "stratify: true" in str(error)
    assert refused > 3
    with pytest.raises(DatasetError, match="make validation_size or test_size smaller"):
        split(of_sizes([1, 1, 1, 1]))


#: Presets that follow no published protocol, or name the test samples of their source otherwise.
OWN_PRESETS = {"remedies", "iris", "efficientnet-lite0", "minilm", "torchvision-models", "digits-of-sklearn"}


@pytest.mark.parametrize("path", sorted((REPOSITORY / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_presets_whose_source_draws_from_all_samples_together_say_so(path):
    config = parse_config(yaml.safe_load(path.read_text(encoding="utf-8")))
    prepared = [study for study in config.studies if not isinstance(study, RecordingsStudy)]
    assert {study.dataset.stratify for study in prepared} == {path.stem in OWN_PRESETS}
