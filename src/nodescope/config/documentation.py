"""Write the default ``config.yaml``, every key commented, and the JSON schema for editors, from the models.

Run ``python -m nodescope.config.documentation`` (or ``make config``) after a change of a section.
"""

import json
import textwrap
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from nodescope.config.fields import lists_of
from nodescope.config.root import Config
from nodescope.config.study import Study
from nodescope.families import FAMILIES
from nodescope.works.registry import WORKS

CONFIG_FILE = "config.yaml"
SCHEMA_FILE = "workflow/schemas/config.schema.json"

#: Node-level analyses that studies of layers and of weights can do without.
OF_NODES = ("medians", "activity", "patterns", "distributions", "node_histograms", "densities", "layer_accuracy")


def _without(*analyses: str) -> dict[str, Any]:
    return {name: {"enabled": False} for name in analyses}


#: What runs without being asked: small enough for minutes on two cores, and with everything in it.
DEFAULT = Config.model_validate(
    {
        "studies": [
            {
                "name": "digits",
                "dataset": {"source": "digits", "validation_size": 0.15},
                "grid": {
                    "depth": [2, 3],
                    "width": [100],
                    "activation": ["relu", "sigmoid"],
                    "batch_norm": [False, True],
                },
                "training": {"epochs": 30, "learning_rates": [0.01, 0.001], "snapshots": [1, 10]},
                "analyses": {"distributions": {"bins": 40}},
            },
            {
                "name": "pattern-evolution",
                "dataset": {"source": "digits", "validation_size": 0.15},
                "model": ["resnet", "convnet"],
                "grid": {"depth": [8], "width": [8], "activation": ["relu"], "batch_norm": [True]},
                "seeds": [0],
                "training": {
                    "epochs": 6,
                    "keep": "last",
                    "optimiser": "sgd",
                    "weight_decay": 0.0001,
                    "learning_rates": [0.1],
                    "refinement_rounds": 0,
                    "schedule": "multi_step",
                    "milestones": [4],
                    "learning_rate_decay": 0.1,
                },
                "pattern_evolution": {
                    "samples": 200,
                    "schedule": [{"until_epoch": 1, "every_steps": 1}, {"every_epochs": 0.5}],
                },
                "analyses": _without("distributions", "densities", "layer_accuracy"),
            },
            {
                "name": "initialisations",
                "dataset": {
                    "source": "digits",
                    "name": "centred-digits",
                    "validation_size": 0.15,
                    "scaling": "centred",
                },
                "model": "cnn",
                "grid": {
                    "depth": [4],
                    "width": [8],
                    "activation": ["relu"],
                    "initialisation": ["orthogonal_relu", "kaiming_uniform", "zeros"],
                },
                "seeds": [0],
                "training": {"epochs": 8, "learning_rates": [0.001], "refinement_rounds": 0},
                "random_inputs": 200,
                "analyses": {
                    **_without(*OF_NODES),
                    "statistics": {"splits": ["train", "validation", "random"]},
                    "layer_distributions": {"splits": ["train", "validation", "random"]},
                },
            },
            {
                "name": "signal-propagation",
                "works": ["showcase"],
                "dataset": {
                    "source": "gaussian",
                    "samples": 700,
                    "features": 200,
                    "validation_size": 100,
                    "test_size": 100,
                },
                "network": {"bias": "none"},
                "grid": {
                    "depth": [21],
                    "width": [200],
                    "activation": ["sigmoid", "relu", "selu"],
                    "batch_norm": [False, True],
                    "initialisation": ["lecun_normal"],
                },
                "seeds": [0],
                "training": {"epochs": 0},
                "analyses": {
                    **_without(*OF_NODES, "sparsity"),
                    "statistics": {"splits": ["train"]},
                    "layer_distributions": {"splits": ["train"]},
                    "dead_nodes": {"splits": ["train"]},
                },
            },
            {
                "name": "iris",
                "works": ["tutorial"],
                "dataset": {"source": "iris", "validation_size": 0.15},
                "network": {"taper": 0.5},
                "grid": {
                    "depth": [3],
                    "width": [64],
                    "activation": ["relu"],
                },
                "seeds": [0],
                "training": {
                    "epochs": 100,
                    "keep": "last",
                    "learning_rates": [0.001],
                    "refinement_rounds": 0,
                    "batch_size": 16,
                },
            },
            {
                "name": "remedies",
                "works": ["tutorial"],
                "dataset": {"source": "iris", "validation_size": 0.15},
                "grid": {
                    "depth": [6],
                    "width": [32],
                    "activation": ["sigmoid"],
                    "variants": [
                        {"name": "baseline"},
                        {"name": "relu", "activation": "relu"},
                        {"name": "batch-norm", "batch_norm": True},
                        {"name": "adam", "training": {"optimiser": "adam", "learning_rates": [0.01]}},
                    ],
                },
                "seeds": [0, 1, 2, 3, 4],
                "training": {
                    "epochs": 100,
                    "keep": "last",
                    "optimiser": "sgd",
                    "learning_rates": [0.03],
                    "refinement_rounds": 0,
                    "batch_size": 16,
                },
                "analyses": _without(*OF_NODES),
            },
        ]
    }
)

#: What the studies after the first are, of which only what differs from the defaults is written.
FURTHER_STUDIES = {
    "pattern-evolution": "How patterns of switched-on nodes evolve in training, with shortcuts and without (Hartmann, "
    "Franzen & Brodehl 2021; presets/activation-patterns.yaml has the published networks).",
    "initialisations": "What the initialisation does to weights and features (Park 2022; presets/initialisations.yaml).",
    "signal-propagation": "How random signals pass through deep networks of random weights, forward and back "
    "(presets/signal-propagation.yaml).",
    "iris": "The activations of a small network that narrows with depth (presets/iris.yaml).",
    "remedies": "What ails a deep sigmoid network, and what helps (presets/remedies.yaml tries more).",
}

HEAD = f"""\
# yaml-language-server: $schema={SCHEMA_FILE}
#
# The default studies of nodescope, on data that come with scikit-learn: a small grid with every analysis, and one small
# study of each further kind.
# A key that is left out takes the value shown here, or the one named in its comment; only a study's name, data set
# (with name and path for image_folder and npz) and the grid's depth, width and activation must be given.
# To run something else, give a file of your own: snakemake --cores 8 --configfile my.yaml (see presets/), in UTF-8.
# Where a list is wanted, one value may stand alone (depth: 2); ~ in a path is your home. Names that YAML reads as
# something else (no, on, 007, 2020-01-01) belong in quotes. Of several files the sections are merged, but only one
# list of studies counts, that of the file given last: it replaces the one here as a whole.
# --config sets keys of the top level, KEY=VALUE, and whole sections in braces ('charts={{width: 300}}'), no a.b=c.
# Generated by `make config` from src/nodescope/config.
"""

DATASETS_HELP = """\
A name, or a section: source (digits, iris, mnist, fmnist, cifar10, image_folder, npz), name, validation_size, \
split_seed, stratify; test_size for data without a test set; path for image_folder (train/CLASS/*.png or any other \
image; optional validation/ and test/; background of transparent images, resize: [rows, columns]) and npz (arrays x, y, \
optional the same with _validation and _test; channels: first or last)."""


def default_yaml() -> str:
    """The text of ``config.yaml``."""
    lines = [HEAD]
    lines += _section(DEFAULT, 0)
    return "\n".join(lines) + "\n"


def json_schema() -> str:
    """The text of the JSON schema."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "nodescope configuration"
    # A data set may be given by its name alone.
    dataset = schema["$defs"]["Study"]["properties"]["dataset"]
    names = sorted(dataset.pop("discriminator")["mapping"])
    dataset["oneOf"] = [{"enum": names}, *dataset["oneOf"]]
    schema["$defs"]["Study"]["properties"]["model"]["items"] = {"enum": list(FAMILIES)}
    schema["$defs"]["Study"]["properties"]["works"]["items"] = {"enum": list(WORKS)}
    for section in (schema, *schema["$defs"].values()):
        for name, key in section.get("properties", {}).items():
            section["properties"][name] = _or_one_entry(key)
    return json.dumps(schema, indent=1) + "\n"


def _or_one_entry(key: dict[str, Any]) -> dict[str, Any]:
    """The schema of a key, where a list (not a pair) is wanted with the one entry that may stand for it."""
    kinds = key.get("anyOf", [key])
    array = next((kind for kind in kinds if "items" in kind), None)
    if array is None:
        return key
    about: dict[str, Any] = {word: key[word] for word in ("description", "default", "title") if word in key}
    of_list = {word: value for word, value in array.items() if word not in about}
    return {**about, "anyOf": [array["items"], of_list, *(kind for kind in kinds if kind is not array)]}


def _section(model: BaseModel, indent: int) -> list[str]:
    lines: list[str] = []
    pad = " " * indent
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            summary = (type(value).__doc__ or "").splitlines()[0]
            is_dataset = isinstance(model, Study) and name == "dataset"
            lines += ["", *_comment(DATASETS_HELP if is_dataset else summary, indent), f"{pad}{name}:"]
            lines += _section(value, indent + 2)
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            lines += ["", *_comment(field.description or "", indent), f"{pad}{name}:"]
            for item in value:
                if isinstance(item, Study) and item.name in FURTHER_STUDIES:
                    lines += ["", *_comment(FURTHER_STUDIES[item.name], indent + 2), *_as_item(item, indent + 2)]
                    continue
                body = _section(item, indent + 4)
                first = next(i for i, line in enumerate(body) if line.strip() and not line.strip().startswith("#"))
                body[first] = f"{pad}  - {body[first].strip()}"
                lines += [line for line in body[:first] if line] + body[first:]
        elif value is None:
            placeholder = "[...]" if name in lists_of(type(model)) else "..."
            lines += [*_comment(field.description or "", indent), f"{pad}# {name}: {placeholder}"]
        else:
            help_text = field.description or _help(model, name)
            if not field.is_required() and field.default != value:
                help_text += f" (left out: {_value(field.default)})"
            lines += [*_comment(help_text, indent), f"{pad}{name}: {_value(value)}"]
    return lines


def _as_item(study: Study, indent: int) -> list[str]:
    """A study as an entry of a list, with the keys that were given."""
    text = yaml.safe_dump(
        [study.model_dump(mode="json", exclude_unset=True)], sort_keys=False, default_flow_style=None, width=110
    )
    return textwrap.indent(text, " " * indent).splitlines()


def _help(model: BaseModel, name: str) -> str:
    """The description of a field that a sub-class has given another default."""
    for base in type(model).__mro__:
        if issubclass(base, BaseModel) and name in base.model_fields and base.model_fields[name].description:
            return str(base.model_fields[name].description)
    return "kind of data set" if name == "source" else ""


def _comment(text: str, indent: int) -> list[str]:
    prefix = " " * indent + "# "
    return textwrap.wrap(text, 118, initial_indent=prefix, subsequent_indent=prefix)


def _value(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True).removesuffix("...\n").strip()


def main() -> None:
    """Write both files into the current folder."""
    Path(CONFIG_FILE).write_text(default_yaml(), encoding="utf-8")
    Path(SCHEMA_FILE).write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
