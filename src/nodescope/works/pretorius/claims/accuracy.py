"""Claims on how well the networks do (Pretorius 2020, chapters 3 and 4)."""

import polars as pl

from nodescope.works.cases import Tables, as_cases, axes_of, difference, extremes, need, per_net
from nodescope.works.claim import Claim
from nodescope.works.judging import BOUND_RULE, SIGN_RULE, Judgement, NotRun, judge_bounds, judge_sign

#: "About 100 %".
TRAINED_WELL = 0.99

# The one exception that the source makes: these were not fitted.
EXCEPTED = (
    (pl.col("dataset") == "cifar10")
    & (pl.col("activation") == "sigmoid")
    & ~pl.col("batch_norm")
    & (pl.col("width") == 200)
    & pl.col("depth").is_in([6, 8])
)


def relu_beats_sigmoid(tables: Tables) -> Judgement:
    """ReLU less sigmoid, validation and test accuracy."""
    accuracy = _of_trained(tables, pl.col("split").is_in(["validation", "test"]))
    return judge_sign(as_cases(_activation_gap(accuracy)))


def batch_norm_widens_the_gap(tables: Tables) -> Judgement:
    """The gap with batch normalisation less that without."""
    accuracy = _of_trained(tables, pl.col("split").is_in(["validation", "test"]))
    return judge_sign(as_cases(difference(_activation_gap(accuracy), "batch_norm", True, False)))


def depth_helps_sigmoid_with_batch_norm_only(tables: Tables) -> Judgement:
    """MNIST, sigmoid, width 200: the deepest less the shallowest; the sign turned round without batch normalisation."""
    accuracy = _of_trained(
        tables,
        pl.col("dataset") == "mnist", pl.col("activation") == "sigmoid", pl.col("width") == 200, pl.col("split") == "test",
        what="sigmoid networks of width 200 on MNIST",
    )  # fmt: skip
    return judge_sign(_depth_gain_by_batch_norm(accuracy))


def batch_norm_harms_sigmoid_on_fmnist(tables: Tables) -> Judgement:
    """FMNIST, sigmoid: test accuracy without batch normalisation less that with it."""
    accuracy = _of_trained(
        tables,
        pl.col("dataset") == "fmnist", pl.col("activation") == "sigmoid", pl.col("split") == "test",
        what="sigmoid networks on FMNIST",
    )  # fmt: skip
    return judge_sign(as_cases(difference(_mean_accuracy(accuracy), "batch_norm", False, True)))


def depth_on_cifar10_needs_batch_norm(tables: Tables) -> Judgement:
    """CIFAR10: the deepest less the shallowest; the sign turned round without batch normalisation."""
    accuracy = _of_trained(
        tables, pl.col("dataset") == "cifar10", pl.col("split") == "test", what="networks on CIFAR10"
    )
    return judge_sign(_depth_gain_by_batch_norm(accuracy))


def both_fit_the_training_data(tables: Tables) -> Judgement:
    """Training accuracy after the last epoch, at the learning rate that was kept."""
    chosen = _of_trained(tables, pl.col("split") == "train", pl.col("activation").is_in(["relu", "sigmoid"]))
    curves = need(tables, "learning_curves", pl.col("split") == "train")
    keys = [*axes_of(chosen), "seed", "learning_rate"]
    last = curves.join(chosen.select(keys), on=keys, how="semi", nulls_equal=True).filter(
        pl.col("epoch") == pl.col("epoch").max().over(keys), ~EXCEPTED
    )
    return judge_bounds(as_cases(per_net(last, pl.col("accuracy").first())), low=TRAINED_WELL)


def _of_trained(tables: Tables, *conditions: pl.Expr, what: str = "") -> pl.DataFrame:
    """The rows of the accuracy of networks of which at least one was trained."""
    accuracy = need(tables, "accuracy", *conditions, what=what)
    # Of a net that diverged there is no kept epoch either, but no accuracy then.
    untrained = (pl.col("best_epoch").fill_null(0) == 0) & pl.col("accuracy").is_not_null()
    if accuracy.select((untrained | pl.col("accuracy").is_null()).all() & untrained.any()).item():
        raise NotRun("its networks were not trained")
    return accuracy


def _mean_accuracy(accuracy: pl.DataFrame) -> pl.DataFrame:
    return per_net(accuracy, pl.col("accuracy").first(), "split")


def _activation_gap(accuracy: pl.DataFrame) -> pl.DataFrame:
    return difference(_mean_accuracy(accuracy), "activation", "relu", "sigmoid")


def _depth_gain_by_batch_norm(accuracy: pl.DataFrame) -> pl.DataFrame:
    """Cases that are above 0 where depth helps with batch normalisation and harms without it."""
    gain = extremes(_mean_accuracy(accuracy), "depth")
    if gain["batch_norm"].n_unique() < 2:
        raise NotRun("it needs networks with and without batch normalisation")
    turned = pl.when(pl.col("batch_norm")).then(pl.col("value")).otherwise(-pl.col("value"))
    return as_cases(gain.with_columns(value=turned))


CLAIMS = (
    Claim(
        name="relu_beats_sigmoid",
        place="figures 3.2-3.10",
        statement="ReLU networks beat sigmoid networks of the same configuration on mean validation and test accuracy.",
        axes=("activation",),
        statistic="accuracy of ReLU less that of sigmoid, a case per configuration and split",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("test_accuracy", "accuracy_curves"),
        judge=relu_beats_sigmoid,
    ),
    Claim(
        name="batch_norm_widens_the_gap",
        place="figures 3.2-3.10",
        statement="The gap between ReLU and sigmoid is larger with batch normalisation.",
        axes=("activation", "batch_norm"),
        statistic="gap (ReLU less sigmoid) with BN less the gap without",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("test_accuracy",),
        judge=batch_norm_widens_the_gap,
    ),
    Claim(
        name="depth_helps_sigmoid_with_batch_norm_only",
        place="figure 3.4",
        statement="On MNIST, sigmoid networks of width 200 gain from depth with batch normalisation and lose without.",
        axes=("depth", "width", "activation", "batch_norm"),
        statistic="test accuracy of the deepest less that of the shallowest network, without BN the reverse",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("test_accuracy",),
        judge=depth_helps_sigmoid_with_batch_norm_only,
    ),
    Claim(
        name="batch_norm_harms_sigmoid_on_fmnist",
        place="figure 3.7",
        statement="Sigmoid networks on FMNIST are better without batch normalisation.",
        axes=("activation", "batch_norm"),
        statistic="test accuracy without BN less that with BN",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("test_accuracy",),
        judge=batch_norm_harms_sigmoid_on_fmnist,
    ),
    Claim(
        name="depth_on_cifar10_needs_batch_norm",
        place="figure 3.10",
        statement="CIFAR10 test accuracy falls with depth without batch normalisation and rises with it.",
        axes=("depth", "batch_norm"),
        statistic="test accuracy of the deepest less that of the shallowest network, without BN the reverse",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("test_accuracy",),
        judge=depth_on_cifar10_needs_batch_norm,
    ),
    Claim(
        name="both_fit_the_training_data",
        place="figures 3.2-3.9",
        statement="ReLU and sigmoid networks train to about 100 %, except 200-wide sigmoid networks of 6 and 8 layers on CIFAR10 "
        "without batch normalisation.",
        axes=("depth", "width", "activation", "batch_norm"),
        statistic="training accuracy after the last epoch",
        rule=BOUND_RULE.format(value="it", bound=f"at least {100 * TRAINED_WELL:g} %"),
        charts=("accuracy_curves", "learning_curves"),
        judge=both_fit_the_training_data,
    ),
)
