"""Measure the recorded activations and the networks: one job per configuration and analysis.

REQUIRED INPUTS:
    results/{study}/activations/{configuration}
    results/{study}/models/{configuration} and results/datasets/{dataset}.npz, for what is measured on networks
OUTPUTS:
    results/{study}/tables/{analysis}/{configuration}.parquet

To add an analysis: a module in src/nodescope/analyses/, a section in the configuration's schema, a rule here. Analyses
of `nodescope.grid.MADE_TOGETHER` share a rule, which is there for each set of them that a study has switched on.
"""


rule measure_medians:
    """Median activation of each class at every node."""
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("medians"),
    output:
        table="results/{study}/tables/medians/{configuration}.parquet",
    log:
        "logs/{study}/medians/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/medians/{configuration}.tsv"
    priority: 20
    threads: 1
    resources:
        mem_mb=memory_mb_of("measure"),
        runtime=minutes_of("measure"),
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("medians"),
        theta_threshold=0.0,
    script:
        "../scripts/analyse.py"


use rule measure_medians as measure_distributions with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("distributions"),
    output:
        table="results/{study}/tables/distributions/{configuration}.parquet",
    log:
        "logs/{study}/distributions/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/distributions/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("distributions"),
        theta_threshold=0.0,


use rule measure_medians as measure_densities with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("densities") + code("analyses/kernel_density.py"),
    output:
        table="results/{study}/tables/densities/{configuration}.parquet",
    log:
        "logs/{study}/densities/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/densities/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("densities"),
        theta_threshold=0.0,


use rule measure_medians as measure_activity with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("activity"),
    output:
        table="results/{study}/tables/activity/{configuration}.parquet",
    log:
        "logs/{study}/activity/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/activity/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("activity"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_dead_nodes with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("dead_nodes"),
    output:
        table="results/{study}/tables/dead_nodes/{configuration}.parquet",
    log:
        "logs/{study}/dead_nodes/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/dead_nodes/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("dead_nodes"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_sparsity with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("sparsity"),
    output:
        table="results/{study}/tables/sparsity/{configuration}.parquet",
    log:
        "logs/{study}/sparsity/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/sparsity/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("sparsity"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_patterns with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("patterns") + code("patterns/*.py"),
    output:
        table="results/{study}/tables/patterns/{configuration}.parquet",
    log:
        "logs/{study}/patterns/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/patterns/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("patterns"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_layer_accuracy with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("layer_accuracy") + code("analyses/kernel_density.py"),
    output:
        table="results/{study}/tables/layer_accuracy/{configuration}.parquet",
    log:
        "logs/{study}/layer_accuracy/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/layer_accuracy/{configuration}.tsv"
    params:
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        analyses=options_of("layer_accuracy"),
        theta_threshold=theta_threshold_of,


for analyses, studies in studies_by_analyses("statistics").items():

    rule:
        """Moments and histograms of all values of a layer."""
        name:
            f"measure_{'_and_'.join(analyses)}"
        input:
            activations="results/{study}/activations/{configuration}",
            code=analysis_code(*analyses) + code("analyses/moments.py"),
        output:
            expand("results/{{study}}/tables/{table}/{{configuration}}.parquet", table=analyses),
        log:
            f"logs/{{study}}/{analyses[0]}/{{configuration}}.log",
        benchmark:
            f"results/{{study}}/benchmarks/{analyses[0]}/{{configuration}}.tsv"
        wildcard_constraints:
            study=one_of(studies),
        priority: 20
        threads: 1
        resources:
            mem_mb=memory_mb_of("measure"),
            runtime=minutes_of("measure"),
        params:
            key_columns=configuration_keys,
            seeds=seeds_of,
            states=states_of,
            analyses=options_of(*analyses),
            theta_threshold=theta_threshold_of,
        script:
            "../scripts/analyse.py"


for analyses, studies in studies_by_analyses("networks").items():

    rule:
        """Weights, and what flows back through the networks."""
        name:
            f"measure_{'_and_'.join(analyses)}"
        input:
            models="results/{study}/models/{configuration}",
            dataset=dataset_of,
            code=analysis_code(*analyses) + code("analyses/moments.py", "analyses/networks.py", "models/*.py"),
        output:
            expand("results/{{study}}/tables/{table}/{{configuration}}.parquet", table=analyses),
        log:
            "logs/{study}/networks/{configuration}.log",
        benchmark:
            "results/{study}/benchmarks/networks/{configuration}.tsv"
        wildcard_constraints:
            study=one_of(studies),
        threads: 1
        resources:
            mem_mb=memory_mb_of("look_into"),
            runtime=minutes_of("look_into"),
        params:
            key_columns=configuration_keys,
            seeds=seeds_of,
            states=states_of,
            analyses=options_of(*analyses),
        script:
            "../scripts/analyse_networks.py"
