"""Train all seeds and candidate learning rates of a configuration in one job.

REQUIRED INPUTS:
    results/datasets/{dataset}.npz
OUTPUTS:
    results/{study}/models/{configuration}/seed-{s}/{state}.safetensors
    results/{study}/tables/{learning_curves,accuracy,replicas}/{configuration}.parquet
    results/{study}/predictions/{configuration}.parquet    what the kept nets predict for each test sample
    results/{study}/tables/pattern_evolution/{configuration}.parquet    where a study follows patterns
"""


rule networks:
    """Target: all networks, trained."""
    input:
        flow.per_configuration("results/{study}/models/{configuration}"),


rule train_configuration:
    """Search the learning rate, train every seed, keep the parameters of the best validation epoch."""
    input:
        dataset=flow.dataset,
        weights=flow.weights,
    output:
        models=directory("results/{study}/models/{configuration}"),
        learning_curves="results/{study}/tables/learning_curves/{configuration}.parquet",
        accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
        replicas="results/{study}/tables/replicas/{configuration}.parquet",
        predictions="results/{study}/predictions/{configuration}.parquet",
    log:
        "logs/{study}/train/{configuration}.log",
    wildcard_constraints:
        study=flow.not_followed,
    # One thread: two configurations on two cores beat one on both (docs/performance.md). A GPU takes one at a time.
    threads: 1
    resources:
        gpu=flow.gpus,
        mem_mb=flow.memory_mb("train"),
        runtime=flow.minutes("train"),
        # Asked to stop before its time is over, it saves its state; the next attempt goes on from there.
        slurm_extra=SIGNAL_BEFORE_END,
    params:
        key_columns=flow.key_columns,
        seeds=flow.seeds,
        training=flow.training,
        network=flow.network,
        initialisation=flow.initialisation,
        weights=flow.weights_digest,
        pattern_evolution=flow.pattern_evolution,
        code=flow.network_code("train"),
    script:
        "../scripts/train.py"


use rule train_configuration as train_and_follow_patterns with:
    output:
        models=directory("results/{study}/models/{configuration}"),
        learning_curves="results/{study}/tables/learning_curves/{configuration}.parquet",
        accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
        replicas="results/{study}/tables/replicas/{configuration}.parquet",
        predictions="results/{study}/predictions/{configuration}.parquet",
        pattern_evolution="results/{study}/tables/pattern_evolution/{configuration}.parquet",
    wildcard_constraints:
        study=flow.followed,
