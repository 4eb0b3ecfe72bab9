"""``config.yaml`` is written by hand: it shows every key, explains it as its section does, and shows the right default."""

import inspect
import re
import textwrap
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from nodescope.config.loading import parse_config
from nodescope.messages.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[2]
PATH = REPOSITORY / "config.yaml"

KEY = re.compile(r"^( *)(- )?([a-z_0-9]+):(?: (.*))?$")
NOT_GIVEN = re.compile(r"^( *)# ([a-z_0-9]+): (?:\.\.\.|\[\.\.\.\])$")
DEFAULT = re.compile(r" ?\(default: (.*)\)$")


def shown(text):
    """Every key that the file shows, of its studies those of the first: {path: (comment above it, value as text)}.

    The value of a section is empty, that of a key that is commented out None.
    """
    found = {}
    comment: list[str] = []
    sections: list[tuple[int, str]] = []
    items = 0
    for line in text.splitlines():
        key, not_given = KEY.match(line), NOT_GIVEN.match(line)
        if key or not_given:
            indent = len((key or not_given)[1]) + (2 if key and key[2] else 0)
            if key and key[2]:
                items += 1
                if items > 1:
                    break  # of further studies only what differs is shown
            name, value = (key[3], key[4] or "") if key else (not_given[2], None)
            while sections and sections[-1][0] >= indent:
                sections.pop()
            found[*(section for _, section in sections), name] = (" ".join(comment), value)
            sections.append((indent, name))
            comment = []
        elif line.strip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
        else:
            comment = []
    return found


def help_of(section, name):
    """What a section says of a key; a subclass may change the default alone."""
    for base in section.__mro__:
        if issubclass(base, BaseModel) and name in base.model_fields and base.model_fields[name].description:
            return base.model_fields[name].description
    return ""


def keys_of(section, path=()):
    """The keys of a section and of those in it: (path, section's class, name, value)."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        yield (*path, name), type(section), name, value
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], BaseModel) else value
        if isinstance(inner, BaseModel):
            yield from keys_of(inner, (*path, name))


def as_written(value):
    if isinstance(value, BaseModel):
        return ""  # of a section; its keys follow
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()


def problems(text):
    """What the file should say and does not, as one would write it."""
    config = parse_config(yaml.safe_load(text))
    in_file = shown(text)
    for path, section, name, value in keys_of(config):
        where = ".".join(path)
        if path not in in_file:
            comment = inspect.getdoc(value) if isinstance(value, BaseModel) else help_of(section, name)
            yield f"{where} is missing; write it with a comment:\n  # {comment}\n  {name}: {as_written(value)}"
            continue
        comment, given = in_file[path]
        if given == "":
            if not comment:
                yield f"{where}: a section needs a comment"
            continue
        stated = DEFAULT.search(comment)
        field = section.model_fields[name]
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        differs = given is not None and not field.is_required() and value != default
        expected = help_of(section, name) + (f" (default: {as_written(default)})" if differs else "")
        if expected and comment != expected:
            wrapped = textwrap.fill(expected, 118, initial_indent="  # ", subsequent_indent="  # ")
            yield f"{where}: its comment should be\n{wrapped}\nbut is\n  # {comment}"
        if given is None and default is not None and not stated:
            yield f"{where}: is commented out, so its default {as_written(default)} is not shown"
        if not comment:
            yield f"{where}: a key needs a comment"


def test_it_shows_every_key_with_its_help_and_its_default():
    found = list(problems(PATH.read_text(encoding="utf-8")))
    assert not found, "config.yaml differs from the sections in src/nodescope/config:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("line", "instead", "expected"),
    [
        ("download: true\n", "", "download is missing"),
        ("# device on which networks are trained; auto uses a GPU if available\n", "", "device: its comment should be"),
        (
            "      sparsity:\n        # false disables the analysis and its charts\n        enabled: true\n"
            "        # splits to measure\n        splits: [train, validation, test]\n",
            "",
            "studies.analyses.sparsity is missing; write it with a comment:\n  # Share of samples",
        ),
        ("  height: 190\n", "  height: 200\n", "height of a panel in pixels (default: 190)"),
        ("(default: 0.1)", "(default: 0.2)", "studies.dataset.validation_size: its comment should be"),
    ],
)
def test_what_is_missing_or_out_of_date_is_found(line, instead, expected):
    text = PATH.read_text(encoding="utf-8")
    assert line in text
    assert any(expected in problem for problem in problems(text.replace(line, instead, 1)))


def test_a_key_that_there_is_not_is_an_error():
    text = PATH.read_text(encoding="utf-8").replace("download: true\n", "download: true\ndownlod: false\n")
    with pytest.raises(ConfigError, match=r"downlod: unknown key; did you mean 'download'\?"):
        parse_config(yaml.safe_load(text))
