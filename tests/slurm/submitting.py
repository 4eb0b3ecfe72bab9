"""A project whose Snakemake submits to a cluster."""

import sys

from project import Project


class ClusterProject(Project):
    """A project whose jobs are submitted to a cluster.

    The options stand for a site's own profile: this cluster keeps no accounts, and its file system is never late.
    """

    SITE = ("--slurm-no-account", "--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "3")

    def __init__(self, path, config, cluster):
        self.cluster = cluster
        super().__init__(path, config)

    def environment(self):
        variables = self.cluster.environment() | {"PYTHONPATH": str(self.path / "src")}
        # Compiled bytecode saves seconds per job; some machines have it switched off.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        return variables

    def command(self, *arguments):
        profile = ("--workflow-profile", "workflow/profiles/slurm")
        return [sys.executable, "-m", "snakemake", *profile, *self.SITE, *arguments]
