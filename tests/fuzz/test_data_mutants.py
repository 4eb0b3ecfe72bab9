"""Whatever is in the files of a data set, it is read or refused with a message that names the file; nothing is executed."""

import io
import pickle
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from conftest import LONG
from PIL import Image

from nodescope.config.dataset import ImageFolder, Mnist, Npz
from nodescope.datasets import load
from nodescope.datasets.preparing import check, prepare
from nodescope.messages.errors import DatasetError

MUTANTS = 2_000 if LONG else 150


def arrays():
    random_numbers = np.random.default_rng(0)
    y = np.arange(60) % 3
    return {"x": (random_numbers.normal(size=(60, 5)) + y[:, None]).astype(np.float32), "y": y}


def an_npz(folder):
    path = folder / "own.npz"
    np.savez(path, **arrays())
    return [path], Npz(source="npz", name="own", path=str(path), validation_size=0.3)


def a_compressed_npz(folder):
    path = folder / "own.npz"
    np.savez_compressed(path, **arrays())
    return [path], Npz(source="npz", name="own", path=str(path), validation_size=0.3)


def idx_files(folder):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    numbers = np.random.default_rng(0)
    paths = []
    for part, n in (("train", 300), ("t10k", 30)):
        images, labels = raw / f"{part}-images-idx3-ubyte", raw / f"{part}-labels-idx1-ubyte"
        images.write_bytes(struct.pack(">4I", 2051, n, 28, 28) + numbers.integers(0, 256, n * 784, np.uint8).tobytes())
        labels.write_bytes(struct.pack(">2I", 2049, n) + (np.arange(n, dtype=np.uint8) % 10).tobytes())
        paths += [images, labels]
    return paths, Mnist(source="mnist", validation_size=100)


def images(folder):
    root = folder / "pictures"
    paths = []
    for label in ("cat", "dog"):
        (root / "train" / label).mkdir(parents=True)
        for number in range(12):
            path = root / "train" / label / f"{number}.{'png' if number % 2 else 'jpg'}"
            Image.fromarray(np.full((4, 4), 10 * number, np.uint8)).save(path)
            paths.append(path)
    return paths, ImageFolder(source="image_folder", name="pictures", path=str(root), validation_size=8)


def damaged(rng, content):
    """A copy with bytes flipped, cut, doubled, or put at the place of others."""
    changed = bytearray(content)
    kind = rng.randrange(5)
    place = rng.randrange(len(changed)) if changed else 0
    if kind == 0 or not changed:
        return bytes(changed[:place])
    if kind == 1:
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        # Where formats keep their sizes.
        head = rng.randrange(min(len(changed), 120))
        changed[head : head + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\x02cp"))
    elif kind == 3:
        changed = changed[:place] + changed[place : place + 40] + changed[place:]
    else:
        return rng.randbytes(rng.randrange(300))
    return bytes(changed)


@pytest.mark.parametrize("make", [an_npz, a_compressed_npz, idx_files, images])
@pytest.mark.filterwarnings("ignore")  # readers warn of what they then refuse
def test_damaged_data_is_read_or_refused_with_a_message(make, tmp_path, figures):
    rng = random.Random(4)
    paths, source = make(tmp_path)
    prepared = tmp_path / "prepared.npz"
    prepare(source, str(tmp_path), prepared, download=False)
    refused = 0
    for number in range(MUTANTS):
        path = rng.choice(paths)
        whole = path.read_bytes()
        path.write_bytes(damaged(rng, whole))
        try:
            check(source, str(tmp_path), download=False)
            prepare(source, str(tmp_path), prepared, download=False)
            assert np.isfinite(load(prepared).inputs(np.arange(10))).all()
        except DatasetError as error:
            refused += 1
            assert len(str(error)) > 20 and (f"'{source.name}'" in str(error) or path.name in str(error))
        except Exception as error:
            raise AssertionError(f"mutant {number} of {path.name}") from error
        path.write_bytes(whole)
    assert refused > MUTANTS / 10
    figures["damaged data files tried"] = int(figures.get("damaged data files tried", 0)) + MUTANTS


class Owned:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickled_objects_are_refused_and_not_executed(tmp_path):
    evil = tmp_path / "owned"
    for name, content in (("x", Owned(evil)), ("y", Owned(evil))):
        path = tmp_path / f"{name}.npz"
        np.savez(path, **(arrays() | {name: np.array([content], dtype=object)}))
        with pytest.raises(DatasetError, match="objects cannot be loaded safely"):
            prepare(
                Npz(source="npz", name="own", path=str(path), validation_size=0.3),
                "data",
                tmp_path / "p.npz",
                download=False,
            )
    unused = tmp_path / "unused.npz"
    np.savez(unused, **arrays(), extra=np.array([Owned(evil)], dtype=object))
    prepare(Npz(source="npz", name="own", path=str(unused)), "data", tmp_path / "p.npz", download=False)
    plain = tmp_path / "plain.npz"
    plain.write_bytes(pickle.dumps(Owned(evil)))
    with pytest.raises(DatasetError):
        prepare(Npz(source="npz", name="own", path=str(plain)), "data", tmp_path / "p.npz", download=False)
    assert not evil.exists()


def test_a_picture_that_unpacks_to_far_too_much_is_refused(tmp_path):
    paths, source = images(tmp_path)
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "png")
    paths[1].write_bytes(stream.getvalue())
    with pytest.raises(DatasetError, match=r"not a readable image|same size"):
        prepare(source, "data", tmp_path / "p.npz", download=False)
