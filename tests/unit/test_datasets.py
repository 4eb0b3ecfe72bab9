"""Data sets: what is prepared from each source, and what is said of one that is missing or damaged."""

import json
import struct

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image
from sklearn.model_selection import train_test_split

from nodescope.config.dataset import Cifar10, Digits, FashionMnist, Gaussian, ImageFolder, Iris, Mnist, Npz
from nodescope.datasets import load, preparing
from nodescope.messages.errors import DamagedFileError, DatasetError


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


@pytest.fixture(params=["mnist", "fmnist"])
def idx_source(request, tmp_path):
    """A small data set in torchvision's layout."""
    random = np.random.default_rng(0)
    folder = tmp_path / {"mnist": "MNIST", "fmnist": "FashionMNIST"}[request.param] / "raw"
    for part, n in (("train", 200), ("t10k", 60)):
        write_idx(folder / f"{part}-images-idx3-ubyte", random.integers(0, 256, (n, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(n) % 10)
    model = {"mnist": Mnist, "fmnist": FashionMnist}[request.param]
    return model(source=request.param, validation_size=50), tmp_path, folder


def write_images(root, counts, size=(4, 3), mode="RGB", suffix="png"):
    random = np.random.default_rng(0)
    for name, n in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
        for i in range(n):
            Image.fromarray(random.integers(0, 256, shape).astype(np.uint8), mode).save(root / name / f"{i}.{suffix}")


def prepare(source, root, tmp_path):
    """Check and prepare; both must come to the same verdict."""
    path = tmp_path / "prepared.npz"
    preparing.check(source, str(root), download=False)
    preparing.prepare(source, str(root), path, download=False)
    return load(path)


def refusal(source, root="nowhere"):
    """What `check` says; `prepare` must say the same."""
    with pytest.raises(DatasetError) as error:
        preparing.check(source, str(root), download=False)
    with pytest.raises(DatasetError):
        preparing.prepare(source, str(root), "never-written.npz", download=False)
    return str(error.value)


def test_digits_are_scaled_and_split_without_overlap(tmp_path):
    data = prepare(Digits(source="digits"), ".", tmp_path)
    together = np.concatenate([indices for _, indices in data.splits.items()])
    assert sorted(together) == list(range(1797))
    assert data.x.shape == (1797, 1, 8, 8)
    assert data.x.min() == 0 and data.x.max() == 1
    assert data.inputs(data.splits.test).shape == (len(data.splits.test), 64)


def test_iris_is_standardised_by_its_training_split(tmp_path):
    data = prepare(Iris(source="iris"), ".", tmp_path)
    train = data.inputs(data.splits.train)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize(("seed", "test_size"), [(42, 0.2), (7, 0.33), (0, 41), (42, 0.101)])
def test_the_test_samples_can_be_those_of_scikit_learn(seed, test_size, tmp_path):
    source = Iris(source="iris", test_size=test_size, test_split="scikit_learn", split_seed=seed, validation_size=20)
    splits = prepare(source, ".", tmp_path).splits
    others, expected = train_test_split(np.arange(150), test_size=test_size, random_state=seed)
    assert splits.test.tolist() == sorted(expected)
    assert sorted([*splits.train, *splits.validation]) == sorted(others) and len(splits.validation) == 20
    own = prepare(source.model_copy(update={"test_split": "own"}), ".", tmp_path).splits
    assert own.test.tolist() != splits.test.tolist()


def test_the_seed_fixes_the_splits_and_another_seed_changes_them(tmp_path):
    first, again, other = (prepare(Digits(source="digits", split_seed=s), ".", tmp_path).splits for s in (0, 0, 1))
    assert (first.validation == again.validation).all()
    assert not np.array_equal(first.validation, other.validation)


def test_the_description_says_what_was_prepared(tmp_path):
    prepare(Digits(source="digits"), ".", tmp_path)
    description = json.loads((tmp_path / "prepared.json").read_text())
    assert description["source"]["split_seed"] == 0
    assert sum(part["samples"] for part in description["splits"].values()) == 1797
    assert description["classes"] == [str(c) for c in range(10)]


def test_torchvision_layout_is_read_with_its_official_test_set(idx_source, tmp_path):
    source, root, _ = idx_source
    data = prepare(source, root, tmp_path)
    assert data.x.shape == (260, 1, 28, 28) and data.x.dtype == np.uint8
    assert list(data.splits.test) == list(range(200, 260))
    assert len(data.splits.validation) == 50
    assert data.inputs(data.splits.train).max() <= 1


REAL_MNIST = REPOSITORY.parent / "shared" / "data" / "mnist"


@pytest.mark.skipif(not REAL_MNIST.is_dir(), reason="MNIST is not beside the repository (../shared/data/mnist)")
def test_the_real_mnist_is_split_as_published(tmp_path):
    data = prepare(Mnist(source="mnist"), REAL_MNIST, tmp_path)
    assert [len(indices) for _, indices in data.splits.items()] == [55_000, 5_000, 10_000]
    assert data.class_names == [str(c) for c in range(10)]
    assert np.bincount(data.y).min() > 6_000


def test_missing_torchvision_files_are_named(tmp_path):
    text = refusal(Mnist(source="mnist"), tmp_path)
    assert str(tmp_path / "MNIST/raw/train-images-idx3-ubyte") in text
    assert "(missing)" in text and "data_root" in text
    assert "data_batch_3" in refusal(Cifar10(source="cifar10"), tmp_path)


def test_a_download_that_fails_names_the_expected_files(tmp_path, monkeypatch):
    from torchvision import datasets as torchvision_datasets

    def no_network(self):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision_datasets.MNIST, "download", no_network)
    preparing.check(Mnist(source="mnist"), str(tmp_path), download=True)  # cannot be known yet
    with pytest.raises(DatasetError, match="no route to host") as error:
        preparing.prepare(Mnist(source="mnist"), str(tmp_path), tmp_path / "x.npz", download=True)
    assert "train-labels-idx1-ubyte" in str(error.value)
    assert not (tmp_path / "x.npz").exists()


def test_a_truncated_idx_file_is_named(idx_source):
    source, root, folder = idx_source
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-5])
    assert f"{path} is damaged" in refusal(source, root)


def test_an_idx_file_of_another_kind_is_named(idx_source):
    source, root, folder = idx_source
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"<html>not found</html>")
    assert "is not an idx file" in refusal(source, root)


def test_images_and_labels_of_different_number_are_refused(idx_source):
    source, root, folder = idx_source
    write_idx(folder / "train-labels-idx1-ubyte", np.arange(199) % 10)
    assert "has 200 images, but" in refusal(source, root)


def test_an_image_folder_with_a_test_set(tmp_path):
    write_images(tmp_path / "train", {"cat": 30, "dog": 30})
    write_images(tmp_path / "test", {"cat": 5, "dog": 6}, suffix="jpg")
    data = prepare(ImageFolder(source="image_folder", name="pets", path=str(tmp_path)), ".", tmp_path)
    assert data.class_names == ["cat", "dog"]
    assert data.x.shape == (71, 3, 3, 4)
    assert len(data.splits.test) == 11


def test_an_image_folder_without_a_test_set_draws_one(tmp_path):
    write_images(tmp_path / "train", {"cat": 30, "dog": 30}, mode="L")
    data = prepare(ImageFolder(source="image_folder", name="pets", path=str(tmp_path)), ".", tmp_path)
    assert data.x.shape == (60, 1, 3, 4)
    assert len(data.splits.test) == 12


def test_an_image_folder_with_one_class_is_refused(tmp_path):
    write_images(tmp_path / "train", {"cat": 3})
    assert "has 1 class folder(s); at least 2" in refusal(
        ImageFolder(source="image_folder", name="p", path=str(tmp_path))
    )


def test_an_image_folder_that_is_not_there_is_refused(tmp_path):
    text = refusal(ImageFolder(source="image_folder", name="p", path=str(tmp_path / "gone")))
    assert "there is no folder" in text and "train/CLASS" in text


def test_images_of_different_sizes_are_named(tmp_path):
    write_images(tmp_path / "train", {"cat": 20, "dog": 20})
    write_images(tmp_path / "train", {"dog": 1}, size=(9, 9))
    with pytest.raises(DatasetError, match=r"9x9 pixels, but .*/cat/0\.png is 4x3\..*resize: \[3, 4\]"):
        preparing.prepare(
            ImageFolder(source="image_folder", name="p", path=str(tmp_path)), ".", tmp_path / "x.npz", download=False
        )


def test_a_truncated_image_is_named(tmp_path):
    write_images(tmp_path / "train", {"cat": 20, "dog": 20})
    path = tmp_path / "train" / "dog" / "3.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DatasetError, match=r"3\.png is not a readable image"):
        preparing.prepare(
            ImageFolder(source="image_folder", name="p", path=str(tmp_path)), ".", tmp_path / "x.npz", download=False
        )


def own(path, **arrays):
    np.savez(path, **arrays)
    return Npz(source="npz", name="own", path=str(path))


def test_own_arrays_with_class_names_and_a_test_set(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 5))
    y = np.array(["b", "a"] * 30)
    data = prepare(own(tmp_path / "own.npz", x=x, y=y, x_test=x[:10], y_test=y[:10]), ".", tmp_path)
    assert data.class_names == ["a", "b"]
    assert data.x.dtype == np.float32
    assert len(data.splits.test) == 10


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"x": np.ones((4, 2))}, "Samples without labels come from a function of your own"),
        ({"x": np.ones((4, 2)), "y": np.arange(3)}, "x has 4 samples, but y has 3 labels"),
        ({"x": np.ones(4), "y": np.arange(4)}, "must be [sample, ...], not of shape (4,). Hint: reshape"),
        ({"x": np.ones((4, 2)), "y": np.zeros(4, int)}, "one class only"),
        ({"x": np.full((4, 2), np.nan), "y": np.arange(4)}, "NaN or infinite"),
        ({"x": np.array([["a", "b"]]), "y": np.arange(1)}, "must hold numbers"),
        ({"x": np.ones((4, 2)), "y": np.array([0.5, 1, 2, 3])}, "class indices or names"),
        ({"x": np.ones((4, 2)), "y": np.arange(4), "x_test": np.ones((4, 2))}, "needs both x_test and y_test"),
        (
            {"x": np.ones((4, 2)), "y": np.arange(4), "x_test": np.ones((4, 3)), "y_test": np.arange(4)},
            "differ in shape",
        ),
        ({"x": np.full((4, 2), 1e300), "y": np.arange(4)}, "beyond the range of float32"),
        (
            {"x": np.ones((4, 2), np.uint8), "y": np.arange(4), "x_test": np.ones((4, 2)), "y_test": np.arange(4)},
            "of one type",
        ),
        ({"x": np.array([{"a": 1}], dtype=object), "y": np.arange(1)}, "objects cannot be loaded safely"),
    ],
)
def test_own_arrays_that_do_not_fit_are_refused(tmp_path, arrays, expected):
    assert expected in refusal(own(tmp_path / "own.npz", **arrays))


def test_a_truncated_npz_is_named(tmp_path):
    source = own(tmp_path / "own.npz", x=np.ones((40, 2)), y=np.arange(40) % 2)
    path = tmp_path / "own.npz"
    path.write_bytes(path.read_bytes()[:-30])
    assert f"{path} cannot be read" in refusal(source)


def test_a_compressed_npz_with_flipped_bytes_is_named(tmp_path):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=(200, 5)), y=np.arange(200) % 2)
    content = bytearray(path.read_bytes())
    for position in range(200, len(content) - 400, 97):
        content[position] ^= 0xFF
    path.write_bytes(content)
    assert "cannot be read" in refusal(Npz(source="npz", name="own", path=str(path)))


def test_an_npy_named_npz_is_named(tmp_path):
    np.save(tmp_path / "own.npy", np.ones(3))
    (tmp_path / "own.npy").rename(tmp_path / "own.npz")
    assert "cannot be read" in refusal(Npz(source="npz", name="own", path=str(tmp_path / "own.npz")))


def test_hidden_folders_are_no_classes(tmp_path):
    write_images(tmp_path / "train", {"cat": 30, "dog": 30, ".ipynb_checkpoints": 1})
    data = prepare(ImageFolder(source="image_folder", name="pets", path=str(tmp_path)), ".", tmp_path)
    assert data.class_names == ["cat", "dog"]


def test_a_missing_npz_is_named(tmp_path):
    assert "there is no file" in refusal(Npz(source="npz", name="own", path=str(tmp_path / "gone.npz")))


def test_a_class_that_only_the_test_set_has_is_refused(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 2))
    arrays = {"x": x, "y": np.arange(40) % 3, "x_test": x[:4] + 1, "y_test": np.array([0, 1, 2, 7])}
    text = refusal(own(tmp_path / "own.npz", **arrays))
    assert "no training sample of class '7'" in text and "Hint: add training samples" in text


def test_a_validation_split_larger_than_the_data_is_refused():
    text = refusal(Digits(source="digits", validation_size=5000))
    assert "validation_size takes 5000 samples, but only 1438 are there" in text


def test_a_damaged_prepared_file_is_named(tmp_path):
    prepare(Iris(source="iris"), ".", tmp_path)
    path = tmp_path / "prepared.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamagedFileError, match=r"prepared\.npz"):
        load(path)


def test_some_of_the_training_samples_can_be_used(tmp_path):
    whole = prepare(Digits(source="digits"), tmp_path, tmp_path).splits
    some = prepare(Digits(source="digits", train_size=100), tmp_path, tmp_path).splits
    assert len(some.train) == 100 and set(some.train) < set(whole.train)
    np.testing.assert_array_equal(some.validation, whole.validation)
    np.testing.assert_array_equal(some.test, whole.test)
    everything = prepare(Digits(source="digits", train_size=10**6), tmp_path, tmp_path).splits
    np.testing.assert_array_equal(everything.train, whole.train)


@pytest.mark.parametrize("scaling", ["as_is", "centred", "standardised"])
def test_images_are_scaled_as_asked(scaling, tmp_path):
    write_images(tmp_path / "train", {"cat": 30, "dog": 30}, size=(5, 4))
    source = ImageFolder(source="image_folder", name="pets", path=str(tmp_path), scaling=scaling)
    data = prepare(source, tmp_path, tmp_path)
    assert data.x.dtype == np.uint8
    seen = data.inputs(data.splits.train).reshape(-1, 3, 4, 5)
    unit = data.x[data.splits.train] / 255
    if scaling == "centred":
        unit = (unit - 0.5) / 0.5
    if scaling == "standardised":
        unit = (unit - unit.mean(axis=(0, 2, 3), keepdims=True)) / unit.std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(seen, unit, atol=1e-5)


def test_a_feature_that_never_varies_is_zero_when_standardised(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    x[:, 1] = 7
    np.savez(tmp_path / "own.npz", x=x, y=np.arange(40) % 2)
    source = Npz(source="npz", name="own", path=str(tmp_path / "own.npz"), scaling="standardised")
    data = prepare(source, tmp_path, tmp_path)
    assert (data.inputs(np.arange(40))[:, 1] == 0).all()


def test_random_data_are_what_their_settings_say(tmp_path):
    source = Gaussian(source="gaussian", samples=4000, features=30, classes=5)
    data = prepare(source, tmp_path, tmp_path)
    assert data.x.shape == (4000, 30) and data.class_names == list("01234")
    assert abs(data.x.mean()) < 0.01 and abs(data.x.std() - 1) < 0.01
    np.testing.assert_array_equal(data.x, prepare(source, tmp_path, tmp_path).x)
    assert not np.array_equal(data.x, prepare(source.model_copy(update={"seed": 1}), tmp_path, tmp_path).x)


def test_a_network_sees_random_inputs_between_0_and_1_whatever_the_scaling(tmp_path):
    data = prepare(Digits(source="digits", scaling="centred"), tmp_path, tmp_path)
    whole, indices = data.with_random_inputs(500)
    seen = whole.inputs(indices)
    assert seen.shape == (500, 64) and 0 <= seen.min() < 0.01 and 0.99 < seen.max() <= 1
    np.testing.assert_array_equal(whole.inputs(data.splits.test), data.inputs(data.splits.test))
    assert set(whole.labels(indices)) == set(range(10))
