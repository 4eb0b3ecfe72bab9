"""Measure the recorded activations, and the networks: a few jobs per configuration.

REQUIRED INPUTS:
    results/{study}/activations/{configuration}
    results/{study}/tables/accuracy/{configuration}.parquet
    results/{study}/models/{configuration} and results/datasets/{dataset}.npz, for what is measured on networks
OUTPUTS:
    results/{study}/tables/{analysis}/{configuration}.parquet

An analysis says itself which job makes it; one that a study has switched off is not made. A rule cannot ask which tables
a study wants, so there is one rule for each set of analyses, with the studies that want it.
"""

for job in ("nodes", "classifiers"):
    for variation in flow.measuring(job, "families", "module", "recordings"):

        rule:
            """Measure the recorded activations of a configuration, each layer read once."""
            name:
                variation.rule
            input:
                activations=flow.activations,
                accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
            output:
                **{t: f"results/{{study}}/tables/{t}/{{configuration}}.parquet" for t in variation.tables},
            log:
                f"logs/{{study}}/{job}/{{configuration}}.log",
            wildcard_constraints:
                study=variation.studies,
            priority: 20
            threads: 1
            resources:
                mem_mb=flow.memory_mb("measure"),
                runtime=flow.minutes("measure"),
            params:
                seeds=flow.seeds,
                states=flow.states,
                analyses=flow.analyses(job),
                theta_threshold=flow.study("theta_threshold"),
                batch_size=flow.batch_size,
                code=flow.analysis_code(variation.tables),
            script:
                "../scripts/analyse.py"


for variation in flow.measuring("networks", "families"):

    rule:
        """Measure the networks of a configuration: weights, and what flows back through them."""
        name:
            variation.rule
        input:
            models="results/{study}/models/{configuration}",
            dataset=flow.dataset,
        output:
            **{t: f"results/{{study}}/tables/{t}/{{configuration}}.parquet" for t in variation.tables},
        log:
            "logs/{study}/networks/{configuration}.log",
        wildcard_constraints:
            study=variation.studies,
        threads: 1
        resources:
            mem_mb=flow.memory_mb("look_into"),
            runtime=flow.minutes("look_into"),
        params:
            seeds=flow.seeds,
            states=flow.states,
            analyses=flow.analyses("networks"),
            objective=flow.objective,
            layers=flow.study("layers"),
            theta_threshold=flow.study("theta_threshold"),
            code=flow.network_code("measure_networks", variation.tables),
        script:
            "../scripts/analyse_networks.py"


for variation in flow.measuring("networks", "module"):

    rule:
        """The same for networks of the user's own: weights, and what flows back through them."""
        name:
            variation.rule
        input:
            dataset=flow.dataset,
            checkpoints=flow.checkpoints,
            sources=flow.user_code,
        output:
            **{t: f"results/{{study}}/tables/{t}/{{configuration}}.parquet" for t in variation.tables},
        log:
            "logs/{study}/networks/{configuration}.log",
        wildcard_constraints:
            study=variation.studies,
        threads: 1
        resources:
            mem_mb=flow.memory_mb("look_into"),
            runtime=flow.minutes("look_into"),
        params:
            seeds=flow.seeds,
            states=flow.states,
            analyses=flow.analyses("networks"),
            objective=flow.objective,
            module=flow.module,
            axes=flow.axes,
            files=flow.checkpoint_of_network,
            layers=flow.study("layers"),
            theta_threshold=flow.study("theta_threshold"),
            code=flow.module_code("measure_networks", variation.tables),
        script:
            "../scripts/analyse_modules.py"
