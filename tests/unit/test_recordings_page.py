"""docs/recordings.md: its examples are executed word for word, and what they save is taken in."""

import re
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
import yaml
from conftest import REPOSITORY
from sklearn.neural_network import MLPClassifier

from nodescope.config.recordings import Recordings
from nodescope.recording import read
from nodescope.recording.importing import Convention, import_split, order_of_layers
from nodescope.recording.outputs import accuracy_of

PAGE = (REPOSITORY / "docs" / "recordings.md").read_text(encoding="utf-8")
SKLEARN, FLAX, MEASURE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MOST_LINES = 15

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def names(folder):
    """What the example of scikit-learn leaves behind."""
    return executed(SKLEARN, folder, {})


def executed(block, folder, names):
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        exec(compile(block, "docs/recordings.md", "exec"), names)
    return names


def taken_in(folder, below):
    """The layers of a split that was saved, read back."""
    files = {path.stem: path for path in (folder / "out" / below).glob("*.parquet")}
    order, _ = order_of_layers(files)
    found = import_split(
        {name: files[name] for name in order}, folder / "in" / below, Convention("digits", tuple("0123456789"))
    )
    return [read(folder / "in" / below / f"{layer.layer}.parquet") for layer in found.values()]


@pytest.mark.parametrize("block", [SKLEARN, FLAX])
def test_the_worked_examples_are_short(block):
    assert len([line for line in block.splitlines() if line.strip()]) < MOST_LINES


def test_what_scikit_learn_computes_is_what_is_recorded(folder, names):
    net = names["net"]
    assert isinstance(net, MLPClassifier)
    first, second, output = taken_in(folder, "relu/seed-0/test")
    x, y = names["x_test"], names["y_test"]
    np.testing.assert_allclose(first.z, (x @ net.coefs_[0] + net.intercepts_[0])[first.samples].T, rtol=1e-5, atol=1e-5)
    assert (first.metadata.activation, first.metadata.values) == ("relu", "pre_activation")
    assert [layer.n_nodes for layer in (first, second, output)] == [50, 50, 10]
    assert accuracy_of(output) == pytest.approx(net.score(x, y))
    assert len(taken_in(folder, "relu/seed-0/train")) == 3


def test_the_file_of_the_example_is_measured(folder, names):
    found = executed(MEASURE, folder, {})
    z = names["x_test"] @ names["net"].coefs_[0] + names["net"].intercepts_[0]
    on = (z > 0.5)[names["y_test"] == 3].mean(axis=0)
    assert found["activity"].filter(pl.col("class") == 3)["active_share"].to_list() == pytest.approx(on.tolist())
    assert found["dead"]["dead"].item() == (z <= 0).all(axis=0).sum()


@pytest.mark.skipif(find_spec("flax") is None, reason="needs flax: pip install flax")
def test_what_flax_computes_is_what_is_recorded(folder, names):
    found = executed(FLAX, folder, names)
    first, second, output = taken_in(folder, "tanh/seed-0/test")
    weights = found["weights"]["params"]
    h = names["x_test"]
    for layer, name in ((first, "Dense_0"), (second, "Dense_1"), (output, "Dense_2")):
        z = h @ np.asarray(weights[name]["kernel"]) + np.asarray(weights[name]["bias"])
        np.testing.assert_allclose(layer.z, z[layer.samples].T, atol=1e-4)
        h = np.tanh(z)
    assert first.metadata.activation == "tanh"


def test_the_study_of_the_page_is_valid_and_names_every_key():
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(text.splitlines()) == 4
    Recordings.model_validate(yaml.safe_load(text)["studies"][0]["recordings"])
    keys = re.findall(r"^\| `(\w+)` \| .* \| .* \|$", PAGE.split("## What a file holds")[0], re.MULTILINE)
    assert keys == list(Recordings.model_fields)
