"""Take in recordings that were made elsewhere: check them against each other, and write them in the form that analyses read.

Nothing downstream meets a file of others. The layers of one net, state and split must hold the same samples with the same
labels, in any order of rows; each is sorted by label, cast to float32 and written by `nodescope.recording.write`. Files that
`nodescope.record` wrote have that form already: they are checked, and linked.
"""

import logging
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.messages.errors import DamagedFileError, RecordingError
from nodescope.messages.words import counted, nearest
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.recording.foreign import ForeignLayer, heads_of, read_foreign
from nodescope.recording.parquet import LayerActivations, LayerMetadata, read, write
from nodescope.recording.values import values_path
from nodescope.storage.digests import check_digest, digest, digest_path
from nodescope.storage.files import atomic_path
from nodescope.study.brought_configurations import NETWORK_FILE, RecordedFile
from nodescope.study.descriptions import NetworkDescription
from nodescope.study.layout import activation_path

logger = logging.getLogger(__name__)

Values = Literal["pre_activation", "output"]

#: The layer of this name is the network's output.
OUTPUT = "output"


@dataclass(frozen=True)
class Convention:
    """What is agreed on the files of a study, where they do not say it themselves.

    Attributes
    ----------
    dataset : str
        Its name.
    class_names : tuple of str
        All classes, see `class_names_of_labels`; empty where the samples have none.
    values : {'pre_activation', 'output'} or None
        What was recorded of hidden layers. None: as each file says, else outputs, or pre-activations where ``activation`` is
        given.
    activation : str or None
        The activation function that pre-activations enter; None: as each file says.
    """

    dataset: str
    class_names: tuple[str, ...]
    values: Values | None = None
    activation: str | None = None


@dataclass(frozen=True)
class ImportedLayer:
    """What is known of a layer that was taken in.

    Attributes
    ----------
    layer : str
        ``layer-1`` ... or ``output``: its place in the network.
    metadata : LayerMetadata
    """

    layer: str
    metadata: LayerMetadata


def order_of_layers(names: Iterable[str], layer_order: Sequence[str] | None = None) -> tuple[list[str], str]:
    """The layers of a network in the order of computation, the output last; and how the order was found.

    Parameters
    ----------
    names
        Of the layers that there are.
    layer_order
        As the study says; without it, by the numbers in the names where all have one, else by the alphabet.

    Raises
    ------
    RecordingError
        If ``layer_order`` names others than there are.

    Examples
    --------
    >>> order_of_layers(["output", "layer-10", "layer-9"])
    (['layer-9', 'layer-10', 'output'], 'by the numbers in their names')
    """
    known = list(dict.fromkeys(names))
    if layer_order is not None:
        unknown = [name for name in layer_order if name not in known]
        missing = [name for name in known if name not in layer_order]
        if unknown:
            raise RecordingError(
                f"layer_order: there is no layer '{unknown[0]}'{nearest(unknown[0], known)} There are: {', '.join(known)}."
            )
        if missing:
            raise RecordingError(
                f"layer_order: layer '{missing[0]}' is not in it. Hint: name every layer, or leave layer_order out."
            )
        found, how = list(layer_order), "as layer_order says"
    elif all(re.search(r"\d", name) for name in known if name != OUTPUT):
        parts = {name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)] for name in known}
        found, how = sorted(known, key=parts.__getitem__), "by the numbers in their names"
    else:
        found, how = (
            sorted(known),
            "by the alphabet, since not all names hold a number (layer_order names another order)",
        )
    return sorted(found, key=lambda name: name == OUTPUT), how


def class_names_of_labels(labels: Iterable[int | str], output_nodes: int | None = None) -> list[str]:
    """The classes of a study that names none, from all labels that occur; empty without labels.

    Parameters
    ----------
    labels
        Distinct ones.
    output_nodes
        Nodes of the output layer, where there is one: whole numbers that are all below it are its indices.

    Examples
    --------
    >>> class_names_of_labels(["yes", "no"]), class_names_of_labels([3, 1]), class_names_of_labels([3, 1], 4)
    (['no', 'yes'], ['1', '3'], ['0', '1', '2', '3'])
    """
    distinct = set(labels)
    numbers = sorted(label for label in distinct if isinstance(label, int))
    texts = sorted(label for label in distinct if isinstance(label, str))
    if numbers and not texts and output_nodes is not None and numbers[0] >= 0 and numbers[-1] < output_nodes:
        numbers = list(range(output_nodes))
    return [*map(str, numbers), *texts]


@dataclass(frozen=True)
class Heads:
    """What a file of a layer says of its rows.

    Attributes
    ----------
    samples, nodes : int
        How many there are.
    labels : frozenset
        Those that occur, as whole numbers or texts.
    class_names : tuple of str or None
        Of a file that is in our form.
    """

    samples: int
    nodes: int
    labels: frozenset[int | str]
    class_names: tuple[str, ...] | None = None


def look_at(path: str | Path) -> Heads:
    """How many samples a file has, and which labels; of Parquet without reading its nodes.

    Raises
    ------
    RecordingError, DamagedFileError
        If it cannot be read.
    """
    if is_canonical(path):
        metadata = _metadata(path)
        samples = pl.scan_parquet(path).select(pl.col("sample").n_unique()).collect().item()
        return Heads(samples, metadata.node_shape[0], frozenset(), metadata.class_names)
    heads, rows, nodes = heads_of(path)
    samples = heads["sample"].n_unique() if "sample" in heads.columns else rows
    return Heads(samples, nodes, frozenset(heads["label"].unique().to_list() if "label" in heads.columns else []))


def is_canonical(path: str | Path) -> bool:
    """Whether a file has the form that analyses read."""
    path = Path(path)
    try:
        return path.suffix == ".parquet" and "nodescope" in pl.read_parquet_metadata(path)
    except FileNotFoundError:
        raise RecordingError(f"There is no file {path}.") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RecordingError(f"{path} cannot be read ({error}).") from error


def import_split(
    files: Mapping[str, str | Path], folder: str | Path, convention: Convention
) -> dict[str, ImportedLayer]:
    """Take in the layers of one net, state and split.

    Parameters
    ----------
    files
        A file for each layer, by its name, in the order of computation; see `order_of_layers`.
    folder
        Gets ``layer-1.parquet`` ... and ``output.parquet``.

    Returns
    -------
    dict
        By the names of ``files``.

    Raises
    ------
    RecordingError
        If a file breaks the contract: which rule, which file, which row.
    DamagedFileError
        If a file in our form is not as it was written.
    """
    folder, found = Path(folder), {}
    first = _reference(list(files.values()), convention)
    for number, (name, path) in enumerate(files.items(), start=1):
        layer = OUTPUT if name == OUTPUT else f"layer-{number}"
        target = folder / f"{layer}.parquet"
        if is_canonical(path):
            rows, metadata = _linked(Path(path), target, layer, convention)
            first.check_same(rows)
        else:
            foreign = read_foreign(path)
            rows = _Rows.of(foreign, convention)
            first.check_same(rows)
            _warn_of_no_numbers(path, foreign)
            metadata = _written(foreign, rows.with_labels_of(first), target, layer, name, convention)
        found[name] = ImportedLayer(layer, metadata)
    return found


def _warn_of_no_numbers(path: str | Path, foreign: ForeignLayer) -> None:
    """One value that is no number takes a node from every measurement."""
    strange = ~np.isfinite(foreign.values)
    if strange.any():
        nodes = np.flatnonzero(strange.any(axis=0))
        row = int(strange.any(axis=1).argmax())
        named = nodes[0] if foreign.node_names is None else foreign.node_names[nodes[0]]
        logger.warning(
            "%s: %s missing or infinite, the first in sample %s; measurements of %s (%s%s) are null.",
            path, counted(int(strange.sum()), "value is", "values are"), foreign.samples[row],
            counted(len(nodes), "node"), named, ", ..." if len(nodes) > 1 else "",
        )  # fmt: skip


def _reference(paths: Sequence[str | Path], convention: Convention) -> "_Rows":
    """The samples that all layers must have: of the first that has labels, if any is to have."""
    for path in paths:
        rows = _Rows.of_canonical(read(path)) if is_canonical(path) else _Rows.of(read_foreign(path), convention)
        if rows.classes is not None or not convention.class_names:
            return rows
    raise RecordingError(
        f"{paths[0]}: no layer has labels, those of other splits or networks have. Hint: save them with label, or leave the "
        "labels out of all files."
    )


def import_configuration(
    files: Sequence[RecordedFile],
    folder: str | Path,
    convention: Convention,
    layer_order: Sequence[str] | None = None,
) -> NetworkDescription:
    """Take in all that was recorded of the networks of a configuration.

    Parameters
    ----------
    folder
        Of its recordings; paths below it as in `nodescope.study.layout.activation_path`.

    Raises
    ------
    RecordingError
        If a file breaks the contract, or a split of a network lacks a layer that others have.
    """
    nets: dict[tuple[int, str, str], dict[str, str]] = {}
    for file in files:
        nets.setdefault((file.seed, file.state, file.split), {})[file.layer] = file.path
    names, how = order_of_layers((file.layer for file in files), layer_order)
    layers: dict[str, ImportedLayer] = {}
    for (seed, state, split), of_layers in nets.items():
        there = f"seed {seed}, state {state}, split {split}"
        missing = [name for name in names if name not in of_layers]
        if missing:
            raise RecordingError(
                f"There is no file of layer {missing[0]} for {there}, as there is beside {next(iter(of_layers.values()))}. "
                "Hint: every split of every network needs the same layers."
            )
        below = Path(activation_path(str(folder), seed, state, split, OUTPUT)).parent
        found = import_split({name: of_layers[name] for name in names}, below, convention)
        for name, layer in found.items():
            _check_same_layer(of_layers[name], layers.setdefault(name, layer).metadata, layer.metadata)
    decisions = (f"Order of the layers: {how}.",) if len(names) > 2 and layer_order is None else ()
    return _description(files, layers, decisions)


def _check_same_layer(path: str, one: LayerMetadata, other: LayerMetadata) -> None:
    """That networks of a configuration differ in their values alone."""
    if one.node_shape[0] != other.node_shape[0]:
        raise RecordingError(
            f"{path} has {counted(other.node_shape[0], 'node')}, this layer of another file of the configuration has "
            f"{one.node_shape[0]:,}. Hint: networks that differ in more than seed, state and split are configurations: name "
            "an axis for them in files."
        )


def _description(
    files: Sequence[RecordedFile], layers: Mapping[str, ImportedLayer], decisions: tuple[str, ...]
) -> NetworkDescription:
    rows = tuple(
        {
            "layer": number,
            "name": layer.metadata.name or name,
            "kind": "recorded",
            "nodes": layer.metadata.node_shape[0],
            "positions": layer.metadata.positions,
            "activation": layer.metadata.activation,
            "parameters": None,
            "fan_in": None,
            **({"node_names": layer.metadata.node_names} if layer.metadata.node_names else {}),
        }
        for number, (name, layer) in enumerate(layers.items(), start=1)
    )
    states = tuple(dict.fromkeys(file.state for file in files))
    written = Path(files[0].path).absolute().parents[3] / NETWORK_FILE
    known = NetworkDescription("recordings", states, None, rows)
    if is_canonical(files[0].path) and written.is_file():
        known = replace(NetworkDescription.read(written), source="recordings", states=states)
    return replace(
        known, decisions=(*known.decisions, *decisions), files={file.path: digest(file.path) for file in files}
    )


# --- files in our form ---


def _metadata(path: str | Path) -> LayerMetadata:
    try:
        return LayerMetadata.from_json(pl.read_parquet_metadata(path)["nodescope"])
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedFileError(f"The activation file {path} cannot be read ({error}).") from error


def _linked(path: Path, target: Path, layer: str, convention: Convention) -> "tuple[_Rows, LayerMetadata]":
    """Check a file with what belongs to it, and link it."""
    activations = read(path)
    metadata = activations.metadata
    if metadata.class_names != convention.class_names:
        raise RecordingError(
            f"{path} was recorded with the classes {', '.join(metadata.class_names) or '(none)'}; those of the study are "
            f"{', '.join(convention.class_names) or '(none)'}."
        )
    if metadata.layer != layer:
        raise RecordingError(
            f"{path} holds {metadata.layer}, not {layer}. Hint: do not rename the files of a recording."
        )
    together = [(path, target)]
    if metadata.holds == "summary":
        activations.values  # noqa: B018  # which checks it
        together.append((values_path(path), values_path(target)))
    for source, linked in together:
        _link(source, linked)
        if digest_path(source).is_file():
            _link(digest_path(source), digest_path(linked))
        check_digest(linked)
    return _Rows.of_canonical(activations), metadata


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy on another file system."""
    with atomic_path(target) as temporary:
        try:
            os.link(source.resolve(), temporary)
        except OSError:
            shutil.copyfile(source, temporary)


# --- files of others ---


@dataclass(frozen=True)
class _Rows:
    """The samples of a file: what must agree between layers.

    Attributes
    ----------
    path : Path
    keys : DataFrame
        A row per sample: ``sample``, and ``position`` where positions have labels of their own.
    labels : Series or None
        Of each, as the file has them.
    classes : Series or None
        Their indices.
    """

    path: Path
    keys: pl.DataFrame
    labels: pl.Series | None
    classes: pl.Series | None

    @classmethod
    def of(cls, foreign: ForeignLayer, convention: Convention) -> "_Rows":
        rows = {"sample": foreign.samples, "label": foreign.labels, "position": foreign.positions}
        frame = pl.DataFrame({name: values for name, values in rows.items() if values is not None})
        if foreign.positions is not None and not _has_labels_of_positions(frame):
            frame = frame.unique("sample", keep="first", maintain_order=True).drop("position")
        labels = frame["label"] if "label" in frame.columns else None
        classes = None if labels is None else _classes(foreign.path, labels, convention.class_names)
        return cls(foreign.path, frame.drop("label", strict=False), labels, classes)

    @classmethod
    def of_canonical(cls, activations: LayerActivations) -> "_Rows":
        """Of a file in our form, whose labels are indices of classes."""
        keys = pl.DataFrame({"sample": activations.samples.astype(np.int64)})
        if keys["sample"].is_duplicated().any():  # positions with labels of their own
            keys = keys.with_columns(position=pl.int_range(pl.len()).over("sample"))
        classes = pl.Series(activations.labels) if activations.is_labelled else None
        labels = None if classes is None else pl.Series(activations.metadata.class_names).gather(activations.labels)
        return cls(activations.path, keys, labels, classes)

    def with_labels_of(self, other: "_Rows") -> "_Rows":
        """With the labels of another layer, where the own file has none."""
        if self.classes is not None or other.classes is None:
            return self
        found = self.keys.join(
            other.keys.with_columns(found=other.classes), on=self.keys.columns, how="left", maintain_order="left"
        )
        return replace(self, classes=found["found"])

    def check_same(self, other: "_Rows") -> None:
        """That another layer has the same samples, with the same labels."""
        if other.path == self.path:
            return
        ours, theirs = len(self.keys), len(other.keys)
        what = "samples" if self.keys.width == 1 else "rows"
        if ours != theirs:
            raise RecordingError(f"{other.path} has {theirs:,} {what}, {self.path.name} has {ours:,}.")
        if self.keys.schema != other.keys.schema:
            raise RecordingError(
                f"{other.path} names samples otherwise than {self.path.name}: by {_kinds(other.keys)}, not {_kinds(self.keys)}."
            )
        one = self.keys.with_columns(one=pl.lit(0) if self.labels is None else self.labels)
        two = other.keys.with_columns(two=pl.lit(0) if other.labels is None else other.labels)
        both = one.join(two, on=self.keys.columns, how="full", coalesce=True, maintain_order="left_right")
        strange = both.filter(pl.col("one").is_null() | pl.col("two").is_null())
        if len(strange):
            row = strange.row(0, named=True)
            there, lacking = (self, other) if row["two"] is None else (other, self)
            raise RecordingError(f"{lacking.path} has no {_key_words(row)}, which {there.path.name} has.")
        if self.labels is None or other.labels is None:
            return
        differ = both.filter(pl.col("one").cast(pl.String) != pl.col("two").cast(pl.String))
        if len(differ):
            row = differ.row(0, named=True)
            raise RecordingError(
                f"{other.path}: {_key_words(row)} has label {row['two']} here and {row['one']} in {self.path.name}."
            )


def _kinds(keys: pl.DataFrame) -> str:
    return " and ".join(f"{name} ({'text' if kind == pl.String else 'number'})" for name, kind in keys.schema.items())


def _key_words(row: Mapping[str, Any]) -> str:
    return f"sample {row['sample']}" + (f", position {row['position']}" if row.get("position") is not None else "")


def _has_labels_of_positions(rows: pl.DataFrame) -> bool:
    """Whether the positions of a sample have labels of their own, and so are samples themselves."""
    return "label" in rows.columns and rows.select("sample", "label").n_unique() > rows["sample"].n_unique()


def _classes(path: Path, labels: pl.Series, names: Sequence[str]) -> pl.Series:
    """The index of each label: of a name of a class, or of a whole number that is none."""
    indices = {name: index for index, name in enumerate(names)}
    if labels.dtype == pl.Int64:
        indices |= {str(i): i for i in range(len(names)) if str(i) not in indices}
    texts = labels.cast(pl.String)
    found = texts.replace_strict(indices, default=None, return_dtype=pl.Int32)
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise RecordingError(
            f"{path}: label {texts[row]} of row {row} is none of the classes {', '.join(names) or '(none)'}"
            f"{nearest(texts[row], names)} Hint: classes names all of them."
        )
    return found


def _written(
    foreign: ForeignLayer, rows: _Rows, target: Path, layer: str, name: str, convention: Convention
) -> LayerMetadata:
    """Write a layer in our form."""
    metadata = LayerMetadata(
        dataset=convention.dataset,
        layer=layer,
        node_shape=(foreign.values.shape[1],),
        class_names=convention.class_names,
        name=str(foreign.says.get("name") or name),
        node_names=foreign.node_names,
        **_function(foreign, layer, convention),
    )
    table = pl.DataFrame({"sample": foreign.samples, "row": range(len(foreign.samples))})
    if foreign.positions is not None:
        table = table.with_columns(position=foreign.positions)
    classes = pl.Series([0] * len(rows.keys)) if rows.classes is None else rows.classes
    table = table.join(rows.keys.with_columns(label=classes), on=rows.keys.columns, how="left", maintain_order="left")
    ordered = table.sort("label", "sample", *(["position"] if foreign.positions is not None else []))
    values = np.ascontiguousarray(foreign.values[ordered["row"].to_numpy()].T)
    numbers = _sample_numbers(ordered["sample"])
    given: dict[str, Any] = {}
    if foreign.positions is not None:
        given["positions"] = ordered["position"].cast(pl.Int32).to_numpy()
    if foreign.positions is not None and rows.keys.width == 1:
        begins = np.flatnonzero(np.diff(numbers, prepend=-1))
        counts = np.diff(begins, append=len(numbers))
        most = int(counts.max())
        varying = bool((counts != most).any())
        metadata = replace(metadata, node_shape=(*metadata.node_shape, most), varying_positions=varying)
        given |= {"position_counts": counts} if varying else {}
        ordered, numbers = ordered[begins], numbers[begins]
        if most == 1:
            metadata, given = replace(metadata, node_shape=metadata.node_shape[:1]), {}
    labels = ordered["label"].cast(pl.Int32).to_numpy() if convention.class_names else None
    write(target, values, labels, numbers, metadata, **given)
    return metadata


def _function(foreign: ForeignLayer, layer: str, convention: Convention) -> dict[str, Any]:
    """What was recorded, and the activation function; as the file says itself, else as agreed."""
    if layer == OUTPUT:
        return {"values": "output", "activation": "identity"}
    otherwise = "output" if convention.activation is None else "pre_activation"
    values = cast("Values", convention.values or foreign.says.get("values", otherwise))
    if values == "output":
        return {"values": values, "activation": "identity"}
    activation = convention.activation or foreign.says.get("activation")
    if activation not in ACTIVATION_FUNCTIONS:
        known = ", ".join(ACTIVATION_FUNCTIONS)
        given = "." if activation is None else f", not '{activation}'{nearest(activation, ACTIVATION_FUNCTIONS)}"
        raise RecordingError(f"{foreign.path}: values: pre_activation needs activation: one of {known}{given}")
    parameters = foreign.says.get("parameters") or {}
    own = {name: tuple(value) if isinstance(value, list) else value for name, value in parameters.items()}
    return {"values": values, "activation": activation, "parameters": own}


def _sample_numbers(samples: pl.Series) -> NDArray[np.int32]:
    """Samples as the numbers that they are, or by their order where they are texts or too large."""
    if samples.dtype == pl.Int64 and samples.is_between(0, 2**31 - 1).all():
        return samples.cast(pl.Int32).to_numpy()
    numbers: NDArray[np.int32] = (samples.rank("dense") - 1).cast(pl.Int32).to_numpy()
    return numbers
