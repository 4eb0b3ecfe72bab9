"""A damaged file is noticed and named, wherever the damage is; it is never taken for what it was."""

import numpy as np
import polars as pl
import pytest

from nodescope.config.loading import parse_config
from nodescope.datasets import load, prepare
from nodescope.messages.errors import DamagedFileError
from nodescope.recording import LayerMetadata, parquet, read, write
from nodescope.storage.json_files import read_json, write_json
from nodescope.storage.tables import read_table, write_table

RANDOM = np.random.default_rng(5)


def a_table(folder):
    path = folder / "accuracy.parquet"
    frame = pl.DataFrame(
        {
            "activation": ["relu", "tanh", None],
            "seed": [0, 1, 2],
            "dead": [True, None, False],
            "accuracy": [0.25, None, float("nan")],
            "nothing": [None, None, None],
        }
    )
    write_table(frame, path)
    return path, read_table, lambda found: found.equals(frame)


def a_recording(folder):
    path = folder / "layer-1.parquet"
    z = RANDOM.normal(size=(3, 7)).astype(np.float32)
    labels, samples = np.sort(np.arange(7, dtype=np.int32) % 2), np.arange(7, dtype=np.int32)
    metadata = LayerMetadata("made", "layer-1", "relu", (3,), ("a", "b"))
    write(path, z, labels, samples, metadata)

    def same(found):
        return (
            np.array_equal(found.z, z)
            and np.array_equal(found.labels, labels)
            and np.array_equal(found.samples, samples)
            and found.metadata == metadata
        )

    return path, read, same


def a_prepared_dataset(folder):
    path = folder / "iris.npz"
    source = parse_config(
        {"studies": [{"name": "a", "dataset": "iris", "grid": {"depth": [1], "width": [1], "activation": ["relu"]}}]}
    ).studies[0].dataset  # fmt: skip
    prepare(source, "data", path, download=False)
    original = load(path)

    def same(found):
        return found.digest() == original.digest() and found.class_names == original.class_names

    return path, load, same


def a_description(folder):
    path = folder / "iris.json"
    content = {"samples": 150, "share": 0.1, "classes": ["ä", "</script>"], "splits": {"test": [1, 2]}, "known": None}
    write_json(path, content)
    return path, read_json, lambda found: found == content


@pytest.mark.parametrize("make", [a_table, a_recording, a_prepared_dataset, a_description])
def test_a_flipped_bit_anywhere_is_noticed_or_changes_nothing_that_is_read(make, tmp_path):
    path, read_back, is_same = make(tmp_path)
    content = path.read_bytes()
    assert is_same(read_back(path))
    noticed = 0
    places = RANDOM.permutation(len(content))[:1000]
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << RANDOM.integers(8)
        path.write_bytes(damaged)
        try:
            assert is_same(read_back(path)), f"a flip in byte {place} went unnoticed"
        except DamagedFileError as error:
            assert str(path) in str(error) and "Hint: delete" in str(error)
            noticed += 1
    assert noticed > len(places) / 4


@pytest.mark.parametrize("make", [a_table, a_recording, a_prepared_dataset, a_description])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_noticed(make, share, tmp_path):
    path, read_back, _ = make(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content.rstrip()))])  # a last line end is no content
    with pytest.raises(DamagedFileError, match="Hint: delete"):
        read_back(path)


def test_a_recording_of_another_format_is_refused(tmp_path, monkeypatch):
    path, _, _ = a_recording(tmp_path)
    monkeypatch.setattr(parquet, "FORMAT_VERSION", parquet.FORMAT_VERSION + 1)
    with pytest.raises(DamagedFileError, match="its format is version"):
        read(path)
