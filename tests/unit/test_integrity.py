"""A damaged file is noticed and named, wherever the damage is; it is never taken for what it was."""

import numpy as np
import polars as pl
import pytest

from nodescope.config.loading import parse_config
from nodescope.datasets import load
from nodescope.datasets.preparing import prepare
from nodescope.messages.errors import DamagedFileError
from nodescope.recording import LayerMetadata, parquet, read, write
from nodescope.storage import digests
from nodescope.storage.digests import digest_path
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
def test_a_flipped_bit_anywhere_is_noticed(make, tmp_path):
    path, read_back, is_same = make(tmp_path)
    content = path.read_bytes()
    assert is_same(read_back(path))
    for place in RANDOM.permutation(len(content))[:1000]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << RANDOM.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError) as error:
            read_back(path)
        assert str(path) in str(error.value) and "Hint: delete" in str(error.value)


@pytest.mark.parametrize("make", [a_table, a_recording, a_prepared_dataset, a_description])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_noticed(make, share, tmp_path):
    path, read_back, _ = make(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DamagedFileError, match="Hint: delete"):
        read_back(path)


@pytest.mark.parametrize("make", [a_table, a_recording, a_prepared_dataset, a_description])
def test_a_file_without_a_checksum_is_read_as_it_is_and_one_cut_short_is_still_noticed(make, tmp_path):
    """As one that was made elsewhere, or whose writer was killed before the checksum was there."""
    path, read_back, is_same = make(tmp_path)
    digest_path(path).unlink()
    assert is_same(read_back(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedFileError, match="Hint: delete"):
        read_back(path)


def test_a_replaced_table_is_refused_with_what_to_do_and_read_once_that_is_done(tmp_path):
    path, *_ = a_table(tmp_path)
    own = pl.DataFrame({"mine": [1, 2]})
    own.write_parquet(path)
    with pytest.raises(
        DamagedFileError, match=r"not the one in \.accuracy\.parquet\.xxh3 beside it.*delete the checksum file too"
    ):
        read_table(path)
    digest_path(path).unlink()
    assert read_table(path).equals(own)


@pytest.mark.parametrize("killed_at", ["the old checksum goes", "the file comes", "the checksum comes"])
def test_a_writer_that_is_killed_leaves_the_old_table_or_the_new_one(killed_at, tmp_path, monkeypatch):
    path, *_ = a_table(tmp_path)
    before, after = read_table(path), pl.DataFrame({"new": [1]})

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        if killed_at == "the old checksum goes":
            patched.setattr(digests, "digest", killed)
        elif killed_at == "the file comes":
            patched.setattr(type(path), "replace", killed)
        else:
            patched.setattr(digests, "write_text", killed)
        write_table(after, path)
    assert read_table(path).equals(after if killed_at == "the checksum comes" else before)
    assert not list(tmp_path.glob("*.partial*"))


def test_every_byte_counts_for_the_checksum_and_an_empty_file_has_one(tmp_path):
    path = tmp_path / "empty.json"
    with digests.digested_path(path) as temporary:
        temporary.touch()
    digests.check_digest(path)
    path.write_bytes(b"1")
    with pytest.raises(ValueError, match="checksum"):
        digests.check_digest(path)


def test_a_recording_of_another_format_is_refused(tmp_path, monkeypatch):
    path, _, _ = a_recording(tmp_path)
    monkeypatch.setattr(parquet, "FORMAT_VERSION", parquet.FORMAT_VERSION + 1)
    with pytest.raises(DamagedFileError, match="its format is version"):
        read(path)
