"""Labels of positions: every position that has one is a sample of its class."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from nodescope.recording import LayerMetadata, read, write
from nodescope.recording.token_labels import label_positions, of_valid_positions


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_each_position_with_a_label_is_a_sample_of_its_class(tmp_path_factory, seed, counts):
    random = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("layers") / "layer-1.parquet"
    values = random.normal(size=(3, sum(counts))).astype(np.float32)
    labels = random.integers(-1, 2, (len(counts), max(counts)))
    samples = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    positions = np.concatenate([np.arange(count) for count in counts]).astype(np.int32)
    metadata = LayerMetadata(
        "made", "layer-1", "gelu", (3, max(counts)), (), varying_positions=len(set(counts)) > 1, name="mlp"
    )
    varies = {"position_counts": np.array(counts), "positions": positions} if metadata.varying_positions else {}
    write(path, values, None, np.arange(len(counts), dtype=np.int32), metadata, **varies)
    changed = label_positions(path, labels, ["noun", "verb"])
    assert changed == (max(counts) > 1)
    if not changed:
        return
    layer, rows = read(path), pl.read_parquet(path)
    assert layer.positions == 1 and layer.metadata.name == "mlp" and layer.metadata.class_names == ("noun", "verb")
    expected = sorted(
        (labels[s, p], s, p, values[:, row].tolist())
        for row, (s, p) in enumerate(zip(samples, positions, strict=True))
        if labels[s, p] >= 0
    )
    assert layer.labels.tolist() == [label for label, *_ in expected]
    assert rows["sample"].to_list() == [s for _, s, *_ in expected]
    assert rows["position"].to_list() == [p for _, _, p, _ in expected]
    assert layer.z.T.tolist() == [own for *_, own in expected]


def test_labels_are_those_of_the_positions_that_count_whichever_side_is_padded():
    labels, mask = np.array([[7, 8, 9], [7, 8, 9]]), np.array([[True, True, False], [False, True, True]])
    assert of_valid_positions(labels, mask).tolist() == [[7, 8, -1], [8, 9, -1]]
    assert of_valid_positions(labels, None).tolist() == labels.tolist()
