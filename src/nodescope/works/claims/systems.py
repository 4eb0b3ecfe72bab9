"""Claims on layers as classifiers (Pretorius 2020, chapter 6)."""

import polars as pl

from nodescope.storage.tables import key_columns
from nodescope.works.cases import Tables, as_cases, change, extremes, last_layer, last_less_first, need, per_net
from nodescope.works.claims.claim import PRETORIUS, Claim
from nodescope.works.judging import BOUND_RULE, SIGN_RULE, Judgement, NotRun, judge_all, judge_bounds, judge_sign

TEST = pl.col("split") == "test"
TRAINED = pl.col("state") == "trained"

#: "Agree", "approach": within this of each other.
CLOSE = 0.01
#: "Hardly changes": by no more than this.
HARDLY = 0.05


def systems_agree_in_the_last_layer(tables: Tables) -> Judgement:
    """Trained nets, test split: the best system of the last layer less the worst."""
    last = need(tables, "layer_accuracy", TEST, TRAINED, last_layer())
    spread = pl.when(pl.col("accuracy").is_not_null().all()).then(pl.col("accuracy").max() - pl.col("accuracy").min())
    return judge_bounds(as_cases(per_net(last, spread)), high=CLOSE)


def last_layer_approaches_the_network(tables: Tables) -> Judgement:
    """Trained nets, test split: each system of the last layer less the network."""
    last = need(tables, "layer_accuracy", TEST, TRAINED, last_layer())
    gap = (pl.col("accuracy") - pl.col("network_accuracy")).first()
    return judge_bounds(as_cases(per_net(last, gap, "system")), low=-CLOSE, high=CLOSE)


def combined_is_best_in_layer_one(tables: Tables) -> Judgement:
    """Trained nets, test split, layer 1: the combined system less the better of the other two."""
    first = need(tables, "layer_accuracy", TEST, TRAINED, pl.col("layer") == 1)
    is_combined = pl.col("system") == "combined"
    has_combined = is_combined.any().over([*key_columns(first), "seed"])
    nets = need(
        {"layer_accuracy": first}, "layer_accuracy", has_combined, what="networks with a combined system (ReLU)"
    )
    lead = pl.col("accuracy").filter(is_combined).first() - pl.col("accuracy").filter(~is_combined).max()
    return judge_sign(as_cases(per_net(nets, lead)))


def training_changes_deep_layers(tables: Tables) -> Judgement:
    """From the first snapshot to the kept net, test split: the first layer's change, and the last layer's less that."""
    systems = need(tables, "layer_accuracy", TEST, pl.col("depth") > 1, what="networks of more than one hidden layer")
    first = _first_snapshot(systems)
    if first is None:
        raise NotRun("it needs networks recorded during training: name epochs under training, snapshots")
    values = per_net(systems, pl.col("accuracy").first(), "state", "layer", "system")
    rise = change(values, "state", "trained", first)
    start = rise.filter(pl.col("layer") == 1).drop("layer").with_columns(pl.col("value").abs())
    return judge_all(
        [
            judge_bounds(as_cases(start), high=HARDLY),
            judge_sign(as_cases(last_less_first(rise))),
        ]
    )


def width_makes_the_continuous_system_lag(tables: Tables) -> Judgement:
    """Trained nets, test split: network less continuous system in the last layer; the widest less the narrowest nets."""
    last = need(tables, "layer_accuracy", TEST, TRAINED, last_layer(), pl.col("system") == "continuous")
    lag = per_net(last, (pl.col("network_accuracy") - pl.col("accuracy")).first())
    return judge_sign(as_cases(extremes(lag, "width")))


def _first_snapshot(systems: pl.DataFrame) -> str | None:
    epochs = [int(state.removeprefix("epoch-")) for state in systems["state"].unique() if state.startswith("epoch-")]
    return f"epoch-{min(epochs)}" if epochs else None


CLAIMS = (
    Claim(
        "systems_agree_in_the_last_layer",
        PRETORIUS,
        "figures 6.2-6.5",
        "In the last layers all systems agree.",
        "test accuracy of the best system of the last layer less that of the worst",
        BOUND_RULE.format(value="it", bound=f"at most {100 * CLOSE:g} point"),
        ("layer_accuracy",),
        systems_agree_in_the_last_layer,
    ),
    Claim(
        "last_layer_approaches_the_network",
        PRETORIUS,
        "figures 6.2-6.5",
        "In the last layers the systems approach the network's accuracy.",
        "test accuracy of a system of the last layer less that of the network",
        BOUND_RULE.format(value="it", bound=f"within {100 * CLOSE:g} point of 0"),
        ("layer_accuracy",),
        last_layer_approaches_the_network,
    ),
    Claim(
        "combined_is_best_in_layer_one",
        PRETORIUS,
        "figures 6.2-6.5",
        "The combined system is best in layer 1.",
        "test accuracy of the combined system less that of the better of the other two",
        SIGN_RULE.format(value="the difference"),
        ("layer_accuracy",),
        combined_is_best_in_layer_one,
    ),
    Claim(
        "training_changes_deep_layers",
        PRETORIUS,
        "figures 6.6, 6.7",
        "The accuracy of the first layer's systems hardly changes during training, while deep layers rise.",
        "test accuracy of the kept net less that after the first snapshot: size of the first layer's change; and the last "
        "layer's rise less the first layer's",
        BOUND_RULE.format(value="the first layer's change", bound=f"at most {100 * HARDLY:g} points")
        + " "
        + SIGN_RULE.format(value="the second difference")
        + " Both parts must hold.",
        ("learning_process",),
        training_changes_deep_layers,
    ),
    Claim(
        "width_makes_the_continuous_system_lag",
        PRETORIUS,
        "figures 6.2-6.5, A.5",
        "In wide nets the continuous system lags behind.",
        "network less continuous system of the last layer, test accuracy: widest less narrowest nets",
        SIGN_RULE.format(value="the difference"),
        ("layer_accuracy",),
        width_makes_the_continuous_system_lag,
    ),
)
