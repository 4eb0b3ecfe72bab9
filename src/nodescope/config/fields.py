"""The kinds of values that sections of the configuration hold, and what all sections have in common."""

import difflib
import os
import re
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

SAFE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true/false")
    return value


def _whole_number(value: Any) -> Any:
    """A number in quotes is that number: all that ``--config`` gives inside brackets comes as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value) else value


def _truth(value: Any) -> Any:
    """As `_whole_number`."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _distinct(values: list[Any]) -> list[Any]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"values must be unique; repeated: {', '.join(repeated)}")
    return values


def one_of(kind: str, known: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise ValueError(f"unknown {kind} '{name}'; {hint}Allowed: {', '.join(known)}")
        return name

    return AfterValidator(check)


def _expanded(path: str) -> str:
    """``~`` is the user's home; one that is not known stays as it is, and is then not found."""
    return os.path.expanduser(path)  # noqa: PTH111  (pathlib raises where there is no such user)


Distinct = AfterValidator(_distinct)


#: Behind the bounds of numbers, so that these stand in the JSON schema as editors know them.
MAYBE_IN_QUOTES = BeforeValidator(_whole_number)


LocalPath = Annotated[str, Field(min_length=1), AfterValidator(_expanded)]


_FILE_OF_FUNCTION = re.compile(r"(?P<file>.+\.py):(?P<function>[^:]+)", re.DOTALL)
_MODULE_OF_FUNCTION = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<function>[^:]+)")


def _function_path(path: str) -> str:
    path = _expanded(path)
    found = _FILE_OF_FUNCTION.fullmatch(path) or _MODULE_OF_FUNCTION.fullmatch(path)
    if found and found["function"].isidentifier():
        return path
    meant = re.fullmatch(r"(?P<file>.+\.py)|(?P<module>[\w./]+?)\.(?P<function>[^\W\d]\w*)", path)
    hint = (
        f"; did you mean '{meant['file'] or meant['module'] + '.py'}:{meant['function'] or 'build'}'?" if meant else ""
    )
    raise ValueError(
        f"'{path}' must name a file or module and a function: my_net.py:build, or package.module:build{hint}"
    )


#: A function of the user's own: ``file.py:function`` or ``package.module:function``.
FunctionPath = Annotated[str, AfterValidator(_function_path)]


SafeName = Annotated[str, Field(pattern=SAFE_NAME)]


Count = Annotated[int, Field(strict=True, ge=1), MAYBE_IN_QUOTES]


Index = Annotated[int, Field(strict=True, ge=0), MAYBE_IN_QUOTES]


Depth = Annotated[int, Field(strict=True, ge=1, le=1000), MAYBE_IN_QUOTES]


Width = Annotated[int, Field(strict=True, ge=1, le=100_000), MAYBE_IN_QUOTES]


Epochs = Annotated[int, Field(strict=True, ge=0, le=100_000), MAYBE_IN_QUOTES]


Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32), MAYBE_IN_QUOTES]


Flag = Annotated[bool, BeforeValidator(_truth), Field(strict=True)]


NO_BOOLEAN = BeforeValidator(_not_a_boolean)


Number = Annotated[float, Field(allow_inf_nan=False), NO_BOOLEAN]


PositiveNumber = Annotated[float, Field(allow_inf_nan=False, gt=0), NO_BOOLEAN]


Share = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1), NO_BOOLEAN]


NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0), NO_BOOLEAN]


Split = Literal["train", "validation", "test", "random"]


Splits = Annotated[list[Split], Field(min_length=1), Distinct]


ALL_SPLITS: list[Split] = ["train", "validation", "test"]


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors, values do not change.

    Wherever a list is wanted, one value stands for a list of that value: ``depth: 2`` is short for ``depth: [2]``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _lists_of_one(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        lists = lists_of(cls)
        return {key: [value] if key in lists and _is_single(value) else value for key, value in given.items()}


@cache
def lists_of(section: type[BaseModel]) -> frozenset[str]:
    """The keys of a section that want a list, or a list or nothing."""
    return frozenset(name for name, field in section.model_fields.items() if _wants_list(field.annotation))


def _wants_list(kind: Any) -> bool:
    if get_origin(kind) in (Annotated, Union, UnionType):
        return any(_wants_list(argument) for argument in get_args(kind))
    return get_origin(kind) is list


def _is_single(value: Any) -> bool:
    """Whether a value can stand for a list of it: a section of sections by name is a list written in another way."""
    if isinstance(value, Mapping):
        return not value or not all(isinstance(entry, Mapping) for entry in value.values())
    return not isinstance(value, (list, tuple, NoneType))
