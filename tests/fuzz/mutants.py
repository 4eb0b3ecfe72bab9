"""Mutants of configurations: what users mistype, and what an enemy would write."""

import copy
import random
import string
from pathlib import Path

import yaml
from conftest import REPOSITORY

#: Names that must never reach a shell, a path outside the results, or a page as they are.
HOSTILE = (
    "../up", "../../etc/passwd", "a/b", "/x", "-rf", "--help", ";rm -rf .", "$(touch owned)", "`touch owned`",
    "a b", "a\nb", "a\0b", "<script>alert(1)</script>", "</script><b>", "{study}", "{{x}}", "%s%n", "'", '"', "\\", "*",
    "~", ".", "..", "", " ", "con", "NUL", "x" * 300, "ä", "日本語", "💥", "‮evil", "a.b", "a" * 64, "A-_9", "datasets",
)  # fmt: skip
VALUES = (
    None, True, False, 0, 1, -1, 2, 7, 10**6, 10**18, 10**40, -(10**40), 0.5, -0.5, 1e308, 5e-324, float("nan"),
    float("inf"), float("-inf"), "1", "0.5", "1e-3", "true", "null", "mnist", "iris", "digits", "relu", "tanh", "adam",
    [], [[]], {}, [None], [1, 1], [0], [-1], [1, "a"], ["relu"], ["relu", "relu"], {"a": 1}, {1: 2}, {None: None}, {True: 1},
    [{}], {"source": "iris"}, {"source": "npz"}, {"source": "npz", "name": "n", "path": "no.npz"}, {"source": 3},
    {"source": "image_folder", "name": "p", "path": "."}, {"source": "iris", "validation_size": 10**9},
    "2026-01-01", b"bytes",
)  # fmt: skip


def bases() -> list[dict]:
    """Whole configurations to begin with: the default, the presets, and one with the rarer keys."""
    files = [REPOSITORY / "config.yaml", *sorted((REPOSITORY / "presets").glob("*.yaml"))]
    found = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    found.append(
        {
            "studies": [
                {
                    "name": "rare",
                    "dataset": {
                        "source": "iris", "validation_size": 10, "test_size": 0.3, "split_seed": 3,
                        "test_split": "scikit_learn",
                    },
                    "grid": {
                        "depth": [1, 2], "width": [4], "activation": ["relu", "tanh"], "initialisation": ["orthogonal"],
                        "variants": [{"name": "plain"}, {"name": "drop", "network": {"dropout": 0.2}}],
                    },
                    "network": {"batch_norm_scale": "uniform", "batch_norm_momentum": 0.2, "batch_norm_epsilon": 0.001},
                    "training": {
                        "epochs": 4, "snapshots": [1], "optimiser": "rmsprop", "rmsprop_alpha": 0.9, "momentum": 0.5,
                        "optimiser_epsilon": 1e-7, "loss": "mean_squared_error", "ties": "last", "batch_size": "all",
                    },
                    "analyses": {"densities": {"nodes": [0, 3], "bandwidth": "scott"}},
                }
            ]
        }
    )  # fmt: skip
    return found


def mutant(rng: random.Random, base: dict) -> dict:
    """A copy with one to three things changed."""
    changed = copy.deepcopy(base)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change(rng, changed)
    return changed


def text_mutant(rng: random.Random, text: str) -> str:
    """A YAML text with some characters or lines changed."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(text) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:place] + text[place + rng.randint(1, 20) :]
        elif kind == 1:
            text = text[:place] + rng.choice(string.punctuation + "\t\n 0a") + text[place:]
        elif kind == 2:
            lines = text.splitlines(keepends=True)
            line = rng.randrange(len(lines))
            lines.insert(rng.randrange(len(lines)), lines[line])
            text = "".join(lines)
        elif kind == 3:
            text = text[:place] + rng.choice(
                ("&a ", "*a", "!!python/object:os.system ", "<<: ", "? ", "|\n", "\x00", "\ud7ff")
            )
        else:
            text = text[:place]
        text = text or "{}"
    return text


def write(path: Path, config: dict) -> None:
    """As YAML, whatever is in it."""
    path.write_text(yaml.dump(config, allow_unicode=True), encoding="utf-8")


def _places(node, found):
    """Every container with each of its keys or indices."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        found.append((node, key))
        _places(value, found)
    return found


def _change(rng, config):
    places = _places(config, [])
    if not places:
        config["studies"] = _value(rng)
        return
    container, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, dict):
        container[_name(rng, str(key))] = container.pop(key)
    elif kind == 2:
        container[key] = [container[key]]
    elif kind == 3 and isinstance(container, list):
        container.insert(rng.randrange(len(container) + 1), copy.deepcopy(container[key]))
    elif kind == 4:
        other, other_key = rng.choice(places)
        container[key] = copy.deepcopy(other[other_key])
    elif kind == 5 and isinstance(container[key], (int, float)) and not isinstance(container[key], bool):
        container[key] = rng.choice((-1, 0, 10, 1000, 0.5, 1e-9, 1e9)) * container[key]
    else:
        container[key] = _value(rng)


def _value(rng):
    value = rng.choice(VALUES if rng.random() < 0.6 else HOSTILE)
    return copy.deepcopy(value)


def _name(rng, name):
    if rng.random() < 0.3 or not name:
        return rng.choice(HOSTILE)
    place = rng.randrange(len(name))
    return name[:place] + rng.choice(string.ascii_lowercase + "_") + name[place + rng.randrange(2) :]
