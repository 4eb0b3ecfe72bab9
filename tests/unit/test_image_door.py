"""Whatever the format, mode, depth, orientation, alpha and size of an image: its values arrive, or it is refused in words.

The files are written here byte by byte from known numbers where the format is simple (PNG, TIFF, Netpbm, PFM, BMP, TGA), and
by Pillow from known 8-bit pixels elsewhere. What is expected follows from these numbers by the formats' own rules, in float64.
"""

import io
import shutil
import struct
import zlib
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from PIL import Image

from nodescope.config.dataset import ImageFolder
from nodescope.datasets.prepared import unit_interval
from nodescope.datasets.sources import read_labels, read_samples
from nodescope.messages.errors import DatasetError

CASES = 170  # of each of the kinds of files below

#: Half a step of 8 bits: what rounding to them may change.
HALF = 0.5 / 255 + 1e-6


@dataclass(frozen=True)
class File:
    """A file and what is in it.

    ``colours`` [row, column, 1 or 3] and ``alpha`` [row, column] in [0, 1]; ``turn`` as EXIF counts;
    ``refused``: a word of the reason where there must be one; ``off`` how far a value may be off.
    """

    suffix: str
    content: bytes
    colours: np.ndarray
    alpha: np.ndarray | None = None
    turn: int = 1
    refused: str = ""
    off: float = HALF
    what: str = ""
    eight_bits: bool = field(default=True)


def turned(image, turn):
    """Row and column of where each pixel is shown, by the table of the EXIF standard (tag Orientation)."""
    rows, columns = image.shape[:2]
    tall = turn in (5, 6, 7, 8)
    result = np.empty((columns, rows, *image.shape[2:]) if tall else image.shape)
    for r in range(rows):
        for c in range(columns):
            up, left, down, right = r, c, rows - 1 - r, columns - 1 - c
            place = {
                1: (up, left), 2: (up, right), 3: (down, right), 4: (down, left),
                5: (left, up), 6: (left, down), 7: (right, down), 8: (right, up),
            }[turn]  # fmt: skip
            result[place] = image[r, c]
    return result


def on(background, colours, alpha):
    """The operator over, in float64."""
    behind = np.array(background) / 255
    if len(set(background)) > 1 or colours.shape[-1] == 3:
        colours = np.broadcast_to(colours, (*colours.shape[:2], 3))
    else:
        behind = behind[:1]
    return alpha[..., None] * colours + (1 - alpha[..., None]) * behind


# --- files, written from known numbers ---


def packed(numbers, depth, order=">"):
    """Rows of numbers [row, number] as bytes, each row ending on a whole byte."""
    if depth == 16:
        return [row.astype(f"{order}u2").tobytes() for row in numbers]
    bits = np.unpackbits(numbers.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
    return [np.packbits(row.reshape(-1)).tobytes() for row in bits]


def exif(turn, order="<"):
    """A TIFF header with the one tag Orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)


def png(random):
    kind = random.choice([0, 0, 2, 3, 3, 4, 6])
    depth = int(random.choice({0: [1, 2, 4, 8, 16], 3: [1, 2, 4, 8]}.get(int(kind), [8, 8, 16])))
    rows, columns = random.integers(1, 9, 2)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[int(kind)]
    top = 2**depth - 1
    entries = int(random.integers(2, min(top + 1, 40) + 1))
    numbers = random.integers(0, entries if kind == 3 else top + 1, (rows, columns, channels))
    chunks, alpha = [], None
    if kind == 3:
        palette = random.integers(0, 256, (entries, 3))
        if random.random() < 0.4:
            palette[:] = palette[:, :1]
        chunks.append((b"PLTE", palette.astype(np.uint8).tobytes()))
        colours = palette[numbers[..., 0]] / 255
        if (palette[numbers] == palette[numbers][..., :1]).all():
            colours = colours[..., :1]
        if random.random() < 0.5:
            see_through = random.choice([0, 100, 255], int(random.integers(1, entries + 1)))
            chunks.append((b"tRNS", see_through.astype(np.uint8).tobytes()))
            alpha = np.r_[see_through, np.full(entries - len(see_through), 255)][numbers[..., 0]] / 255
    else:
        colours = numbers[..., : 3 if channels > 2 else 1] / top
        if kind in (4, 6):
            if random.random() < 0.3:
                numbers[..., -1] = top
            alpha = numbers[..., -1] / top
        elif random.random() < 0.4:
            key = numbers[0, 0]
            chunks.append((b"tRNS", key.astype(">u2").tobytes()))
            alpha = 1.0 - (numbers == key).all(axis=-1)
    turn = int(random.integers(1, 9)) if random.random() < 0.4 else 1
    before, after = ([(b"eXIf", exif(turn, random.choice(["<", ">"])))] if turn > 1 else [], [])
    if random.random() < 0.5:
        before, after = after, before
    data = zlib.compress(b"".join(b"\0" + row for row in packed(numbers.reshape(rows, -1), depth)))
    header = struct.pack(">IIBBBBB", columns, rows, depth, kind, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in [(b"IHDR", header), *chunks, *before, (b"IDAT", data), *after, (b"IEND", b"")]:
        content += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    deep_colours = depth == 16 and kind != 0
    return File(
        random.choice([".png", ".PNG", ".apng", ".jpg", ""]), content, colours, alpha, turn,
        refused="16 bits" if deep_colours else "", off=1e-7 if depth == 16 else HALF,
        what=f"kind {kind}, {depth} bits", eight_bits=depth < 16,
    )  # fmt: skip


def tiff(random):
    order = random.choice(["<", ">"])
    kind = str(
        random.choice(["grey", "grey", "colour", "alpha", "premultiplied", "float", "int32", "signed", "palette"])
    )
    rows, columns = random.integers(1, 9, 2)
    white_is_zero, alpha, refused, extra = False, None, "", []
    depth = 8
    form = 1
    if kind == "grey":
        white_is_zero = bool(random.random() < 0.5)
        depth = int(random.choice([1, 4, 8, 16, 16]))
        if order == ">" and depth == 16:
            white_is_zero = False  # Pillow does not know this one; see the test of formats that it does not read
        numbers = random.integers(0, 2**depth, (rows, columns, 1))
        body = b"".join(packed(numbers[..., 0], depth, order))
        colours = numbers / (2**depth - 1)
        colours = 1 - colours if white_is_zero else colours
    elif kind in ("colour", "alpha", "premultiplied"):
        depth = int(random.choice([8, 8, 16]))
        numbers = random.integers(0, 2**depth, (rows, columns, 3 + (kind != "colour")))
        if kind == "premultiplied":
            numbers[..., :3] = numbers[..., :3] * (numbers[..., 3:] / (2**depth - 1))
        body = b"".join(packed(numbers.reshape(rows, -1), depth, order))
        colours = numbers[..., :3] / (2**depth - 1)
        if kind != "colour":
            alpha = numbers[..., 3] / (2**depth - 1)
            extra = [(338, 3, [2 if kind == "alpha" else 1])]
        if kind == "premultiplied":
            colours = colours / np.maximum(alpha, 1e-9)[..., None]
        refused = "16 bits" if depth == 16 else ""
    elif kind == "float":
        depth, form = 32, 3
        inside = random.random() < 0.6
        white_is_zero = bool(random.random() < 0.3)
        values = (random.random((rows, columns, 1)) * (1 if inside else 300) - (0 if inside else 1)).astype(np.float32)
        values.flat[0] = values.flat[0] if inside else random.choice([-1, 255, np.nan, np.inf])
        body = values.astype(f"{order}f4").tobytes()
        colours = 1 - values.astype(np.float64) if white_is_zero else values.astype(np.float64)
        refused = "" if inside else "floats from"
    elif kind == "palette":
        numbers = random.integers(0, 256, (rows, columns, 1))
        palette = random.integers(0, 256, (3, 256))
        extra = [(320, 3, (palette * 257).reshape(-1).tolist())]
        body = b"".join(packed(numbers[..., 0], 8))
        colours = palette.T[numbers[..., 0]] / 255
        if (palette.T[numbers] == palette.T[numbers][..., :1]).all():
            colours = colours[..., :1]
    else:
        depth, form = (32, int(random.choice([1, 2]))) if kind == "int32" else (int(random.choice([8, 16])), 2)
        if kind == "int32" and order == ">":
            form = 2
        refused = "signed" if form == 2 else "32-bit integers"
        numbers = random.integers(0, 100, (rows, columns, 1))
        body = numbers.astype(f"{order}i{depth // 8}").tobytes()
        colours = numbers / 100
    samples = 1 if kind not in ("colour", "alpha", "premultiplied") else numbers.shape[-1]
    photometric = 3 if kind == "palette" else 2 if samples > 1 else 0 if white_is_zero else 1
    turn = int(random.integers(1, 9)) if random.random() < 0.4 else 1
    tags = [
        (256, 4, [columns]), (257, 4, [rows]), (258, 3, [depth] * samples), (259, 3, [1]), (262, 3, [photometric]),
        (273, 4, [0]), (274, 3, [turn]), (277, 3, [samples]), (278, 4, [rows]), (279, 4, [len(body)]),
        *extra, (339, 3, [form] * samples),
    ]  # fmt: skip
    return File(
        random.choice([".tif", ".tiff", ".TIF"]), tiff_of(sorted(tags), body, order), colours, alpha, turn, refused,
        off={16: 1e-7, 32: 1e-7}.get(depth, HALF) if kind != "premultiplied" else 2 / 255,
        what=f"{kind}, {depth} bits, {order}, white is {'zero' if white_is_zero else 'high'}", eight_bits=depth <= 8,
    )  # fmt: skip


def tiff_of(tags, body, order):
    start = 8 + 2 + 12 * len(tags) + 4
    entries, far = b"", b""
    place_of_body = start + sum(len(v) * (2 if t == 3 else 4) for _, t, v in tags if len(v) * (2 if t == 3 else 4) > 4)
    for tag, kind, given in tags:
        values = [place_of_body] if tag == 273 else given
        data = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *[int(v) for v in values])
        if len(data) > 4:
            where, far = struct.pack(f"{order}I", start + len(far)), far + data
        else:
            where = data.ljust(4, b"\0")
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + where
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + entries + struct.pack(f"{order}I", 0) + far + body


def netpbm(random):
    rows, columns = (int(n) for n in random.integers(1, 9, 2))
    kind = str(random.choice(["P1", "P2", "P3", "P4", "P5", "P5", "P6", "P6", "Pf"]))
    top = int(random.choice([1, 3, 15, 100, 255, 255, 1000, 4095, 65535, 65535]))
    if kind == "Pf":
        values = (random.random((rows, columns, 1)) * random.choice([1, 1, 7])).astype(np.float32)
        order = random.choice(["<", ">"])
        head = f"Pf\n{columns} {rows}\n{-1.0 if order == '<' else 1.0}\n".encode()
        return File(
            ".pfm", head + values[::-1].astype(f"{order}f4").tobytes(), values.astype(np.float64),
            refused="floats from" if values.max() > 1 else "", off=1e-7, what=f"Pf {order}", eight_bits=False,
        )  # fmt: skip
    top = 1 if kind in ("P1", "P4") else top
    numbers = random.integers(0, top + 1, (rows, columns, 3 if kind in ("P3", "P6") else 1))
    flat = numbers.reshape(rows, -1)
    head = f"{kind}\n# a comment\n{columns} {rows}\n" + ("" if kind in ("P1", "P4") else f"{top}\n")
    if kind in ("P1", "P2", "P3"):
        body = "\n".join(" ".join(map(str, row)) for row in flat).encode()
    else:
        body = b"".join(packed(flat, 1 if kind == "P4" else 16 if top > 255 else 8))
    values = numbers / top
    return File(
        random.choice([".pnm", ".ppm", ".pgm", ".pbm"]), head.encode() + body, 1 - values if kind in ("P1", "P4") else values,
        refused="16 bits" if top > 255 and kind in ("P3", "P6") else "",
        off=0.5 / 65535 + 1e-7 if top > 255 else HALF, what=f"{kind} of {top}", eight_bits=top <= 255,
    )  # fmt: skip


def bmp_and_tga(random):
    rows, columns = (int(n) for n in random.integers(1, 9, 2))
    pixels = random.integers(0, 256, (rows, columns, 4))
    upside_down = random.random() < 0.5
    own = pixels if upside_down else pixels[::-1]
    if random.random() < 0.5:
        padding = b"\0" * (-3 * columns % 4)
        body = b"".join(row[:, [2, 1, 0]].astype(np.uint8).tobytes() + padding for row in own)
        size = struct.pack("<IiiHHIIiiII", 40, columns, -rows if upside_down else rows, 1, 24, 0, len(body), 0, 0, 0, 0)
        content = b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + size + body
        return File(random.choice([".bmp", ".BMP"]), content, pixels[..., :3] / 255, what="BMP")
    kind = str(random.choice(["grey", "colour", "alpha"]))
    order = {"grey": [0], "colour": [2, 1, 0], "alpha": [2, 1, 0, 3]}[kind]
    flags = (0x20 if upside_down else 0) | (8 if kind == "alpha" else 0)
    size = struct.pack("<HHHHBB", 0, 0, columns, rows, 8 * len(order), flags)
    head = struct.pack("<BBBHHB", 0, 0, 3 if kind == "grey" else 2, 0, 0, 0) + size
    footer = struct.pack("<II", 0, 0) + b"TRUEVISION-XFILE.\0"
    return File(
        random.choice([".tga", ".TGA"]), head + own[..., order].astype(np.uint8).tobytes() + footer,
        pixels[..., : 1 if kind == "grey" else 3] / 255, pixels[..., 3] / 255 if kind == "alpha" else None, what=f"TGA {kind}",
    )  # fmt: skip


def by_pillow(random):
    """Formats that keep 8-bit pixels as they are."""
    rows, columns = (int(n) for n in random.integers(1, 9, 2))
    formats = {
        "WEBP": ("RGB", "RGBA"), "GIF": ("L",), "PCX": ("L", "RGB"), "SGI": ("L", "RGB", "RGBA", "16 bits"),
        "ICO": ("RGBA",), "QOI": ("RGB", "RGBA"), "TIFF": ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "PA"),
        "JPEG2000": ("L", "RGB", "RGBA", "I;16"), "DIB": ("RGB", "L"),
    }  # fmt: skip
    name = str(random.choice([*formats, "TIFF"]))
    mode = str(random.choice(formats[name]))
    suffix = {"JPEG2000": ".jp2", "TIFF": ".tiff"}.get(name, "." + name.lower())
    stream = io.BytesIO()
    if mode in ("16 bits", "I;16"):
        numbers = random.integers(0, 65536, (rows, columns))
        if mode == "I;16":
            options = {"irreversible": False, "num_resolutions": 1}
            Image.fromarray(numbers.astype(np.uint16)).save(stream, name, **options)
            return File(
                suffix, stream.getvalue(), numbers[..., None] / 65535, off=1e-7, what="JPEG 2000", eight_bits=False
            )
        head = struct.pack(">HBBHHHHii", 474, 0, 2, 2, columns, rows, 1, 0, 65535).ljust(512, b"\0")
        content = head + numbers[::-1].astype(">u2").tobytes()
        return File(suffix, content, numbers[..., None] / 65535, refused="16 bits", what="SGI 16")
    bands = Image.getmodebands(mode)
    numbers = random.integers(0, 256, (rows, columns, bands)).astype(np.uint8)
    if mode.endswith("A") and random.random() < 0.3:
        numbers[..., -1] = 255
    values = numbers / 255
    alpha, refused, off = (values[..., -1] if mode in ("LA", "RGBA", "PA") else None), "", HALF
    image = Image.frombytes(mode, (columns, rows), numbers.tobytes())
    if mode == "PA":
        palette = random.integers(0, 256, (256, 3)).astype(np.uint8)
        image.putpalette(palette.tobytes())
        colours = palette[numbers[..., 0]] / 255
    elif mode == "CMYK":
        colours, off = (1 - values[..., :3]) * (1 - values[..., 3:]), 1.01 / 255
    elif mode == "YCbCr":  # JFIF 1.02, page 3
        y, cb, cr = values[..., 0], values[..., 1] - 128 / 255, values[..., 2] - 128 / 255
        colours = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1).clip(0, 1)
        off = 1.5 / 255
    else:
        colours = values[..., :3] if bands > 2 else values[..., :1]
        refused = "LAB" if mode == "LAB" else ""
    options = {"WEBP": {"lossless": True, "exact": True}, "JPEG2000": {"irreversible": False, "num_resolutions": 1}}
    if name == "ICO":
        options["ICO"] = {"sizes": [(columns, rows)]}
    turn = int(random.integers(1, 9)) if name == "WEBP" and random.random() < 0.5 else 1
    if turn > 1:
        options["WEBP"]["exif"] = exif(turn)
    if name == "TIFF" and mode != "YCbCr":
        turn = int(random.integers(1, 9))
        compression = str(random.choice(["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]))
        options["TIFF"] = {"compression": compression, "tiffinfo": {274: turn}}
    if name == "QOI":  # each pixel by itself, as the format allows
        mark = b"\xfe" if bands == 3 else b"\xff"
        stream.write(b"qoif" + struct.pack(">IIBB", columns, rows, bands, 0))
        stream.write(b"".join(mark + pixel.tobytes() for pixel in numbers.reshape(-1, bands)) + b"\0" * 7 + b"\1")
    else:
        image.save(stream, name, **options.get(name, {}))
    return File(suffix, stream.getvalue(), colours, alpha, turn, refused, off, f"{name} {mode}")


def jpeg(random):
    """Of one colour, which JPEG keeps to a few steps, and turned, so that its size tells."""
    rows, columns = (int(n) for n in random.integers(1, 20, 2))
    mode = str(random.choice(["L", "RGB", "CMYK"]))
    colour = random.integers(0, 256, Image.getmodebands(mode))
    turn = int(random.integers(1, 9))
    image = Image.new(mode, (columns, rows), tuple(int(n) for n in colour) if len(colour) > 1 else int(colour[0]))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=100, subsampling=0, exif=b"Exif\0\0" + exif(turn, random.choice(["<", ">"])))
    values = colour / 255
    values = (1 - values[:3]) * (1 - values[3]) if mode == "CMYK" else values
    return File(
        random.choice([".jpg", ".jpeg", ".JPG", ".jfif", ".jpe", ".png"]), stream.getvalue(),
        np.broadcast_to(values, (rows, columns, len(values))), turn=turn, off=6 / 255, what=f"JPEG {mode}",
    )  # fmt: skip


KINDS = [png, tiff, netpbm, bmp_and_tga, by_pillow, jpeg]

BACKGROUNDS = {
    None: None,
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "#102030": (16, 32, 48),
    "#808080": (128, 128, 128),
}


def expected_of(file, background):
    """What must arrive [channel, row, column], or a word of why it must not."""
    if file.refused:
        return file.refused
    image = file.colours
    if file.alpha is not None and (file.alpha < 1).any():
        if background is None:
            return "transparent"
        image = on(BACKGROUNDS[background], image, file.alpha)
        steps = np.floor(image * 255 + 0.5) if file.eight_bits else image
        if np.ptp(file.alpha) > 0 and (steps == steps[:1, :1]).all():
            return "images are empty"
    return np.moveaxis(turned(image, file.turn), -1, 0)


def folder_of(root, files):
    """A folder whose classes a and b hold the files in turn."""
    shutil.rmtree(root, ignore_errors=True)
    for label in "ab":
        (root / "train" / label).mkdir(parents=True)
    for number, file in enumerate(files):
        (root / "train" / "ab"[number % 2] / f"picture-{number:03}{file.suffix}").write_bytes(file.content)


def read(root, **keys):
    """Values in [0, 1] and labels; what is known before any job must agree with what is read."""
    source = ImageFolder(source="image_folder", name="pictures", path=str(root), **keys)
    try:
        early = read_labels(source, ".", download=False)
    except DatasetError as error:
        with pytest.raises(DatasetError) as late:
            read_samples(source, ".", download=False)
        assert str(late.value).split("Hint")[0] == str(error).split("Hint")[0]
        raise
    x, labels = read_samples(source, ".", download=False)
    np.testing.assert_array_equal(labels.labels, early.labels)
    assert x.dtype in (np.uint8, np.float32)
    return unit_interval(x).astype(np.float64), labels


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_image_arrives_with_its_values_or_is_refused_with_file_reason_and_remedy(kind, tmp_path):
    arrived = refused = 0
    for number in range(CASES):
        random = np.random.default_rng([KINDS.index(kind), number])
        file = kind(random)
        background = str(random.choice(list(filter(None, BACKGROUNDS)))) if random.random() < 0.7 else None
        expected = expected_of(file, background)
        folder_of(tmp_path / "pictures", [file, file])
        case = f"case {number}: {file.what}, {file.suffix}, turned {file.turn}, on {background}"
        try:
            x, labels = read(tmp_path / "pictures", background=background)
        except DatasetError as error:
            assert isinstance(expected, str), f"{case}: refused: {error}"
            assert expected in str(error), case
            assert "Hint: " in str(error), case
            if expected != "images are empty":
                assert f"picture-000{file.suffix}" in str(error), case
            refused += 1
            continue
        assert not isinstance(expected, str), f"{case}: arrived, though {expected}"
        assert x[0].shape == expected.shape, case
        np.testing.assert_allclose(x[0], expected, rtol=0, atol=file.off, err_msg=case)
        np.testing.assert_array_equal(x[0], x[1])
        assert any("EXIF" in sentence for sentence in labels.decisions) == (file.turn > 1), case
        arrived += 1
    assert arrived > CASES / 3 and arrived + refused == CASES


def test_images_of_all_kinds_in_one_folder_arrive_alike(tmp_path):
    """Grey ones become colours and 8 bits floats where a single one needs it."""
    random = np.random.default_rng(7)
    pool = []
    while len(pool) < 150:
        kind = KINDS[int(random.integers(len(KINDS)))]
        file = kind(random)
        if not isinstance(expected_of(file, "white"), str):
            pool.append(file)
    sizes = {}
    for file in pool:
        sizes.setdefault(expected_of(file, "white").shape[1:], []).append(file)
    mixed = [files for files in sizes.values() if len(files) > 2]
    assert len(mixed) > 10
    for files in mixed:
        folder_of(tmp_path / "mixed", files)
        x, _ = read(tmp_path / "mixed", background="white")
        expected = [expected_of(file, "white") for file in files]
        channels = max(map(len, expected))
        order = [*range(0, len(files), 2), *range(1, len(files), 2)]
        assert x.shape[1] == channels
        for values, number in zip(x, order, strict=True):
            wide = np.broadcast_to(expected[number], values.shape)
            np.testing.assert_allclose(values, wide, rtol=0, atol=files[number].off, err_msg=files[number].what)


def triangle(image, rows, columns):
    """Resized by a triangle as wide as what a pixel covers then, or as a pixel of the source (float64, slow)."""

    def along(values, length):
        scale = values.shape[0] / length
        reach = max(scale, 1.0)
        centres = (np.arange(length) + 0.5) * scale
        weights = np.maximum(0, 1 - np.abs((np.arange(values.shape[0]) + 0.5)[None] - centres[:, None]) / reach)
        return np.tensordot(weights / weights.sum(axis=1, keepdims=True), values, (1, 0))

    return np.moveaxis(along(np.moveaxis(along(image, rows), 1, 0), columns), 0, 1)


def test_images_of_many_sizes_are_resized_without_aliasing(tmp_path):
    random = np.random.default_rng(3)
    for number in range(60):
        file = png(random)
        expected = expected_of(file, "black")
        if isinstance(expected, str):
            continue
        rows, columns = (int(n) for n in random.integers(1, 13, 2))
        folder_of(tmp_path / "pictures", [file, replace(file, suffix=".png")])
        x, labels = read(tmp_path / "pictures", background="black", resize=(rows, columns))
        wanted = np.moveaxis(triangle(np.moveaxis(expected, 0, -1), rows, columns), -1, 0)
        np.testing.assert_allclose(x[0], wanted, rtol=0, atol=file.off + HALF, err_msg=f"{number}: {file.what}")
        assert any(f"{columns}x{rows}" in sentence for sentence in labels.decisions)
