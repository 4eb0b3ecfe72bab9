"""How each quantity is defined: the head of its module, as text for readers."""

import ast
from dataclasses import dataclass
from pathlib import Path

import nodescope
from nodescope.config.study import Study


@dataclass(frozen=True)
class Method:
    """An analysis and its definition: the question that it answers, then paragraphs."""

    key: str
    name: str
    question: str
    paragraphs: list[str]


def methods_of(study: Study) -> list[Method]:
    """The analyses of a study, as their modules describe them."""
    return [_method(name) for name in study.analyses.enabled()]


def _method(name: str) -> Method:
    source = Path(nodescope.__file__).parent / "analyses" / f"{name}.py"
    words = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or name
    question, *paragraphs = words.split("\n\n")
    return Method(name, name.replace("_", " "), _joined(question), [_joined(paragraph) for paragraph in paragraphs])


def _joined(paragraph: str) -> str:
    return " ".join(paragraph.split())
