"""docs/training_loops.md: its blocks are executed word for word, one after another."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from conftest import REPOSITORY
from project import without_analyses
from test_following_callbacks import (
    HUGGING_FACE,
    LIGHTNING,
    Classifier,
    SequentialModel,
    keras_stand_in,
    make_net,
    module,
)
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import nodescope
from nodescope.following.tables import FOLLOWED
from nodescope.messages.errors import NodescopeError

PAGE = (REPOSITORY / "docs" / "training_loops.md").read_text(encoding="utf-8")
MODEL, LOOP, TENSORBOARD, WANDB, MLFLOW, RECORDED, LIGHT, HUGGING, KERAS = re.findall(
    r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
)
(STUDY,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


def executed(block, folder, names):
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        exec(compile(block, "docs/training_loops.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def names(folder):
    """What the loop of the page leaves behind."""
    torch.manual_seed(0)
    return executed(LOOP, folder, executed(MODEL, folder, {}))


@pytest.fixture
def following(names):
    """The names of the page amid a training that is to be looked at now."""
    return {**names, "follow": nodescope.follow(names["model"], names["test_set"], every=1)}


def test_the_loop_trains_and_is_followed(names):
    table = names["follow"].table()
    assert table["step"].unique(maintain_order=True).to_list() == [0, 10, 20, 22]
    assert table["layer_name"].unique(maintain_order=True).to_list() == [f"forward/relu:{n}" for n in (1, 2, 3)]
    assert table["patterns"][:3].to_list() == [397 * 26 * 26, 397 * 24 * 24, 397]
    x, _ = names["test_set"].tensors
    model = names["model"].eval()
    with torch.no_grad():
        z1 = model.conv1(x)
        z2 = model.conv2(functional.relu(z1))
        z3 = model.fc1(functional.max_pool2d(functional.relu(z2), 2).flatten(1))
    expected = [(z > 0).double().mean().item() for z in (z1, z2, z3)]
    assert table["share_on"][-3:].to_list() == pytest.approx(expected, abs=1e-6)
    assert table["dead_nodes"][-1] == (z3 <= 0).all(0).sum()


def test_the_model_of_the_page_knows_nothing_of_nodescope():
    assert "nodescope" not in MODEL
    assert len([line for line in LOOP.splitlines() if "follow" in line]) == 3


def test_tensorboard_takes_it(following, folder, monkeypatch):
    written = []
    stand_in = module(
        "torch.utils.tensorboard",
        SummaryWriter=lambda: SimpleNamespace(add_scalar=lambda *arguments: written.append(arguments)),
    )
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stand_in)
    executed(TENSORBOARD, folder, following)
    assert {(name, value) for name, value, _ in written} == set(following["follow"].seen.items())
    assert {step for _, _, step in written} == {1}
    # Other signs are replaced by TensorBoard, with a message for each.
    assert all(re.fullmatch(r"[-/\w.]+", name) for name, _, _ in written)


def test_weights_and_biases_takes_it(following, folder, monkeypatch):
    logged = []
    monkeypatch.setitem(sys.modules, "wandb", module("wandb", init=lambda project: SimpleNamespace(log=logged.append)))
    executed(WANDB, folder, following)
    assert logged == [{"loss": following["loss"].item(), **following["follow"].seen}]


def test_mlflow_takes_it(following, folder, monkeypatch):
    logged = {}

    def log_metrics(metrics, step):
        # mlflow.utils.validation: the names and values that are allowed.
        assert all(re.fullmatch(r"[/\w.\- ]+", name) and isinstance(value, float) for name, value in metrics.items())
        logged[step] = metrics

    monkeypatch.setitem(sys.modules, "mlflow", module("mlflow", log_metrics=log_metrics))
    executed(MLFLOW, folder, following)
    assert logged == {1: following["follow"].seen}


def test_recorded_states_become_a_study(names, folder, monkeypatch):
    executed(RECORDED, folder, names)
    assert {path.name for path in (folder / "recordings" / "net" / "seed-0").iterdir()} == {
        "initial", "step-20", "trained", "followed.parquet",
    }  # fmt: skip
    monkeypatch.chdir(folder)
    study = yaml.safe_load(STUDY)
    study["studies"][0]["analyses"] = without_analyses(but=("sparsity", "dead_nodes"))
    results = nodescope.run(study, page=False)
    networks = pl.read_parquet(results / "digits" / "networks.parquet")
    assert networks["states"].to_list() == [["initial", "step-20", "trained"]]
    sparsity = pl.read_parquet(results / "digits" / "tables" / "sparsity.parquet")
    followed = pl.read_parquet(folder / "recordings" / "net" / "seed-0" / "followed.parquet")
    for state, step in (("initial", 0), ("step-20", 20), ("trained", 22)):
        found = sparsity.filter((pl.col("state") == state) & (pl.col("split") == "test")).sort("layer")["sparsity"][:3]
        expected = followed.filter(pl.col("step") == step)["sparsity"]
        assert found.to_list() == pytest.approx(expected.to_list(), abs=1e-5)


def test_the_callbacks_are_used_as_shown(names, folder, monkeypatch):
    torch.manual_seed(0)
    x, y = torch.randn(40, 8), torch.randint(3, (40,))

    class Module(LIGHTNING.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = make_net()

        def training_step(self, batch, place):
            return functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    texts = [
        {"input_ids": torch.randint(20, (7,)), "attention_mask": torch.ones(7), "labels": torch.tensor(n % 3)}
        for n in range(40)
    ]
    tokens = {key: torch.stack([text[key] for text in texts]) for key in texts[0]}
    monkeypatch.setitem(sys.modules, "lightning", LIGHTNING)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", LIGHTNING)
    monkeypatch.setitem(sys.modules, "transformers", HUGGING_FACE)
    monkeypatch.setitem(sys.modules, "keras", keras_stand_in())
    data = TensorDataset(x, y)
    own = {"nodescope": nodescope, "test_set": data, "loader": DataLoader(data, 4), "module": Module()}
    own |= {"tokens": tokens, "texts": texts, "classifier": Classifier(), "keras_model": SequentialModel()}
    own |= {"x_test": np.asarray(x), "x_train": np.asarray(x), "y_train": np.asarray(y)}
    for block, last in ((LIGHT, 10), (HUGGING, 15), (KERAS, 2)):
        executed(block, folder, own)
        table = own["callback"].follow.table()
        assert table["step"].max() == last and table["entropy_bits"].null_count() == 0


def test_every_column_is_explained():
    rows = re.findall(r"^\| (`.*`) \| .* \|$", PAGE.split("## What is seen")[1].split("\n## ")[0], re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(rows))
    columns = [name for name in FOLLOWED.schema() if not name.endswith("_previous")]
    assert set(named) == set(columns)


def test_a_wrong_block_would_fail(folder):
    with pytest.raises(NodescopeError):
        executed(RECORDED.replace("test_set", "3"), folder, {"nodescope": nodescope, "model": make_net(), "loader": []})
