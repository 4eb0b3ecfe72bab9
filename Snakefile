"""nodescope: train families of networks, record what every node does, measure it, and show it in one report.

The stages, each a file of rules; `snakemake --cores 8` runs them all, and each has a target of its own:

    datasets -> networks -> recordings -> tables -> all (the report); figures: the figures as files for a paper
"""

from snakemake.utils import min_version

min_version("9.25")


configfile: "config.yaml"


# Only looked at with `--sdm apptainer`: an image of your own with what requirements.lock names. Without that option
# the jobs run in the active environment (see the Makefile).
container: "nodescope.sif"


wildcard_constraints:
    study=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    dataset=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    configuration=r"[a-z0-9-]+",


include: "workflow/rules/common.smk"


rule all:
    """The report, and everything that it shows."""
    default_target: True
    input:
        "reports/index.html",
        all_tables,
        all_tables_of_configurations,


include: "workflow/rules/datasets.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/record.smk"
include: "workflow/rules/analyses.smk"
include: "workflow/rules/collect.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/diagnose.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/charts.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/status.smk"


onsuccess:
    report_success()


onerror:
    report_failure(log)
