"""The charts are what the modules of the gallery declare."""

from dataclasses import replace
from importlib import import_module

import pytest

from nodescope.charts.chart import SECTIONS, Chart
from nodescope.charts.registry import CHARTS, GALLERY, NO_CLASSES, declaration, declared, reason_to_leave_out


def test_what_is_read_from_the_sources_is_what_the_modules_declare():
    assert set(CHARTS) == {path.stem for path in GALLERY.glob("*.py")} - {"__init__"}
    for name, chart in CHARTS.items():
        assert replace(import_module(f"nodescope.charts.gallery.{name}").CHART, name=name) == chart


def test_charts_stand_in_the_order_of_their_sections_and_of_their_numbers(tmp_path):
    for name, section, order in (("b", "nodes", 2), ("c", "performance", 9), ("a", "nodes", 1)):
        text = f'CHART = Chart(section="{section}", order={order}, tables=("accuracy",))\n'
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    assert list(declared(tmp_path)) == ["c", "a", "b"]
    places = [(list(SECTIONS).index(chart.section), chart.order) for chart in CHARTS.values()]
    assert places == sorted(places) and len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no `CHART = Chart"),
        (
            'CHART = Chart(section="elsewhere", order=1, tables=())',
            "the section 'elsewhere' is none of performance, nodes",
        ),
    ],
)
def test_a_module_without_a_declaration_is_named(tmp_path, text, said):
    (tmp_path / "new.py").write_text(text, encoding="utf-8")
    with pytest.raises(TypeError, match=said) as error:
        declaration(tmp_path / "new.py")
    assert str(tmp_path / "new.py") in str(error.value)


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ({}, ""),
        ({"tables": ("gradients",)}, "the study has no table gradients"),
        ({"axes": ("depth",)}, "the study has no axis depth"),
        ({"tables": ("accuracy", "scorecard")}, "the study is compared with no published works (works)"),
        ({"needs_training": True}, "its networks are not trained here"),
        ({"needs_accuracy": True}, "no accuracy of trained networks is known"),
        ({"needs_snapshots": True}, "no states between the first and the last are recorded (snapshots)"),
        ({"needs_classes": True, "tables": ("gradients",)}, NO_CLASSES),
    ],
)
def test_a_chart_is_left_out_for_the_reason_that_is_given(needs, reason):
    chart = Chart(**{"section": "nodes", "order": 1, "tables": ("accuracy",)} | needs)
    nothing = {"trained": False, "accuracy": False, "snapshots": False, "classes": False}
    assert reason_to_leave_out(chart, ["accuracy"], ["size"], **nothing) == reason
