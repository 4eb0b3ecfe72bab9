"""Look at studies together: what each measured of a configuration, under the identifier that it has in the study that joins them.

REQUIRED INPUTS:
    results/{part}/tables/{table}/{configuration of the part}.parquet
    results/{part}/predictions/{configuration of the part}.parquet
    results/datasets/{dataset}.json    of every part
OUTPUTS:
    results/{study}/tables/{table}/{configuration}.parquet
    results/{study}/predictions/{configuration}.parquet
"""

# A rule for each set of tables, since a rule cannot ask which tables a study has.
for variation in flow.joining():

    rule:
        name:
            variation.rule
        input:
            tables=lambda wildcards: list(flow.joined(wildcards)),
            descriptions=lambda wildcards: list(flow.descriptions(wildcards).values()),
        output:
            tables=expand("results/{{study}}/tables/{table}/{{configuration}}.parquet", table=variation.tables),
            predictions="results/{study}/predictions/{configuration}.parquet",
        log:
            "logs/{study}/join/{configuration}.log",
        wildcard_constraints:
            study=variation.studies,
        localrule: True
        params:
            studies=lambda wildcards: list(flow.descriptions(wildcards)),
            code=flow.code("nodescope.stages.join"),
        script:
            "../scripts/join.py"
