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
        per_configuration("results/{study}/models/{configuration}"),


rule train_configuration:
    """Search the learning rate, train every seed, keep the parameters of the best validation epoch."""
    input:
        dataset=dataset_of,
        weights=weights_file,
        code=code(
            "networks/*.py",
            "training/*.py",
            "numerics/pattern_*.py",
            "numerics/activation_functions.py",
            "families/*.py",
            "jobs/devices.py",
            "networks/losses.py",
            "storage/tables.py",
        ),
    output:
        models=directory("results/{study}/models/{configuration}"),
        learning_curves="results/{study}/tables/learning_curves/{configuration}.parquet",
        accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
        replicas="results/{study}/tables/replicas/{configuration}.parquet",
        predictions="results/{study}/predictions/{configuration}.parquet",
    log:
        "logs/{study}/train/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/train/{configuration}.tsv"
    wildcard_constraints:
        study=one_of(NOT_FOLLOWED),
    # One thread: two configurations on two cores beat one on both (docs/performance.md). A GPU takes one at a time.
    threads: 1
    resources:
        gpu=1 if trains_on_gpu() else 0,
        mem_mb=memory_mb_of("train"),
        runtime=minutes_of("train"),
        # Asked to stop before its time is over, it saves its state; the next attempt goes on from there.
        slurm_extra=f"--signal=TERM@{NOTICE_S}",
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        training=training_params,
        network=network_params,
        initialisation=initialisation_of,
        weights=weights_digest,
        pattern_evolution=pattern_evolution_params,
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
        study=one_of(FOLLOWED),
