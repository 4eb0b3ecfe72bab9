"""What samples look like that other tables name: thumbnails, texts, rows of features."""

import base64
import io

import numpy as np
import polars as pl
import pytest
from conftest import small_dataset
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from nodescope.config.dataset import Digits, Iris
from nodescope.config.loading import parse_config
from nodescope.datasets.prepared import Extras, PreparedDataset
from nodescope.datasets.preparing import prepare
from nodescope.datasets.samples import LONGEST_TEXT, MOST_FEATURES, SAMPLES, samples_table, thumbnails
from nodescope.datasets.splits import Splits
from nodescope.storage.json_files import read_json
from nodescope.storage.pictures import as_pixels, png_uri
from nodescope.study.contents import has_samples, naming_tables, table_names

PREFIX = "data:image/png;base64,"


def decoded(uri):
    """The pixels of a data URI, by another library."""
    assert uri.startswith(PREFIX)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(PREFIX)))))


def dataset_of(x, *, texts=None, classes=("one", "two"), positions=None):
    n = len(x)
    splits = Splits(np.arange(0, n - 4), np.arange(n - 4, n - 2), np.arange(n - 2, n))
    extras = Extras(texts=texts, position_labels=positions)
    return PreparedDataset(x, np.arange(n, dtype=np.int64) % 2, splits, list(classes), extras=extras)


@given(
    arrays(
        np.uint8,
        st.one_of(
            st.tuples(st.integers(1, 9), st.integers(1, 9)), st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))
        ),
    )
)
def test_a_picture_is_read_back_as_it_was_written(pixels):
    assert np.array_equal(decoded(png_uri(pixels)), pixels)


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2), np.float32), np.zeros((2, 2, 4), np.uint8), np.zeros((0, 2), np.uint8), np.zeros(3, np.uint8)]
)  # fmt: skip
def test_what_is_no_picture_is_refused(pixels):
    with pytest.raises(ValueError, match="a picture is uint8"):
        png_uri(pixels)


def test_values_from_low_to_high_are_shown_from_black_to_white():
    pixels = as_pixels(np.array([[[-1.0, 0.0], [1.0, 2.0]]]), -1.0, 1.0)
    assert pixels.tolist() == [[0, 128], [255, 255]]
    assert as_pixels(np.full((2, 2), 3.0), 3.0, 3.0).tolist() == [[0, 0], [0, 0]]
    assert as_pixels(np.ones((4, 2, 5)), 0, 1).shape == (2, 5, 3)


def test_grey_and_coloured_images_are_drawn_as_they_are():
    x = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8)).astype(np.uint8)
    table = samples_table(dataset_of(x), range(6))
    assert all(np.array_equal(decoded(uri), image[0]) for uri, image in zip(table["thumbnail"], x, strict=True))
    x = np.random.default_rng(0).integers(0, 256, (6, 3, 7, 9)).astype(np.uint8)
    table = samples_table(dataset_of(x), range(6))
    assert np.array_equal(decoded(table["thumbnail"][2]), x[2].transpose(1, 2, 0))
    assert table["features"].null_count() == table["text"].null_count() == 6


def test_large_images_are_made_smaller_and_keep_their_shape():
    x = np.zeros((6, 3, 120, 60), np.uint8)
    x[:, 0, :60] = 255
    drawn = decoded(samples_table(dataset_of(x), [1])["thumbnail"][0])
    assert drawn.shape == (48, 24, 3) and (drawn[:20, :, 0] > 250).all() and (drawn[28:, :, 0] < 5).all()


def test_images_of_other_values_are_drawn_from_their_smallest_to_their_largest():
    x = np.linspace(-2, 2, 6 * 4).reshape(6, 1, 2, 2).astype(np.float32)
    (uri,) = thumbnails(x, np.array([5]))
    assert decoded(uri).tolist() == [[0, 85], [170, 255]]
    within = np.full((6, 1, 2, 2), 0.5, np.float32)
    assert decoded(thumbnails(within, np.array([0]))[0]).tolist() == [[128, 128], [128, 128]]


def test_a_row_of_features_is_kept_before_it_is_scaled():
    dataset = small_dataset()
    table = samples_table(dataset, [3, 1, 3])
    assert sorted(table["sample"]) == [1, 3] and table["thumbnail"].null_count() == 2
    for sample, label, features in table.select("sample", "label", "features").iter_rows():
        assert np.allclose(features, dataset.x[sample]) and label == dataset.y[sample]


def test_many_features_and_whole_numbers_are_not_listed():
    for x in (
        np.zeros((6, MOST_FEATURES + 1), np.float32),
        np.zeros((6, 4), np.int64),
        np.zeros((6, 5, 4, 4), np.float32),
    ):
        table = samples_table(dataset_of(x), range(6))
        assert table.select(pl.col("thumbnail", "text", "features").is_null().all()).row(0) == (True, True, True)


def test_texts_are_shown_in_place_of_tokens_and_cut_where_they_are_long():
    texts = ("short", *["long " * LONGEST_TEXT] * 5)
    positions = np.zeros((6, 4), np.int64)
    table = samples_table(dataset_of(np.zeros((6, 4), np.int64), texts=texts, positions=positions), range(6))
    assert table["text"].str.len_chars().to_list() == [5] + [LONGEST_TEXT] * 5
    assert table["label"].null_count() == 6  # the labels are of positions


def test_samples_stand_by_split_and_those_that_are_not_there_are_left_out():
    x = np.zeros((8, 2), np.float32)
    table = samples_table(dataset_of(x, classes=()), [7, 0, 5, 2, 99])
    assert dict(table.schema) == SAMPLES.schema()
    assert table.select("split", "sample").rows() == [("train", 0), ("train", 2), ("validation", 5), ("test", 7)]
    assert table["label"].null_count() == 4
    assert samples_table(dataset_of(x), []).is_empty()


def test_the_samples_of_a_study_are_those_that_its_tables_name(small_tables):
    named = small_tables["top_samples"]["sample"].drop_nulls().unique()
    assert sorted(small_tables["samples"]["sample"]) == sorted(named)
    labels = small_tables["top_samples"].select("sample", "label").drop_nulls().unique()
    joined = small_tables["samples"].join(labels, on="sample")
    assert (joined["label"] == joined["label_right"]).all() and len(joined) == len(named)


def test_the_names_of_features_are_in_the_description_of_a_data_set(tmp_path):
    prepare(Iris(source="iris"), ".", tmp_path / "iris.npz", download=False)
    assert read_json(tmp_path / "iris.json")["feature_names"][0] == "sepal length (cm)"
    prepare(Digits(source="digits"), ".", tmp_path / "digits.npz", download=False)
    assert "feature_names" not in read_json(tmp_path / "digits.json")


def test_a_study_without_prepared_data_or_without_named_samples_has_no_such_table(tmp_path):
    grid = {"depth": [1], "width": [2], "activation": ["relu"]}
    one = {"name": "one", "dataset": "iris", "grid": grid}
    other = {"name": "other", "dataset": "digits", "grid": grid}
    unnamed = {
        "name": "unnamed",
        "dataset": "iris",
        "grid": grid,
        "analyses": {name: {"enabled": False} for name in ("top_samples", "layer_map")},
    }
    joined = [{"name": "same", "join": ["one", "again"]}, {"name": "different", "join": ["one", "other"]}]
    (tmp_path / "test-layer1.npy").touch()
    recorded = {"name": "recorded", "recordings": {"files": f"{tmp_path}/{{split}}-layer{{layer}}.npy"}}
    config = parse_config({"studies": [one, {**one, "name": "again"}, other, unnamed, *joined, recorded]})
    found = {study.name: has_samples(study) for study in config.studies}
    assert found == {
        "one": True, "again": True, "other": True, "unnamed": False, "same": True, "different": False, "recorded": False,
    }  # fmt: skip
    assert all(("samples" in table_names(study)) == found[study.name] for study in config.studies)
    assert "top_samples" in naming_tables(config.studies[0])
