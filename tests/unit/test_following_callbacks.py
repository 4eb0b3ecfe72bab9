"""The callbacks follow a training by Lightning, Hugging Face's Trainer and Keras, and leave it as it was.

Each runs in the framework itself where it is installed, and always in a stand-in of its documented protocol of callbacks:

- https://lightning.ai/docs/pytorch/stable/extensions/callbacks.html
- https://huggingface.co/docs/transformers/main_classes/callback
- https://keras.io/api/callbacks/base_callback/
"""

import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import nodescope
from nodescope.messages.errors import NetworkError

BATCH, EPOCHS, N = 8, 2, 40
STEPS = EPOCHS * N // BATCH
LOOKS = [0, 3, 6, 9, STEPS]


def module(name, **attributes):
    made = ModuleType(name)
    vars(made).update(attributes)
    return made


@pytest.fixture(params=["stand-in", "installed"])
def kind(request):
    return request.param


def framework(kind, monkeypatch, name, stand_in, *needed):
    """The framework, or what stands for it."""
    if kind == "installed":
        missing = [package for package in (name.partition(".")[0], *needed) if find_spec(package) is None]
        if missing:
            pytest.skip(f"needs {', '.join(missing)}: pip install {' '.join(missing)}; the stand-in is tested")
        return __import__(name, fromlist=["_"])
    for place in range(name.count(".") + 1):
        monkeypatch.setitem(sys.modules, ".".join(name.split(".")[: place + 1]), stand_in)
    return stand_in


@pytest.fixture
def data():
    torch.manual_seed(1)
    return torch.randn(N, 8), torch.randint(3, (N,))


def make_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


# --- Lightning ---


class LightningModule(nn.Module):
    pass


class LightningTrainer:
    """The order of calls of Lightning's fit loop."""

    def __init__(self, *, max_epochs, callbacks, logger=None, **_):
        self.max_epochs, self.callbacks, self.loggers = max_epochs, callbacks, logger or []
        self.global_step = 0

    def fit(self, model, loader):
        optimiser = model.configure_optimizers()
        model.train()
        for callback in self.callbacks:
            callback.on_train_start(self, model)
        try:
            for _ in range(self.max_epochs):
                for place, batch in enumerate(loader):
                    optimiser.zero_grad()
                    loss = model.training_step(batch, place)
                    loss.backward()
                    optimiser.step()
                    self.global_step += 1
                    for callback in self.callbacks:
                        callback.on_train_batch_end(self, model, {"loss": loss}, batch, place)
        except Exception as error:
            for callback in self.callbacks:
                callback.on_exception(self, model, error)
            raise
        for callback in self.callbacks:
            callback.on_train_end(self, model)


LIGHTNING = module(
    "lightning.pytorch", Callback=type("Callback", (), {}), LightningModule=LightningModule, Trainer=LightningTrainer
)


@pytest.fixture
def fit(kind, monkeypatch, data):
    lightning = framework(kind, monkeypatch, "lightning.pytorch", LIGHTNING)

    class Module(lightning.LightningModule):
        def __init__(self, fails_at):
            super().__init__()
            self.net, self.fails_at = make_net(), fails_at

        def training_step(self, batch, place):
            if self.fails_at == place:
                raise RuntimeError("out of memory")
            return functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)

    def run(*callbacks, fails_at=None, logger=False):
        torch.manual_seed(3)
        own = Module(fails_at)
        trainer = lightning.Trainer(
            max_epochs=EPOCHS, callbacks=list(callbacks), logger=logger, accelerator="cpu", enable_progress_bar=False,
            enable_checkpointing=False, enable_model_summary=False,
        )  # fmt: skip
        loader = DataLoader(TensorDataset(*data), BATCH, shuffle=True, generator=torch.Generator().manual_seed(0))
        trainer.fit(own, loader)
        return own.state_dict()

    return run


@pytest.mark.filterwarnings("ignore")  # of the framework
def test_lightning_is_followed_and_trains_the_same(fit, data):
    seen = []
    callback = nodescope.Lightning(
        data, network="net", every=3, log=lambda values, step: seen.append((step, values["dead_nodes/2"]))
    )
    assert_same(fit(callback), fit())
    assert [step for step, _ in seen] == LOOKS
    table = callback.follow.table()
    assert list(zip(table["step"], table["dead_nodes"], strict=True)) == seen


@pytest.mark.filterwarnings("ignore")  # of the framework
def test_lightning_keeps_what_was_seen_before_a_failure(fit, data):
    callback = nodescope.Lightning(data, network="net", every=3)
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(callback, fails_at=4)
    assert callback.follow.table()["step"].to_list() == [0, 3]


def test_lightning_tells_its_loggers(kind, monkeypatch, data, tmp_path):
    lightning = framework(kind, monkeypatch, "lightning.pytorch", LIGHTNING)
    assert lightning is not None
    logged = []
    logger = SimpleNamespace(log_metrics=lambda values, step: logged.append((step, values)))
    trainer = SimpleNamespace(global_step=0, loggers=[logger])
    callback = nodescope.Lightning(data, every=2)
    net = make_net()
    callback.on_train_start(trainer, net)
    for trainer.global_step in (1, 2, 3):
        callback.on_train_batch_end(trainer, net, None, None, 0)
    callback.on_train_end(trainer, net)
    assert [step for step, _ in logged] == [0, 2, 3]
    assert all(type(value) is float for _, values in logged for value in values.values())


# --- Hugging Face ---


class HuggingFaceTrainer:
    """The order of calls of the loop of ``transformers.Trainer``."""

    def __init__(self, model, args, *, train_dataset, callbacks):
        self.model, self.args, self.train_dataset, self.callbacks = model, args, train_dataset, callbacks
        self.state = SimpleNamespace(global_step=0, epoch=0, log_history=[])

    def call(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self.args, self.state, SimpleNamespace(), model=self.model, optimizer=None)

    def train(self):
        torch.manual_seed(self.args.seed)
        optimiser = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.call("on_train_begin")
        for _ in range(self.args.num_train_epochs):
            for batch in DataLoader(self.train_dataset, BATCH, shuffle=True):
                self.model.train()
                self.model(**batch)["loss"].backward()
                optimiser.step()
                optimiser.zero_grad()
                self.state.global_step += 1
                self.call("on_step_end")
        self.call("on_train_end")
        self.state.log_history.append({"train_loss": 0.0, "step": self.state.global_step})


HUGGING_FACE = module(
    "transformers",
    TrainerCallback=type("TrainerCallback", (), {"on_train_begin": None}),
    Trainer=HuggingFaceTrainer,
    TrainingArguments=lambda folder, **options: SimpleNamespace(**{"num_train_epochs": 3, "seed": 42} | options),
)


class Classifier(nn.Module):
    """Takes and gives what models of transformers do."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.fc, self.head = nn.Embedding(20, 6), nn.Linear(6, 12), nn.Linear(12, 3)
        self.act, self.dropout = nn.GELU(), nn.Dropout(0.5)

    def forward(self, input_ids, attention_mask, labels=None):
        hidden = self.dropout(self.act(self.fc(self.embedding(input_ids))))
        logits = self.head((hidden * attention_mask[..., None]).sum(1))
        return {"logits": logits} | ({} if labels is None else {"loss": functional.cross_entropy(logits, labels)})


@pytest.mark.filterwarnings("ignore")  # of the framework
def test_hugging_face_is_followed_and_trains_the_same(kind, monkeypatch, tmp_path):
    transformers = framework(kind, monkeypatch, "transformers", HUGGING_FACE, "accelerate")
    torch.manual_seed(1)
    texts = [
        {
            "input_ids": torch.randint(20, (7,)),
            "attention_mask": (torch.arange(7) < n % 5 + 3).long(),
            "labels": torch.tensor(n % 3),
        }
        for n in range(N)
    ]

    def run(*callbacks):
        args = transformers.TrainingArguments(
            str(tmp_path), num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, report_to="none", seed=0,
            save_strategy="no", disable_tqdm=True, use_cpu=True,
        )  # fmt: skip
        trainer = transformers.Trainer(Classifier(), args, train_dataset=texts, callbacks=list(callbacks))
        trainer.train()
        return trainer

    seen = []
    callback = nodescope.HuggingFace(DataLoader(texts, BATCH), every=3, log=lambda values, step: seen.append(step))
    followed = run(callback)
    assert_same(followed.model.state_dict(), run().model.state_dict())
    assert seen == LOOKS
    table = callback.follow.table()
    assert table["step"].to_list() == LOOKS
    assert table["patterns"].unique().to_list() == [sum(int(text["attention_mask"].sum()) for text in texts)]
    logged = [row for row in followed.state.log_history if "entropy_bits/act" in row]
    assert [(row["step"], row["entropy_bits/act"]) for row in logged] == list(
        zip(LOOKS, table["entropy_bits"], strict=True)
    )


# --- Keras ---


class Symbol:
    """What a layer gives in a functional model."""

    def __init__(self, layer=None, before=None):
        self.layer, self.before = layer, before

    def computed(self, x):
        return x if self.layer is None else self.layer(self.before.computed(x))


class Dense(nn.Linear):
    """Calls of layers of Keras know no hooks of torch."""

    def __init__(self, name, n_in, units, activation):
        super().__init__(n_in, units)
        self.name, self.activation = name, activation

    def __call__(self, x):
        return self.activation(functional.linear(x, self.weight, self.bias))


class FunctionalModel(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs

    def __call__(self, x, training=None):
        found = [output.computed(x) for output in self.outputs]
        return found if len(found) > 1 else found[0]


class SequentialModel(nn.Module):
    """Three layers, and the order of calls of ``fit``."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            Dense("dense", 8, 16, torch.relu),
            Dense("hidden", 16, 5, torch.tanh),
            Dense("output", 5, 3, torch.softmax),
        ])  # fmt: skip
        self.layers[2].activation = softmax
        symbol = Symbol()
        self.inputs = [symbol]
        for layer in self.layers:
            symbol = layer.output = Symbol(layer, symbol)
        self.steps_per_execution = 1

    def fit(self, x, y, *, callbacks, batch_size=32, epochs=1, verbose=1):
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        self.optimizer = SimpleNamespace(iterations=0)
        optimiser = torch.optim.SGD(self.parameters(), lr=0.1)
        for callback in callbacks:
            callback.model = self
            callback.on_train_begin({})
        for _ in range(epochs):
            for place, part in enumerate(torch.randperm(len(x)).split(batch_size)):
                optimiser.zero_grad()
                functional.nll_loss(self.layers[2].output.computed(x[part]).log(), y[part]).backward()
                optimiser.step()
                self.optimizer.iterations += 1
                for callback in callbacks:
                    callback.on_train_batch_end(place, {})
        for callback in callbacks:
            callback.on_train_end({})

    def get_weights(self):
        return [parameter.detach().numpy() for parameter in self.parameters()]


def softmax(x):
    return torch.softmax(x, dim=-1)


def keras_stand_in(backend="torch"):
    return module(
        "keras",
        Model=FunctionalModel,
        backend=SimpleNamespace(backend=lambda: backend),
        callbacks=SimpleNamespace(Callback=type("Callback", (), {})),
    )


def keras_model(keras, kind):
    if kind == "stand-in":
        torch.manual_seed(0)
        return SequentialModel()
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((8,)),
        keras.layers.Dense(16, activation="relu", name="dense"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(5, activation="tanh", name="hidden"),
        keras.layers.Dense(3, activation="softmax", name="output"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.fixture
def keras(kind, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    return framework(kind, monkeypatch, "keras", keras_stand_in())


@pytest.mark.filterwarnings("ignore")  # of the framework
def test_keras_is_followed_and_trains_the_same(keras, kind, data):
    x, y = data[0].numpy(), data[1].numpy()

    def run(*callbacks):
        model = keras_model(keras, kind)
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, callbacks=list(callbacks), verbose=0)
        return model

    seen = []
    callback = nodescope.Keras((x, y), every=3, log=lambda values, step: seen.append((step, values["share_on/dense"])))
    found = run(callback)
    for weights, expected in zip(found.get_weights(), run().get_weights(), strict=True):
        np.testing.assert_array_equal(weights, expected)
    table = callback.follow.table()
    assert table["layer_name"].unique(maintain_order=True).to_list() == ["dense", "hidden"]
    assert [step for step, _ in seen] == LOOKS
    dense = next(layer for layer in found.layers if layer.name == "dense")
    with torch.no_grad():
        on = (dense(torch.from_numpy(x)) > 0).double().mean().item()
    assert seen[-1][1] == pytest.approx(on)


@pytest.mark.filterwarnings("ignore")  # of the framework
def test_layers_of_keras_may_be_named(keras, kind, data):
    model = keras_model(keras, kind)
    callback = nodescope.Keras(data, layers=["output"])
    model.fit(data[0].numpy(), data[1].numpy(), batch_size=BATCH, epochs=1, callbacks=[callback], verbose=0)
    assert callback.follow.table()["share_on"].to_list() == [1.0, 1.0]
    with pytest.raises(NetworkError, match=r"no layer head\. Hint: layers=.* of .*dense, .*hidden, output"):
        model.fit(data[0].numpy(), data[1].numpy(), epochs=1, callbacks=[nodescope.Keras(data, layers=["head"])],
                  verbose=0, batch_size=BATCH)  # fmt: skip


# --- what is missing ---


@pytest.mark.parametrize(
    ("make", "name"),
    [(nodescope.Lightning, "lightning"), (nodescope.HuggingFace, "transformers"), (nodescope.Keras, "keras")],
)
def test_a_framework_that_is_not_there_is_named(make, name, data, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    for known in [known for known in sys.modules if known.partition(".")[0] in (name, "pytorch_lightning")]:
        monkeypatch.delitem(sys.modules, known)
    with pytest.raises(NetworkError, match=f"needs the package {name}, which is not installed"):
        make(data)


def test_keras_with_another_backend_is_refused(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", keras_stand_in("jax"))
    with pytest.raises(
        NetworkError, match=r"computes with jax; nodescope\.Keras needs torch\. Hint: KERAS_BACKEND=torch"
    ):
        nodescope.Keras(data)
