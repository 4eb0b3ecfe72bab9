"""A real SLURM cluster on this machine, for tests: slurmctld, munge and several slurmd, all on the loopback.

Needs Debian's packages slurmctld, slurmd, slurm-client and munge, and root. There is no accounting database, and no
cgroups; one CPU per node. Everything lies below one folder and ends with the fixture.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")

SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job is held until its old credentials have expired: by default two minutes.
AuthInfo=socket={root}/munge/socket,cred_expire=10
CredType=cred/munge
MpiDefault=none
SwitchType=switch/none
StateSaveLocation={root}/state/ctld
SlurmdSpoolDir={root}/state/slurmd.%n
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
# No cgroups: memory is sampled and a job that takes more than it asked for is killed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=15
InactiveLimit=0
KillWait=10
# Snakemake asks squeue what became of a job: it must not be forgotten.
MinJobAge=3600
Waittime=0
SlurmdParameters=config_overrides
JobCompType=jobcomp/none
MailProg=/bin/true
# What cannot run is refused at once instead of waiting for ever.
EnforcePartLimits=ALL
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=main Nodes={names} Default=YES MaxTime=60 State=UP
PartitionName=short Nodes={names} MaxTime=1 OverTimeLimit=0 State=UP
"""


def why_not() -> str | None:
    """Why no cluster can be started here; None where it can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"SLURM is not installed (apt-get install slurmctld slurmd slurm-client munge); missing: {missing[0]}"
    if os.geteuid() != 0:
        return "slurmd must be started by root"
    return None


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@dataclass
class Cluster:
    """A running cluster.

    Attributes
    ----------
    root : Path
        The folder of all its files.
    nodes : list of str
        Names of its nodes.
    """

    root: Path
    nodes: list[str]

    @classmethod
    def start(cls, root: Path, n_nodes: int = 4, memory_mb: int = 6000) -> "Cluster":
        """Start all daemons, and wait until every node is idle."""
        for folder in ("munge", "state/ctld", "run", "log", "bin"):
            (root / folder).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        port, *node_ports = _free_ports(n_nodes + 1)
        nodes = [f"node{k}" for k in range(1, n_nodes + 1)]
        lines = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs=1 RealMemory={memory_mb}"
            for name, node_port in zip(nodes, node_ports, strict=True)
        ]
        (root / "slurm.conf").write_text(
            SLURM_CONF.format(root=root, host=host, port=port, nodes="\n".join(lines), names=",".join(nodes))
        )
        # The plugin's inner srun loses every variable SLURM_*; on a real cluster it finds /etc/slurm/slurm.conf.
        wrapper = root / "bin" / "srun"
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={root}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        wrapper.chmod(0o755)
        cluster = cls(root, nodes)
        cluster._start_munge()
        cluster._run("slurmctld", "-i", "-f", str(root / "slurm.conf"))
        for name in nodes:
            cluster.start_node(name)
        cluster.wait_until_idle()
        return cluster

    def environment(self) -> dict[str, str]:
        """The variables with which SLURM's programs find this cluster."""
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return os.environ | {"SLURM_CONF": str(self.root / "slurm.conf"), "PATH": path}

    def client(self, *command: str) -> str:
        """What one of SLURM's programs prints."""
        return self._run(*command).stdout

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        self._run("slurmd", "-f", str(self.root / "slurm.conf"), "-N", name)

    def cut_power(self, name: str) -> int:
        """Kill a node's daemon and every process of the jobs on it; returns how many processes those were."""
        self._kill(self.root / "run" / f"slurmd.{name}.pid", "slurmd", signal.SIGKILL)
        killed = 0
        for _ in range(3):  # what was being started while the others were killed
            for process in self._processes_of(name):
                os.kill(process, signal.SIGKILL)
                killed += 1
            time.sleep(0.1)
        return killed

    def kill_daemon(self, name: str) -> None:
        """Kill a node's daemon alone: its jobs go on, but nobody hears of them."""
        self._kill(self.root / "run" / f"slurmd.{name}.pid", "slurmd", signal.SIGKILL)

    def running_on(self, name: str) -> list[str]:
        """Ids of the jobs that run on a node."""
        return self.client("squeue", "-h", "-t", "R", "-w", name, "-o", "%A").split()

    def is_at_work(self, name: str) -> bool:
        """Whether a job's own processes have started on a node."""
        return len(self._processes_of(name)) > 3

    def jobs(self) -> dict[str, str]:
        """State of every job of which the cluster knows."""
        rows = self.client("squeue", "-h", "-t", "all", "-o", "%A %T").splitlines()
        return dict(row.split() for row in rows)

    def wait_until_idle(self, timeout_s: float = 120) -> None:
        """Wait until every node can take jobs."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = subprocess.run(
                ["sinfo", "-h", "-N", "-p", "main", "-o", "%N %T"],
                env=self.environment(), capture_output=True, text=True,
            ).stdout.split("\n")  # fmt: skip
            if sum(line.endswith(" idle") for line in found) == len(self.nodes):
                return
            time.sleep(0.2)
        log = (self.root / "log" / "slurmctld.log").read_text()
        raise AssertionError(f"the cluster did not come up: {found}\n{log[-3000:]}")

    def stop(self) -> None:
        """Stop all jobs and daemons; wait until they are gone."""
        subprocess.run(["scancel", "--full", "-u", "root"], env=self.environment(), capture_output=True, timeout=20)
        for name in self.nodes:
            for process in self._processes_of(name):
                os.kill(process, signal.SIGKILL)
            self._kill(self.root / "run" / f"slurmd.{name}.pid", "slurmd", signal.SIGTERM)
        self._kill(self.root / "run" / "slurmctld.pid", "slurmctld", signal.SIGTERM)
        self._kill(self.root / "munge" / "munged.pid", "munged", signal.SIGTERM)

    def _start_munge(self) -> None:
        folder = self.root / "munge"
        shutil.chown(folder, "munge", "munge")
        for parent in (folder, *folder.parents):  # munged is particular about who may enter
            if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        options = [
            "--key-file", str(folder / "key"), "--socket", str(folder / "socket"), "--pid-file", str(folder / "munged.pid"),
            "--log-file", str(folder / "log"), "--seed-file", str(folder / "seed"), "--force",
        ]  # fmt: skip
        self._run("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "mungekey", "-c", "-k", options[1])
        self._run("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", *options)

    def _processes_of(self, node: str) -> list[int]:
        """Processes of the jobs on a node: SLURM names it in their environment."""
        mark, ours = f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.root}/slurm.conf".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                variables = (path / "environ").read_bytes().split(b"\0")
                title = (path / "cmdline").read_bytes()
            except OSError:
                continue
            stepd = title.startswith(b"slurmstepd: [") and self._is_step_of(int(path.name), node)
            if stepd or (mark in variables and ours in variables):
                found.append(int(path.name))
        return found

    def _is_step_of(self, process: int, node: str) -> bool:
        """Whether a slurmstepd was started by the node's daemon, by the sockets that it keeps open there."""
        spool = str(self.root / "state" / f"slurmd.{node}")
        try:
            inodes = {str(f.readlink()) for f in Path(f"/proc/{process}/fd").iterdir()}
        except OSError:
            return False
        sockets = {
            f"socket:[{line.split()[6]}]"
            for line in Path("/proc/net/unix").read_text().splitlines()
            if line.split()[-1].startswith(spool)
        }
        return bool(inodes & sockets)

    def _kill(self, pid_file: Path, name: str, how: int) -> None:
        """End a daemon of ours, after a look at its name: the number might be another's by now."""
        try:
            process = int(pid_file.read_text())
            if Path(f"/proc/{process}/comm").read_text().strip() != name:
                return
            os.kill(process, how)
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + 10
        while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
            if re.search(r"^State:\s+Z", Path(f"/proc/{process}/status").read_text(), re.MULTILINE):
                return
            time.sleep(0.05)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done
