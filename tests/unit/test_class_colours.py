"""No two classes look alike, on light and on dark pages: CIEDE2000 differences of at least 20."""

from itertools import combinations

import numpy as np
import pytest

from nodescope.charts.context import Context
from nodescope.charts.specification import specification
from nodescope.charts.style import MOST_HUES, OTHER_CLASS, class_colours
from nodescope.config.charts import Charts
from nodescope.study.axes import Configurations

PALETTE = Charts().class_colours


def linear(text):
    part = np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(text):
    """CIE L*a*b* for the white point D65."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    t = to_xyz @ linear(text) / (0.95047, 1.0, 1.08883)
    x, y, z = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(first, second):
    """The colour difference of two L*a*b* colours (Sharma, Wu & Dalal 2005, equations 2 to 22)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))) / 2
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = h2 - h1
    turn += 360 * (turn < -180) - 360 * (turn > 180)
    mean_h = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else (h1 + h2 + 360 * (1 if h1 + h2 < 360 else -1)) / 2
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1 - 0.17 * np.cos(np.radians(mean_h - 30)) + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6)) - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )  # fmt: skip
    of_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    of_c, of_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    rotation = (
        -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    )
    lightness = (l2 - l1) / of_l
    chroma = (c2 - c1) / of_c
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / of_h
    return float(np.sqrt(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue))


def legible(text, *, dark):
    """As the page makes colours stand out (themes.js): mixed with black or white up to a contrast of 3 to 1."""
    behind, end = (0.0095, 255) if dark else (1.0, 0)
    own = np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)])
    for mix in np.arange(0, 1.01, 0.05):
        mixed = "#" + "".join(f"{round(part):02x}" for part in own * (1 - mix) + end * mix)
        light = linear(mixed) @ (0.2126, 0.7152, 0.0722)
        if (max(light, behind) + 0.05) / (min(light, behind) + 0.05) >= 3:
            return mixed
    raise AssertionError(text)


def test_the_colour_difference_is_that_of_its_authors():
    """From table 1 of Sharma, Wu & Dalal (2005)."""
    for first, second, expected in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ):
        assert ciede2000(first, second) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("theme", ["file", "light", "dark"])
def test_ten_classes_are_told_apart_on_light_and_dark_pages_and_in_files(theme):
    shown = [text if theme == "file" else legible(text, dark=theme == "dark") for text in PALETTE]
    assert len(shown) == 10
    for first, second in combinations([*shown, OTHER_CLASS], 2):
        assert ciede2000(lab(first), lab(second)) >= 20, (first, second)


@pytest.mark.parametrize("classes", [2, 10, 11, 100, 1000])
def test_no_two_classes_are_of_one_colour_but_grey(classes):
    colours = class_colours(classes, PALETTE)
    in_colour = [colour for colour in colours if colour != OTHER_CLASS]
    assert len(colours) == classes
    assert len(set(in_colour)) == len(in_colour) == (classes if classes <= 10 else MOST_HUES)


def test_a_palette_of_two_colours_serves_three_classes():
    assert class_colours(3, ["#000000", "#ffffff"]) == ["#000000", "#ffffff", OTHER_CLASS]


def test_a_legend_names_all_of_few_and_those_in_colour_of_many_classes():
    few, many = ([f"c{c}" for c in range(n)] for n in (10, 40))
    import altair as alt
    import polars as pl

    frame = pl.DataFrame({"class_name": ["c0"]})
    for names in (few, many):
        colour = Context(Charts(), names, Configurations.plain({})).class_colour()
        encoded = specification(alt.Chart(frame).mark_point().encode(color=colour))[0]["encoding"]["color"]
        assert encoded["scale"]["domain"] == names
        assert encoded["legend"].get("values") == (None if names is few else ["c0", "c1", "c2"])
    assert encoded["title"] == ["class", "(37 others grey)"]
