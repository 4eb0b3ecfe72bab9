"""Measure the recorded activations, and the networks: a few jobs per configuration.

REQUIRED INPUTS:
    results/{study}/activations/{configuration}
    results/{study}/models/{configuration} and results/datasets/{dataset}.npz, for what is measured on networks
OUTPUTS:
    results/{study}/tables/{analysis}/{configuration}.parquet

Which job makes which analyses is said in `nodescope.study.contents.ANALYSIS_JOBS`; an analysis that a study has switched off is not
made. To add one: a module in src/nodescope/analyses/, a section in the configuration's schema, its name in that list.
"""

for job in ("nodes", "classifiers"):
    for number, (analyses, studies) in enumerate(studies_by_analyses(job).items()):

        rule:
            """Measure the recorded activations of a configuration, each layer read once."""
            name:
                f"measure_{job}" + (f"_{number}" if number else "")
            input:
                activations="results/{study}/activations/{configuration}",
                code=analysis_code(analyses),
            output:
                expand("results/{{study}}/tables/{table}/{{configuration}}.parquet", table=analyses),
            log:
                f"logs/{{study}}/{job}/{{configuration}}.log",
            benchmark:
                f"results/{{study}}/benchmarks/{job}/{{configuration}}.tsv"
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
                analyses=analysis_options(job),
                theta_threshold=theta_threshold_of,
            script:
                "../scripts/analyse.py"


for number, (analyses, studies) in enumerate(studies_by_analyses("networks").items()):

    rule:
        """Measure the networks of a configuration: weights, and what flows back through them."""
        name:
            "measure_networks" + (f"_{number}" if number else "")
        input:
            models="results/{study}/models/{configuration}",
            dataset=dataset_of,
            code=analysis_code(analyses) + code("networks/*.py", "networks/losses.py"),
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
            analyses=analysis_options("networks"),
            objective=objective_of,
        script:
            "../scripts/analyse_networks.py"
