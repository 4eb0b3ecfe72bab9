"""How each quantity is defined: the head of its module, as text for readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodescope.analyses import Analysis, registered
from nodescope.config.study import Study
from nodescope.study.contents import analyses_of


@dataclass(frozen=True)
class Method:
    """An analysis and its definition: the question that it answers, then paragraphs."""

    key: str
    name: str
    question: str
    paragraphs: list[str]


def methods_of(study: Study, dataset: Mapping[str, Any]) -> list[Method]:
    """The analyses of a study, as their modules describe them; of its prepared data the description is given."""
    return [_method(registered()[name]) for name in analyses_of(study, dataset)]


def _method(analysis: Analysis) -> Method:
    question, *paragraphs = analysis.text.split("\n\n")
    return Method(analysis.name, analysis.title, _joined(question), [_joined(paragraph) for paragraph in paragraphs])


def _joined(paragraph: str) -> str:
    return " ".join(paragraph.split())
