"""The scorecard: published numbers as they are printed, differences by hand, and what a study departs in."""

import hashlib
from dataclasses import replace
from importlib.resources import files

import polars as pl
import pytest

from nodescope.charts.context import Context
from nodescope.charts.gallery.scorecard import figures
from nodescope.charts.registry import CHARTS
from nodescope.config.charts import Charts
from nodescope.config.loading import parse_config
from nodescope.study.axes import Configurations
from nodescope.study.contents import SCORE_TABLES, table_names
from nodescope.works.claims import claims_of
from nodescope.works.differences import differences
from nodescope.works.printed import printed_numbers
from nodescope.works.protocol import source_dataset
from nodescope.works.registry import WORKS
from nodescope.works.scorecard import AGREES, DIFFERS, NOT_RUN, NOT_SCORED, UNCLEAR
from nodescope.works.scorecard import scorecard as scorecard_of
from nodescope.works.scoring import score

NO_CONFIGURATIONS = Configurations.plain({})
CONTEXT = Context(Charts(), [], NO_CONFIGURATIONS, (WORKS["pretorius"],))

#: Of the files as they were taken from the works; whoever corrects a number corrects this too.
DIGESTS = {
    "pretorius/accuracies": "1c027ffcfc83849f",
    "pretorius/table_5_1": "9e9a9ec0f3a1fc00",
    "pretorius/table_5_2": "840bed542a1907f1",
    "park/figure_2": "90573829b982c4b4",
    "park/figure_3": "6d74ca760b28d53f",
}


def numbers_of_all():
    return printed_numbers(WORKS.values())


def scorecard(tables):
    return scorecard_of(tables, [WORKS["pretorius"], WORKS["park"]])


@pytest.mark.parametrize("name", DIGESTS)
def test_printed_numbers_are_intact(name):
    work, _, table = name.partition("/")
    content = files(WORKS[work].package).joinpath("printed", f"{table}.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("work", WORKS.values(), ids=lambda work: work.name)
def test_what_is_printed_can_be_compared_with_what_is_measured(work):
    numbers = printed_numbers([work])
    assert numbers.filter(pl.col("published_error").is_not_null() != pl.col("published_seeds").is_not_null()).is_empty()
    assert numbers["published"].null_count() == numbers["quantity"].null_count() == 0
    assert set(numbers["dataset"].drop_nulls()) <= set(work.datasets)
    assert numbers.is_empty() == (work.module("measured") is None)


def test_every_published_number_is_read_with_what_it_is_about():
    numbers = numbers_of_all()
    counts = dict(numbers.group_by("quantity").len().iter_rows())
    assert counts == {"accuracy": 13, "dead_share": 8, "sparsity": 48, "weight_std": 10, "feature_std": 8}
    keys = ["quantity", "dataset", "depth", "activation", "batch_norm", "initialisation", "state", "split", "layer"]
    assert numbers.select(keys).is_unique().all()
    sigmoid = numbers.filter(
        pl.col("quantity") == "sparsity", pl.col("depth") == 4, pl.col("activation") == "sigmoid",
        pl.col("batch_norm"), pl.col("layer") == "3",
    ).row(0, named=True)  # fmt: skip
    assert sigmoid["published"] == pytest.approx(0.3439)
    assert sigmoid["published_error"] == pytest.approx(0.0114)
    assert sigmoid["last_digit"] == pytest.approx(0.0001)
    assert numbers.filter(pl.col("published") == 0.015)["last_digit"].to_list() == [
        pytest.approx(0.001)
    ]  # printed: 1.5
    features = numbers.filter(pl.col("quantity") == "feature_std", pl.col("state") == "trained")
    assert features["published"].to_list() == [0.63, 1.26, 2.04, 4.17]


def test_the_doubtful_means_of_table_5_2_are_marked():
    doubtful = numbers_of_all().drop_nulls("remark")
    assert len(doubtful) == 8
    assert doubtful.select("quantity", "depth", "activation").unique().row(0) == ("sparsity", 8, "relu")
    assert set(doubtful["layer"]) == {"1", "2", "3", "4"}
    # the reason to doubt them
    means = doubtful.pivot("batch_norm", index="layer", values="published")
    assert (means["true"] == means["false"]).all()


NET = {"dataset": "mnist", "model": "mlp", "depth": 4, "width": 200, "activation": "sigmoid", "batch_norm": True}


def sparsities(values, **changes):
    rows = [
        {
            **NET,
            **changes,
            "seed": seed,
            "state": "trained",
            "split": "train",
            "layer": changes.get("layer", 1),
            "sparsity": value,
        }
        for seed, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema_overrides={"depth": pl.Int32, "width": pl.Int32, "layer": pl.Int32})


def row_of(card, **keys):
    found = card.filter(*(pl.col(key) == value for key, value in keys.items()))
    assert len(found) == 1
    return found.row(0, named=True)


def table_5_2(card, layer="1", **changes):
    keys = {key: value for key, value in {**NET, **changes}.items() if key != "model"}
    return row_of(card, quantity="sparsity", layer=layer, **keys)


def test_the_difference_is_counted_in_standard_errors():
    """By hand: ours 0.36 +- 0.02/sqrt(3), published 0.3325 +- 0.0094, printed to 0.0001."""
    row = table_5_2(scorecard({"sparsity": sparsities([0.34, 0.36, 0.38])}))
    assert row["ours"] == pytest.approx(0.36)
    assert row["standard_error"] == pytest.approx(0.02 / 3**0.5)
    assert row["seeds"] == 3
    assert row["difference"] == pytest.approx(0.0275)
    assert row["difference_errors"] == pytest.approx(0.0275 / (0.0004 / 3 + 0.0094**2 + 1e-8 / 12) ** 0.5)
    assert row["difference_errors"] == pytest.approx(1.847, abs=1e-3)
    assert row["verdict"] == AGREES


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.3325, 0.3325, 0.3325], AGREES),
        ([0.3605, 0.3605], AGREES),  # 2.98 published errors, none of ours: with 2 degrees of freedom t is 4.3
        ([0.3800, 0.3800], DIFFERS),  # 5.05
        ([0.2900, 0.2901], DIFFERS),
        ([0.1, 0.3, 0.5], AGREES),
        ([0.31, 0.312, 0.314], AGREES),  # 2.4 errors with 3 degrees of freedom
        ([0.3325], UNCLEAR),
        ([0.3325, None], UNCLEAR),
        ([None, None], UNCLEAR),
    ],
)
def test_the_verdict_follows_from_the_t_interval_of_the_difference(values, verdict):
    assert table_5_2(scorecard({"sparsity": sparsities(values)}))["verdict"] == verdict


def test_rounding_is_an_error_where_nothing_else_is():
    """Table 5.1 has no standard errors: 2.87 % is known to within half of its last digit."""
    layers = [
        {**NET, "seed": s, "state": "trained", "split": "train", "layer": n} for s in (0, 1) for n in (1, 2, 3, 4)
    ]
    types = {"depth": pl.Int32, "width": pl.Int32}
    dead = pl.DataFrame(layers, schema_overrides=types).with_columns(
        nodes=pl.lit(200), dead=pl.lit(6), dead_share=pl.lit(0.03)
    )
    row = row_of(scorecard({"dead_nodes": dead}), quantity="dead_share", depth=4, activation="sigmoid", batch_norm=True)
    assert row["ours"] == pytest.approx(0.03)
    assert row["difference_errors"] == pytest.approx(0.0013 / (0.0001 / 12**0.5), rel=1e-6)
    assert row["verdict"] == UNCLEAR  # equal in all seeds: nothing tells how another would differ


def test_doubtful_numbers_are_shown_and_not_scored():
    card = scorecard({"sparsity": sparsities([0.1, 0.2], depth=8, activation="relu")})
    row = table_5_2(card, depth=8, activation="relu")
    assert row["ours"] == pytest.approx(0.15)
    assert row["verdict"] == NOT_SCORED


def test_a_study_of_other_data_runs_no_published_number():
    card = scorecard({"sparsity": sparsities([0.3, 0.4], dataset="digits")})
    assert set(card["verdict"]) == {NOT_RUN}
    assert len(scorecard({})) == len(card) == 87


def test_of_several_initialisations_the_published_one_counts():
    both = pl.concat(
        sparsities(values).with_columns(initialisation=pl.lit(name))
        for name, values in {"orthogonal": [0.8, 0.9], "xavier_normal": [0.3, 0.34]}.items()
    )
    columns = both.columns
    place = columns.index("seed")
    ordered = both.select(*columns[:place], "initialisation", *columns[place:-1])
    assert table_5_2(scorecard({"sparsity": ordered}))["ours"] == pytest.approx(0.32)


def spreads(**columns):
    """Park's network from two seeds, its weights and features spread as much as layer and state say."""
    rows = [
        {"dataset": "cifar10", "model": "cnn", "depth": 4, "width": 16, "activation": "relu", "batch_norm": False,
         "initialisation": initialisation, "seed": seed, "state": state, "layer": layer, **columns,
         "std": layer / 10 + (state == "trained") + seed / 100}
        for initialisation in ("kaiming_normal", "orthogonal", "orthogonal_relu")
        for seed in (0, 1) for state in ("initial", "trained") for layer in (1, 2, 3, 4)
    ]  # fmt: skip
    types = {"depth": pl.Int32, "width": pl.Int32, "layer": pl.Int32}
    return pl.DataFrame(rows, schema_overrides=types)


def test_spreads_of_weights_and_features_are_compared_by_layer_and_initialisation():
    weights, features = spreads(parameter="weight"), spreads(split="train", kind="pre")
    biases = weights.with_columns(parameter=pl.lit("bias"), std=pl.lit(9.0))
    card = scorecard({"weights": pl.concat([weights, biases]), "statistics": features})
    run = card.filter(pl.col("verdict") != NOT_RUN)
    assert dict(run.group_by("quantity").len().iter_rows()) == {"weight_std": 7, "feature_std": 8}
    linear = row_of(card, quantity="weight_std", layer="linear1", state="trained")
    assert linear["ours"] == pytest.approx(1.405)
    assert linear["standard_error"] == pytest.approx(0.005)
    assert linear["difference_errors"] == pytest.approx(1.355 / (0.005**2 + 0.01**2 / 12) ** 0.5)
    conv = row_of(card, quantity="feature_std", layer="conv1", state="initial")
    assert conv["ours"] == pytest.approx(0.105)
    orthogonal = row_of(card, quantity="weight_std", initialisation="orthogonal")
    assert orthogonal["seeds"] == 2  # the one with the published gain, not both


def study(**changes):
    entry = {
        "name": "made", "dataset": "mnist", "works": ["pretorius"],
        "grid": {"depth": [4], "width": [200], "activation": ["relu"]}, **changes,
    }  # fmt: skip
    return parse_config({"studies": [entry]}).studies[0]


def test_a_study_of_the_published_protocol_differs_only_in_what_is_not_told():
    assert differences(study())["what"].to_list() == [
        "refinement of the rate",
        "ties of the best epoch",
        "which samples are for validation",
    ]


def test_what_differs_is_told_by_the_settings():
    made = study(
        dataset={"source": "digits", "scaling": "standardised"}, seeds=[0], theta_threshold=0.5, network={"dropout": 0.5},
        training={"epochs": 12, "batch_size": 32, "learning_rates": [0.01], "optimiser": "sgd", "l1": 0.1, "keep": "last"},
    )  # fmt: skip
    found = {row["what"]: (row["published"], row["ours"]) for row in differences(made).iter_rows(named=True)}
    assert found["epochs"] == ("300", "12")
    assert found["seeds"] == ("3", "1")
    assert found["batch size"] == ("64", "32")
    assert found["learning rates"] == ("0.01, 0.001, 0.0001", "0.01")
    assert found["theta"][1] == "z > 0.5"
    assert found["optimiser"] == ("adam", "sgd")
    assert found["explicit regularisation"] == ("none", "L1: 0.1, dropout: 0.5")
    assert found["parameters that are kept"][1] == "of the last epoch"
    assert found["scaling of the inputs"] == ("as_is", "standardised")
    assert found["data set"] == ("mnist, fmnist, cifar10", "digits")


def test_how_it_is_trained_and_normalised_is_told():
    grid_with_batch_norm = {"depth": [2], "width": [8], "activation": ["relu"], "batch_norm": [False, True]}
    training = {"batch_size": "all", "loss": "mean_squared_error", "ties": "last"}
    network = {"batch_norm_scale": "uniform", "batch_norm_epsilon": 0.001}
    made = study(training=training, network=network, grid=grid_with_batch_norm)
    found = {row["what"]: (row["published"], row["ours"]) for row in differences(made).iter_rows(named=True)}
    assert found["batch size"] == ("64", "all training samples")
    assert found["loss"] == ("cross-entropy", "mean squared error")
    assert found["ties of the best epoch"] == ("not told", "the last of equals")
    assert found["batch normalisation"] == (
        "scale constant, momentum 0.1, epsilon 1e-05", "scale uniform, momentum 0.1, epsilon 0.001",
    )  # fmt: skip
    assert "batch normalisation" not in set(differences(study(network=network))["what"])  # it has none
    resnet = {"depth": [8], "width": [16], "activation": ["relu"]}
    descent = {"optimiser": "sgd", "momentum": 0.5}
    hartmann = differences(study(model="resnet", dataset="cifar10", grid=resnet, training=descent, works=["hartmann"]))
    assert hartmann.filter(pl.col("what") == "momentum")["ours"].to_list() == ["0.5"]


def test_other_networks_and_variants_are_told():
    grid_with_variants = {
        "depth": [4],
        "width": [8],
        "activation": ["relu"],
        "variants": [{"name": "a"}, {"name": "b"}],
    }
    found = {row["what"]: row["ours"] for row in differences(study(grid=grid_with_variants)).iter_rows(named=True)}
    assert found["variants"] == "a, b"


def test_each_work_has_its_own_protocol():
    park = study(works=["park"], model="cnn", dataset={"source": "cifar10", "scaling": "centred"}, training={
        "epochs": 50, "learning_rates": [0.0001], "learning_rate_decay": 1.0, "keep": "last",
    })  # fmt: skip
    assert differences(park).select("work", "what").rows() == [("Park 2022", "seeds")]
    hartmann = study(
        works=["hartmann", "pretorius"],
        model=["resnet", "mlp"],
        dataset="cifar10",
        grid={"depth": [8], "width": [16], "activation": ["relu"]},
    )
    found = {(row["work"], row["what"]): row["ours"] for row in differences(hartmann).iter_rows(named=True)}
    assert found["Hartmann et al. 2021", "epochs"] == "300"
    assert found["Hartmann et al. 2021", "optimiser"] == "adam"
    assert found["Pretorius 2020", "networks"] == "resnet, mlp"


def test_a_study_that_names_no_work_departs_from_none():
    assert differences(study(works=[])).is_empty()
    scored = score({"sparsity": sparsities([0.34, 0.36])}, study(works=[]))
    assert all(table.is_empty() for table in scored.values())
    assert "claims" not in table_names(study(works=[])) and "claims" in table_names(study())


def test_claims_are_judged_along_the_axes_whatever_a_configuration_is_called():
    table = pl.concat([sparsities([0.7, 0.71], activation="relu"), sparsities([0.34, 0.36])])
    named = table.select(pl.format("{}-4x200-bn", "activation").alias("configuration"), pl.all())
    judged, other = (score({"sparsity": frame}, study()) for frame in (table, named))
    assert judged["claims"].filter(claim="relu_is_sparser")["verdict"].item() == "holds"
    for name, frame in judged.items():
        assert frame.equals(other[name])


def test_departures_are_from_the_work_that_is_reproduced():
    """Flowers and signals are not held against the protocol of a dissertation on images."""
    flowers = study(works=["tutorial"], dataset="iris", network={"taper": 0.5, "bias": "all"},
                    grid={"depth": [3], "width": [64], "activation": ["relu"]},
                    training={"epochs": 40, "learning_rates": [0.001], "learning_rate_decay": 1.0, "keep": "last"})  # fmt: skip
    found = differences(flowers)
    assert set(found["work"]) == {"Iris tutorial"}
    assert {"epochs", "validation samples"} <= set(found["what"])
    assert not {"hidden layers", "learning rates", "activation functions", "data set"} & set(found["what"])
    signals = study(works=["showcase"], dataset={"source": "gaussian"}, network={"bias": "none"}, training={"epochs": 0},
                    grid={"depth": [9], "width": [50], "activation": ["selu"], "initialisation": ["lecun_normal"]})  # fmt: skip
    assert differences(signals).select("work", "what", "published", "ours").rows() == [
        ("Signal propagation", "layers", "21", "9")
    ]


def test_untrained_networks_have_no_accuracy_to_publish():
    rows = [{**NET, "activation": "relu", "batch_norm": False, "seed": s, "learning_rate": 0.01, "best_epoch": None,
             "split": "test", "accuracy": 0.1 + s / 100} for s in (0, 1)]  # fmt: skip
    types = {"depth": pl.Int32, "width": pl.Int32, "best_epoch": pl.Int32}
    assert set(scorecard({"accuracy": pl.DataFrame(rows, schema_overrides=types)})["verdict"]) == {NOT_RUN}


def test_many_numbers_are_judged_together():
    """One of many that is apart by chance is not said to differ; alone it would be."""

    def card(values_of_layers):
        frames = [sparsities(values, layer=layer) for layer, values in values_of_layers.items()]
        return scorecard({"sparsity": pl.concat(frames)})

    apart = [0.27, 0.272, 0.274]
    alone = table_5_2(card({1: apart}))
    assert alone["verdict"] == DIFFERS and alone["p_value"] < 0.05
    numbers = numbers_of_all().filter(pl.col("quantity") == "sparsity", pl.col("dataset") == "mnist")
    of_net = numbers.filter(pl.col("depth") == 4, pl.col("activation") == "sigmoid", pl.col("batch_norm"))
    same = {int(r["layer"]): [r["published"] - 0.01, r["published"] + 0.01, r["published"]]
            for r in of_net.iter_rows(named=True)}  # fmt: skip
    among = table_5_2(card({**same, 1: apart}))
    assert among["p_value"] == alone["p_value"]
    assert among["verdict"] == UNCLEAR


def test_a_work_without_numbers_or_claims_shows_what_differs_alone():
    signals = study(works=["showcase"], dataset={"source": "gaussian"}, training={"epochs": 0})
    context = Context(Charts(), [], replace(NO_CONFIGURATIONS, seeds=(3,), states=("initial",)), (WORKS["showcase"],))
    assert [figure.name for figure in figures(score({}, signals), context)] == ["scorecard-differences"]


def test_re_encoded_cifar10_stands_for_cifar10_and_says_so():
    made = study(dataset={"source": "image_folder", "name": "cifar10-jpeg", "path": "p", "validation_size": 5000})
    assert source_dataset(made, ["cifar10"]) == "cifar10"
    assert "encoded again as JPEG" in differences(made)["ours"][0]
    centred = {"source": "image_folder", "name": "cifar10-jpeg-centred", "path": "p", "train_size": 2000}
    assert source_dataset(study(dataset=centred), ["cifar10"]) == "cifar10"
    found = {
        row["what"]: row["ours"]
        for row in differences(study(works=["park"], model="cnn", dataset=centred)).iter_rows(named=True)
    }
    assert "encoded again as JPEG" in found["data set"] and found["training samples"] == "2,000"
    assert source_dataset(study(dataset={**centred, "name": "cifar10-jpegs"}), ["cifar10"]) == "cifar10-jpegs"
    rows = [
        {**NET, "dataset": "cifar10-jpeg", "batch_norm": False, "activation": "relu", "seed": s, "learning_rate": 0.001,
         "best_epoch": 1, "split": "test", "accuracy": 0.51 + s / 100}
        for s in (0, 1)
    ]  # fmt: skip
    accuracy = pl.DataFrame(rows, schema_overrides={"depth": pl.Int32, "width": pl.Int32})
    card = score({"accuracy": accuracy}, made)["scorecard"]
    row = row_of(card, quantity="accuracy", dataset="cifar10", activation="relu", batch_norm=False)
    assert row["ours"] == pytest.approx(0.515)


def test_the_report_says_what_other_data_cannot_judge(small_tables):
    shown = {figure.name: figure for figure in figures(small_tables, CONTEXT)}
    assert "scorecard-values" not in shown  # nothing to compare
    assert "0 of the 87 published numbers" in shown["scorecard-summary"].caption
    assert "data set: blobs (mnist, fmnist, cifar10)" in shown["scorecard-summary"].about
    numbers = shown["scorecard-numbers"].table
    assert len(numbers) == 87 and set(numbers["verdict"]) == {"not run"}
    claims = sum(len(claims_of(WORKS[name])) for name in ("pretorius", "hartmann", "park"))
    assert len(shown["scorecard-claims"].table) == claims


def test_percent_and_points_are_shown_where_shares_are_compared():
    tables = score({"sparsity": sparsities([0.34, 0.36, 0.38])}, study())
    shown = {figure.name: figure for figure in figures(tables, CONTEXT)}
    row = shown["scorecard-numbers"].table.row(0, named=True)
    assert row["number"] == "sparsity mnist sigmoid 4x200 with BN layer 1"
    assert (row["published"], row["ours"], row["difference"]) == (33.25, 36.0, 2.75)
    assert row["difference_low"] < 0 < row["difference_high"]
    (counts,) = shown["scorecard-summary"].table.filter(pl.col("place") == "table 5.2").iter_rows(named=True)
    assert (counts["number"], counts["agrees"], counts["not run"]) == (48, 1, 47)
    assert shown["scorecard-values"].chart is not None


def test_claims_point_to_charts_that_exist():
    claims = [claim for work in WORKS.values() for claim in claims_of(work)]
    assert all(claim.charts for claim in claims)
    assert {chart for claim in claims for chart in claim.charts} <= set(CHARTS)


def test_scoring_gives_the_tables_that_the_workflow_expects(small_study):
    assert tuple(score({}, small_study)) == SCORE_TABLES
