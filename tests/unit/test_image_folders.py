"""Folders of images as people have them: what they are called, what else lies in them, what is said of it."""

import io
import json
import os
import struct
import unicodedata

import numpy as np
import pytest
from PIL import Image

from nodescope.config.dataset import ImageFolder
from nodescope.datasets import load, preparing, sources
from nodescope.datasets.sources import files_digest, image_folder, read_labels, read_samples
from nodescope.messages.errors import DatasetError


def picture(path, colour=(200, 10, 30), size=(5, 4), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)


def pictures(folder, n=3, suffix=".png", **options):
    for number in range(n):
        picture(folder / f"{number}{suffix}", **options)


def source(path, **keys):
    return ImageFolder(source="image_folder", name="shapes", path=str(path), **keys)


def read(path, **keys):
    made = source(path, **keys)
    early = read_labels(made, ".", download=False)
    x, labels = read_samples(made, ".", download=False)
    assert early.class_names == labels.class_names
    return x, labels


def refusal(path, **keys):
    """What is said before any job."""
    with pytest.raises(DatasetError) as error:
        read_labels(source(path, **keys), ".", download=False)
    with pytest.raises(DatasetError):
        read_samples(source(path, **keys), ".", download=False)
    assert "'shapes'" in str(error.value)
    return str(error.value)


def said(labels, *words):
    """Whether one decision names all of the words."""
    return any(all(word in sentence for word in words) for sentence in labels.decisions)


@pytest.fixture
def shapes(tmp_path):
    """Three plain images of each of two classes."""
    for name in ("disc", "star"):
        pictures(tmp_path / "train" / name)
    return tmp_path


# --- what the folders are called ---


@pytest.mark.parametrize("name", ["valid", "DEV", "Validation", "val_images", "Validation Set"])
def test_a_folder_of_validation_samples_is_used_whatever_its_usual_name(shapes, name):
    pictures(shapes / name / "disc", 2, colour=(1, 2, 3))
    pictures(shapes / name / "star", 1, colour=(1, 2, 3))
    x, labels = read(shapes)
    assert (labels.official_validation, labels.official_test) == (3, 0)
    assert (x[-3:] == np.array([1, 2, 3])[:, None, None]).all()
    assert said(labels, f"3 images in {shapes / name}")


@pytest.mark.parametrize("name", ["TEST", "Testing", "test-set"])
def test_a_test_folder_is_used_whatever_its_usual_name_and_stands_last(shapes, name):
    (shapes / "train").rename(shapes / "Training")
    pictures(shapes / "val" / "star", 2, colour=(1, 2, 3))
    pictures(shapes / name / "disc", 4, colour=(9, 9, 9))
    x, labels = read(shapes)
    assert (labels.official_validation, labels.official_test) == (2, 4)
    assert (x[-4:] == 9).all() and (x[-6:-4, 0] == 1).all()
    assert labels.labels.tolist() == [0] * 3 + [1] * 3 + [1] * 2 + [0] * 4
    assert said(labels, "test samples", name)


def test_official_validation_samples_come_to_the_split_of_validation(shapes, tmp_path):
    for label in ("disc", "star"):
        pictures(shapes / "dev" / label, 2)
        pictures(shapes / "test" / label, 1)
    picture(shapes / "train" / "disc" / "0.png", (9, 8, 7))  # identical samples alone are refused
    preparing.prepare(source(shapes, validation_size=3), ".", tmp_path / "p.npz", download=False)
    splits = load(tmp_path / "p.npz").splits
    assert [len(indices) for _, indices in splits.items()] == [6, 4, 2]
    assert any(
        "validation_size had no effect" in text for text in json.loads((tmp_path / "p.json").read_text())["decisions"]
    )


def test_two_folders_that_mean_the_same_are_refused(shapes):
    pictures(shapes / "val" / "disc")
    pictures(shapes / "valid" / "disc")
    text = refusal(shapes)
    assert str(shapes / "val") in text and str(shapes / "valid") in text and "both mean the validation samples" in text


@pytest.mark.parametrize("name", ["eval", "holdout", "tset", "vaildation", "shapes_test", "test2"])
def test_a_folder_that_may_be_meant_for_one_of_them_must_be_named_clearly(shapes, name):
    pictures(shapes / name / "disc")
    assert f"cannot be told whether {shapes / name} holds" in refusal(shapes)


def test_another_folder_beside_them_is_named(shapes):
    pictures(shapes / "unlabelled", 4)
    _, labels = read(shapes)
    assert len(labels.labels) == 6 and said(labels, str(shapes / "unlabelled"), "4 images", "left out")


def test_class_folders_alone_are_the_classes(tmp_path):
    pictures(tmp_path / "disc", 2)
    pictures(tmp_path / "star", 5, suffix=".bmp")
    _, labels = read(tmp_path)
    assert np.bincount(labels.labels).tolist() == [2, 5] and labels.official_test == 0
    assert said(labels, "the folders in", "are the classes")


def test_a_class_may_be_called_as_a_part_is(tmp_path):
    for name in ("car", "train", "ship"):
        pictures(tmp_path / name, 2)
    _, labels = read(tmp_path)
    assert labels.class_names == ["car", "ship", "train"] and said(labels, "are the classes")
    for name in ("car", "train", "ship"):
        pictures(tmp_path / "both" / "train" / name, 2)
    assert read(tmp_path / "both")[1].class_names == ["car", "ship", "train"]


def test_a_folder_around_the_data_set_is_pointed_out(tmp_path):
    pictures(tmp_path / "shapes" / "train" / "disc")
    assert f"did you mean `path: {tmp_path / 'shapes'}`" in refusal(tmp_path)


def test_a_test_folder_without_classes_is_refused(shapes):
    pictures(shapes / "test", 7)
    text = refusal(shapes)
    assert "no class folder with images" in text and "7 images" in text


def test_images_deeper_in_a_class_folder_are_taken_and_told(shapes):
    pictures(shapes / "train" / "disc" / "batch 2" / "more", 4)
    (shapes / "train" / "disc" / "batch 2" / "around").symlink_to(shapes / "train" / "disc")
    _, labels = read(shapes)
    assert np.bincount(labels.labels).tolist() == [7, 3] and said(labels, "4 images lie deeper")


# --- names ---


def test_class_names_in_nfc_and_nfd_are_the_same_class(tmp_path):
    for name in ("Übung", "naïve"):
        pictures(tmp_path / "train" / unicodedata.normalize("NFD", name))
        pictures(tmp_path / "test" / unicodedata.normalize("NFC", name), 1)
    _, labels = read(tmp_path)
    assert labels.class_names == sorted(["Übung", "naïve"])
    assert labels.labels.tolist() == [0] * 3 + [1] * 3 + [0, 1]


def test_two_class_folders_that_look_alike_are_refused_with_their_code_points(shapes):
    pictures(shapes / "train" / "\u00f1")
    pictures(shapes / "train" / "n\u0303")
    text = refusal(shapes)
    assert "U+00F1" in text and "U+006E U+0303" in text


def test_a_class_that_differs_in_case_only_is_explained(shapes):
    pictures(shapes / "test" / "Star")
    text = refusal(shapes)
    assert "differs from 'star' only in upper and lower case" in text and str(shapes / "test" / "Star") in text


def test_classes_that_differ_in_case_only_are_two_and_told(tmp_path):
    for name in "aAb":
        pictures(tmp_path / "train" / name)
    _, labels = read(tmp_path)
    assert labels.class_names == ["A", "a", "b"] and said(labels, "'A' and 'a'")


@pytest.mark.skipif(os.name == "nt", reason="names of files are bytes only on POSIX")
def test_a_name_that_cannot_be_printed_is_refused(shapes):
    pictures(shapes / "train" / "k\udcffse")
    assert "cannot be printed" in refusal(shapes)


# --- what lies between the images ---


def test_leftovers_of_systems_are_skipped_at_any_level(shapes):
    plain = read(shapes)[0]
    for place in ("", "train", "train/disc"):
        for name in ("._0.png", ".DS_Store", "Thumbs.db", "Desktop.ini", ".hidden.png"):
            (shapes / place / name).write_bytes(b"no image")
        pictures(shapes / place / "__MACOSX" / "disc", 1)
        pictures(shapes / place / ".cache", 1)
    x, labels = read(shapes)
    np.testing.assert_array_equal(x, plain)
    assert said(labels, "skipped", "21")


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".tif", ".gif", ".jfif", ".tga", ".ppm", ".jp2", ".pcx", ".TIFF"])
def test_a_class_wholly_in_another_format_is_read(shapes, suffix):
    pictures(shapes / "train" / "ring", 4, suffix=suffix, format="JPEG" if suffix == ".jfif" else None)
    x, labels = read(shapes)
    assert np.bincount(labels.labels, minlength=3)[1] == 4
    np.testing.assert_allclose(x[3, :, 0, 0], [200, 10, 30], atol=6)


def test_what_is_no_image_is_counted_and_told(shapes):
    for number in range(3):
        (shapes / "train" / "disc" / f"{number}.txt").write_text("0 0.5 0.5 1 1")
    (shapes / "train" / "star" / "3.heic").write_bytes(b"....ftypheic")
    (shapes / "train" / "star" / "README").write_text("about")
    (shapes / "train" / "star" / "0.png.bak").write_bytes((shapes / "train" / "star" / "0.png").read_bytes())
    _, labels = read(shapes)
    assert len(labels.labels) == 6
    assert said(labels, "6 files were left out, not being images", ".txt (3)", ".heic (1)", ".bak (1)", "no suffix (1)")


def test_images_without_a_suffix_of_images_are_known_by_their_content(shapes):
    for name in ("subject01.happy", "scan", "7.JPG_large"):
        picture(shapes / "train" / "disc" / name, format="PNG")
    _, labels = read(shapes)
    assert np.bincount(labels.labels).tolist() == [6, 3] and said(
        labels, "3 files were recognised as images by their content"
    )


def test_a_class_folder_without_an_image_says_what_it_holds(shapes):
    (shapes / "train" / "ring").mkdir()
    assert "holds nothing" in refusal(shapes)
    for number in range(4):
        (shapes / "train" / "ring" / f"{number}.heic").write_bytes(b"....ftypheic")
    text = refusal(shapes)
    assert str(shapes / "train" / "ring") in text and ".heic (4)" in text and "convert them" in text


@pytest.mark.parametrize(
    ("name", "reason"), [("cut.png", "truncated"), ("empty.gif", "it is empty"), ("gone.png", "no such file")]
)
def test_a_file_that_is_not_whole_is_named_with_the_reason(shapes, name, reason):
    path = shapes / "train" / "star" / name
    if name == "gone.png":
        path.symlink_to(shapes / "nowhere.png")
    else:
        stream = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
        Image.fromarray(noise).save(stream, "PNG")
        path.write_bytes(stream.getvalue()[: 0 if name == "empty.gif" else 700])
    with pytest.raises(DatasetError) as error:
        read_samples(source(shapes, resize=(4, 4)), ".", download=False)
    assert str(path) in str(error.value) and reason in str(error.value) and "Hint:" in str(error.value)


# --- what is done to the images ---


def test_only_the_first_frame_is_taken_and_told(shapes):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("#ff0000", "#00ff00", "#0000ff")]
    for suffix in ("gif", "webp", "tiff", "apng"):
        options = {"lossless": True} if suffix == "webp" else {}
        path = shapes / "train" / "disc" / f"film.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    x, labels = read(shapes)
    assert (x[3:7] == np.array([255, 0, 0])[:, None, None]).all()
    assert said(labels, "4 images were the first frame")


def test_drawings_in_alpha_are_refused_without_a_background_and_seen_with_one(tmp_path):
    random = np.random.default_rng(0)
    shapes = random.integers(0, 256, (2, 3, 6, 6))
    for label, of_class in zip(("disc", "star"), shapes, strict=True):
        for number, alpha in enumerate(of_class):
            (tmp_path / "train" / label).mkdir(parents=True, exist_ok=True)
            pixels = np.stack([np.zeros((6, 6)), alpha], axis=-1).astype(np.uint8)
            Image.frombytes("LA", (6, 6), pixels.tobytes()).save(tmp_path / "train" / label / f"{number}.png")
    text = refusal(tmp_path)
    assert "transparent" in text and "`background: white`" in text and "0.png" in text
    assert "the images are empty on the background black" in refusal(tmp_path, background="black")
    x, labels = read(tmp_path, background="white")
    np.testing.assert_array_equal(x[:, 0], 255 - shapes.reshape(6, 6, 6))
    assert x.dtype == np.uint8 and said(labels, "6 images were transparent in places and lie on white")


def test_an_alpha_that_hides_nothing_is_dropped_and_told(shapes):
    pictures(shapes / "train" / "ring", 2, mode="RGBA", colour=(7, 8, 9, 255))
    x, labels = read(shapes)
    assert (x[3] == np.array([7, 8, 9])[:, None, None]).all() and said(labels, "2 images", "alpha channel", "opaque")


def test_a_coloured_background_colours_grey_images(tmp_path):
    for label, grey in (("disc", 0), ("star", 255)):
        pictures(tmp_path / "train" / label, 1, mode="LA", colour=(grey, 51))
    x, _ = read(tmp_path, background="#ff8000")
    np.testing.assert_array_equal(x[:, :, 0, 0], [[204, 102, 0], [255, 153, 51]])


def test_sixteen_bits_are_kept_exactly_and_eight_beside_them_alike(tmp_path):
    values = np.random.default_rng(1).integers(0, 65536, (6, 5)).astype(np.uint16)
    for label in ("disc", "star"):
        (tmp_path / "train" / label).mkdir(parents=True)
    Image.fromarray(values).save(tmp_path / "train" / "disc" / "deep.png")
    Image.fromarray((values >> 8).astype(np.uint8)).save(tmp_path / "train" / "star" / "plain.png")
    x, labels = read(tmp_path)
    np.testing.assert_array_equal(x[0, 0], (values / 65535).astype(np.float32))
    np.testing.assert_array_equal(x[1, 0], (values >> 8).astype(np.float32) / np.float32(255))
    assert said(labels, "1 of 2 images have 8 bits or less") and said(labels, "1 image was of more than 8 bits")


def test_grey_palettes_and_colours_come_together(tmp_path):
    pictures(tmp_path / "train" / "disc", 2, mode="L", colour=90)
    grey = Image.new("RGB", (5, 4), (90, 90, 90)).quantize(2)
    grey.save(tmp_path / "train" / "disc" / "palette.gif")
    pictures(tmp_path / "train" / "star", 2, mode="L", colour=10)
    x, labels = read(tmp_path)
    assert x.shape[1] == 1 and said(labels, "1 image was read from palettes")
    pictures(tmp_path / "train" / "star", 1, colour=(1, 2, 3))
    x, labels = read(tmp_path)
    assert (x[:3] == 90).all() and x.shape[1] == 3
    assert said(labels, "4 images were grey", "because 1 is in colour")


def test_images_turned_by_exif_are_turned_before_their_sizes_are_compared(shapes):
    tall = np.zeros((5, 4, 3), np.uint8)
    tall[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(tall).save(shapes / "train" / "disc" / "turned.png", exif=exif)
    x, labels = read(shapes)
    assert (x[3, :, :, -1] == 255).all() and not x[3, :, :, :-1].any()
    assert said(labels, "1 image was turned")


def test_upright_and_lying_images_are_refused_with_both_names_and_sizes(shapes):
    pictures(shapes / "train" / "star", 1, size=(4, 5), suffix=".bmp")
    text = refusal(shapes)
    assert (
        "star/0.bmp is 4x5" in text and "disc/0.png is 5x4" in text and "upright" in text and "resize: [4, 4]" in text
    )
    x, labels = read(shapes, resize=[4, 4])
    assert x.shape == (7, 3, 4, 4) and said(labels, "7 images", "resized to 4x4", "7 with other proportions")


def test_an_exif_that_is_damaged_is_told(shapes):
    path = shapes / "train" / "star" / "odd.jpg"
    picture(path, exif=b"Exif\0\0II*\0" + struct.pack("<IH", 8, 900) + b"\xff" * 8)
    labels = read(shapes)[1]
    assert len(labels.labels) == 7


def test_a_large_folder_is_looked_at_in_part_before_any_job(shapes, monkeypatch):
    pictures(shapes / "train" / "disc", 40)
    opened = []
    monkeypatch.setattr(image_folder, "HEADERS", 10)
    monkeypatch.setattr(
        image_folder, "look", lambda path: opened.append(path) or ("PNG", "RGB", "RGB", (5, 4), 1, False)
    )
    read_labels(source(shapes), ".", download=False)
    assert 8 <= len(opened) <= 12
    assert any("star" in str(path) for path in opened)


# --- changes between runs ---


def test_a_digest_changes_with_each_file_added_removed_renamed_or_written_only(shapes):
    digest = files_digest(source(shapes))
    assert files_digest(source(shapes)) == digest
    (shapes / "train" / ".DS_Store").write_text("seen by Finder")
    pictures(shapes / "results" / "charts")
    assert files_digest(source(shapes)) == digest

    changes = set()
    path = shapes / "train" / "star" / "0.png"
    content, status = path.read_bytes(), path.stat()
    path.rename(path.with_name("9.png"))
    changes.add(files_digest(source(shapes)))
    path.with_name("9.png").unlink()
    changes.add(files_digest(source(shapes)))
    path.write_bytes(content)
    os.utime(path, ns=(0, status.st_mtime_ns + 1))
    changes.add(files_digest(source(shapes)))
    path.write_bytes(content + b"\0")
    os.utime(path, ns=(0, status.st_mtime_ns))
    changes.add(files_digest(source(shapes)))
    assert len(changes - {digest}) == 4

    path.write_bytes(content)
    os.utime(path, ns=(0, status.st_mtime_ns))
    assert files_digest(source(shapes)) == digest
    assert files_digest(source(shapes / "nowhere")) is not None


def test_the_digest_stands_in_the_description(shapes, tmp_path):
    pictures(shapes / "train" / "disc", 20)
    pictures(shapes / "train" / "star", 20)
    for folder in ("disc", "star"):
        for number in range(10):  # identical samples alone are refused
            picture(shapes / "train" / folder / f"{number}.png", (9, 8, 7))
    preparing.prepare(source(shapes), ".", tmp_path / "p.npz", download=False)
    assert json.loads((tmp_path / "p.json").read_text())["files"] == sources.files_digest(source(shapes))


@pytest.mark.parametrize("name", ["trains", "evaluation"])
def test_a_class_that_is_called_like_a_part_needs_a_folder_of_training_samples(tmp_path, name):
    for label in ("planes", "cars", name):
        pictures(tmp_path / "own" / label)
    text = refusal(tmp_path / "own")
    assert str(tmp_path / "own" / name) in text and "put all class folders into a folder train/" in text
    (tmp_path / "whole").mkdir()
    (tmp_path / "own").rename(tmp_path / "whole" / "train")
    _, labels = read(tmp_path / "whole")
    assert labels.class_names == sorted(["planes", "cars", name])
