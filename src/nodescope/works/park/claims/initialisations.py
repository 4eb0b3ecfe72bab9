"""Claims on weights and features by initialisation (Park 2022)."""

import polars as pl

from nodescope.works.cases import Tables, as_cases, axes_of, change, difference, last_less_first, need, per_net
from nodescope.works.claim import Claim
from nodescope.works.judging import BOUND_RULE, SIGN_RULE, Judgement, NotRun, judge_all, judge_bounds, judge_sign

#: "Do not learn": the loss falls by no more than this share.
NO_FALL = 0.01
#: "Slightly": by no more than this share.
SLIGHTLY = 1.0

LEARNS = ~pl.col("initialisation").is_in(["ones", "zeros"])
#: Orthogonal, Kaiming or Xavier, whatever distribution and gain.
FAMILY = pl.col("initialisation").str.extract(r"^(orthogonal|kaiming|xavier)")


def orthogonal_converges_fastest(tables: Tables) -> Judgement:
    """Training loss averaged over the epochs: Kaiming less orthogonal, Xavier less Kaiming."""
    curves = _training_loss(tables, FAMILY.is_not_null(), pl.col("epoch") > 0, what="orthogonal, Kaiming and Xavier")
    families = curves.with_columns(initialisation=FAMILY)
    loss = per_net(families, pl.col("loss").mean())
    return judge_all(
        judge_sign(as_cases(difference(loss, "initialisation", slower, faster)))
        for slower, faster in (("kaiming", "orthogonal"), ("xavier", "kaiming"))
    )


def zeros_do_not_learn_and_ones_stay_high(tables: Tables) -> Judgement:
    """Zeros: share by which the training loss falls; ones: final training loss less that of Kaiming normal."""
    zeros = _training_loss(tables, pl.col("initialisation") == "zeros", what="zeros")
    fall = per_net(zeros.sort("epoch"), 1 - pl.col("loss").last() / pl.col("loss").first())
    others = _training_loss(tables, pl.col("initialisation") != "zeros", what="ones and kaiming_normal")
    final = per_net(others.sort("epoch"), pl.col("loss").last())
    return judge_all(
        [
            judge_bounds(as_cases(fall), high=NO_FALL),
            judge_sign(as_cases(difference(final, "initialisation", "ones", "kaiming_normal"))),
        ]
    )


def weights_spread_slightly(tables: Tables) -> Judgement:
    """Share by which the standard deviation of a layer's weights grows."""
    weights = _weights(tables, LEARNS)
    spread = per_net(weights, pl.col("std").first(), "state", "layer")
    growth = change(spread.with_columns(pl.col("value").log()), "state", "trained", "initial").with_columns(
        pl.col("value").exp() - 1
    )
    cases = as_cases(growth)
    return judge_all([judge_sign(cases), judge_bounds(cases, high=SLIGHTLY)])


def uniform_weights_turn_bell_shaped(tables: Tables) -> Judgement:
    """Uniform initialisations: excess kurtosis of a layer's weights, trained less initial."""
    weights = _weights(tables, pl.col("initialisation").str.contains("uniform"))
    kurtosis = per_net(weights, pl.col("kurtosis").first(), "state", "layer")
    return judge_sign(as_cases(change(kurtosis, "state", "trained", "initial")))


def features_spread_with_training_and_depth(tables: Tables) -> Judgement:
    """Standard deviation of a layer's pre-activations: trained less initial; and, trained, last layer less first."""
    statistics = need(
        tables, "statistics", pl.col("kind") == "pre", pl.col("split") == "train", LEARNS,
        what="networks of several initialisations",
    )  # fmt: skip
    spread = per_net(statistics, pl.col("std").first(), "state", "layer")
    trained = spread.filter(pl.col("state") == "trained").drop("state")
    return judge_all(
        [
            judge_sign(as_cases(change(spread, "state", "trained", "initial"))),
            judge_sign(as_cases(last_less_first(trained))),
        ]
    )


def _training_loss(tables: Tables, *conditions: pl.Expr, what: str) -> pl.DataFrame:
    """Curves of the nets whose learning rate was kept."""
    curves = need(
        tables, "learning_curves", pl.col("split") == "train", *conditions,
        what=f"networks of the initialisations {what}",
    )  # fmt: skip
    if not curves["epoch"].max():
        raise NotRun("its networks were not trained")
    kept = need(tables, "accuracy")
    keys = [*axes_of(kept), "seed", "learning_rate"]
    return curves.join(kept.select(keys).unique(), on=keys, how="semi", nulls_equal=True, maintain_order="left")


def _weights(tables: Tables, which: pl.Expr) -> pl.DataFrame:
    return need(tables, "weights", which, pl.col("parameter") == "weight", what="networks of those initialisations")


CLAIMS = (
    Claim(
        name="orthogonal_converges_fastest",
        place="figure 1",
        statement="Orthogonal initialisation converges fastest, then Kaiming, then Xavier.",
        axes=("initialisation",),
        statistic="training loss averaged over the epochs: Kaiming less orthogonal; Xavier less Kaiming",
        rule=SIGN_RULE.format(value="each of the two differences"),
        charts=("accuracy_curves",),
        judge=orthogonal_converges_fastest,
    ),
    Claim(
        name="zeros_do_not_learn_and_ones_stay_high",
        place="figure 1",
        statement="Networks that start with zeros do not learn, and with ones the loss stays high.",
        axes=("initialisation",),
        statistic="zeros: share by which the training loss falls; ones: final training loss less that of Kaiming normal",
        rule=BOUND_RULE.format(value="the fall", bound=f"at most {100 * NO_FALL:g} %")
        + " "
        + SIGN_RULE.format(value="the difference")
        + " Both parts must hold.",
        charts=("accuracy_curves",),
        judge=zeros_do_not_learn_and_ones_stay_high,
    ),
    Claim(
        name="weights_spread_slightly",
        place="figure 2",
        statement="The standard deviation of the weights grows slightly in training.",
        axes=("initialisation",),
        statistic="share by which it grows, a case per layer",
        rule=SIGN_RULE.format(value="it")
        + " "
        + BOUND_RULE.format(value="it", bound=f"at most {100 * SLIGHTLY:g} %")
        + " Both parts must hold.",
        charts=("weight_distributions",),
        judge=weights_spread_slightly,
    ),
    Claim(
        name="uniform_weights_turn_bell_shaped",
        place="figure 2",
        statement="Weights that start uniform turn bell-shaped.",
        axes=("initialisation",),
        statistic="excess kurtosis of a layer's weights (uniform: -1.2, normal: 0), trained less initial",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("weight_distributions",),
        judge=uniform_weights_turn_bell_shaped,
    ),
    Claim(
        name="features_spread_with_training_and_depth",
        place="figure 3",
        statement="The standard deviation of the features grows strongly with training and with depth.",
        axes=("initialisation",),
        statistic="standard deviation of a layer's pre-activations: trained less initial; and, trained, last layer less first",
        rule=SIGN_RULE.format(value="each of the two differences"),
        charts=("layer_statistics", "layer_distributions"),
        judge=features_spread_with_training_and_depth,
    ),
)
