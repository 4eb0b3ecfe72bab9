"""What only the YAML files themselves can tell: keys that stand twice (YAML takes the last one), and who has which."""

from collections.abc import Iterator
from pathlib import Path

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


def repeated_keys(path: str | Path) -> list[str]:
    """One sentence per repeated key of a file that Snakemake has read: file, lines and key."""
    root = _composed(path)
    return [f"{path}: {problem}" for problem in _repeated(root, set())] if root else []


def keys_at_top(path: str | Path) -> list[str]:
    """The keys of a file that Snakemake has read, outside all sections."""
    root = _composed(path)
    return [key.value for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []


def _composed(path: str | Path) -> yaml.Node | None:
    with Path(path).open(encoding="utf-8") as stream:
        root: yaml.Node | None = yaml.compose(stream, Loader=_LOADER)
    return root


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
                        f"the key '{key.value}' is repeated in one section, in lines {first[key.value]} and {line}. "
                        "Hint: remove one of them"
                    )
                first.setdefault(key.value, line)
            yield from _repeated(value, seen)
