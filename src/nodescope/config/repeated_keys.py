"""Keys that stand twice in a section of a YAML file: YAML takes the last one without a word."""

from collections.abc import Iterator
from pathlib import Path

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


def repeated_keys(path: str | Path) -> list[str]:
    """One sentence per repeated key of a file that Snakemake has read: file, lines and key."""
    with Path(path).open(encoding="utf-8") as stream:
        root = yaml.compose(stream, Loader=_LOADER)
    return [f"{path}: {problem}" for problem in _repeated(root, set())] if root else []


def _repeated(node: yaml.Node, seen: set[int]) -> Iterator[str]:
    if id(node) in seen:  # an alias may lead back to where it stands
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _repeated(entry, seen)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if key.value in first:
                    yield (
                        f"the key '{key.value}' stands twice in one section, in lines {first[key.value]} and {line}; "
                        "only one of them can be meant"
                    )
                first.setdefault(key.value, line)
            yield from _repeated(value, seen)
