"""The rig of the slurm connector: Slurm's controller and node daemon with a munge key of their own, and two jobs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from tests.conftest import require
from tests.contract.connector_suite import TIMEOUT
from tests.parts import free_port
from tests.patience import stop, until

from firedoor.core.targets import Door, Inventory, Target

STILL = 0.6  # seconds; twelve heartbeats
JOBS = ("train-large", "train-small")
SUPPORT = Path(__file__).parents[1] / "rigs_support"
CONFIGURATION = """\
ClusterName=firedoor
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
CryptoType=crypto/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdParameters=config_overrides
MessageTimeout=5
PropagateResourceLimits=NONE
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=train Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Rig:
    """Two running jobs in one partition; the door stops the first of them."""

    kind: ClassVar[str] = "slurm"
    cannot: ClassVar[Mapping[str, str]] = {
        "busy": "Slurm's own commands wait and ask again when the controller is busy, and say nothing of it",
        "overloaded": "Slurm's own commands wait and ask again until their time is over, which is `lost` here",
    }

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.inventory = Inventory()
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def target(self) -> Target:
        return self.inventory.targets["train-large"]

    @property
    def door(self) -> Door:
        return self.target.doors[0]

    def start(self) -> None:
        require("root, as which Slurm's daemons run", os.geteuid() == 0)
        for program in ("munged", "slurmctld", "slurmd", "scontrol", "squeue", "sbatch"):
            require(program)
        self._folder = tempfile.TemporaryDirectory(prefix="firedoor-slurm-")
        self.folder = Path(self._folder.name)
        for name in ("state", "spool", "commands"):
            (self.folder / name).mkdir()
        self._munge("munge")
        self._munge("stranger")
        self._ports = {"controller": free_port(), "node": free_port()}
        self.conf = self.configured("slurm", "munge")
        self._begin("slurmctld", "-D", "-c")
        self._wait(lambda: bool(self.ask("squeue", "--noheader") is not None), "slurmctld")
        self._begin("slurmd", "-D")
        self._wait(lambda: "idle" in (self.ask("sinfo", "--noheader", "-o", "%T") or ""), "slurmd")
        self.numbers = {name: self.submit(name) for name in JOBS}
        self._put_commands()

    def stop(self) -> None:
        if self._running:
            self.ask("scancel", "--full", "--user=root")
            self._wait(lambda: not self.ask("squeue", "--noheader"), "the end of the jobs", quietly=True)
        for process in reversed(self._running):
            stop(process)
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def reset(self) -> None:
        require("root, as which Slurm's daemons run", os.geteuid() == 0)
        require("slurmctld")
        for file in ("fault", "effects"):
            (self.folder / "commands" / file).unlink(missing_ok=True)
        self.ask("scontrol", "update", "PartitionName=train", "State=UP")
        for number in self.numbers.values():
            self.ask("scontrol", "resume", number)
            self.ask("scontrol", "update", f"JobId={number}", "AdminComment=", "Comment=", "TimeLimit=UNLIMITED")
        running = "\n".join(sorted(self.numbers.values()))
        self._wait(lambda: self._states("RUNNING") == running, "two running jobs")
        before = [self.heartbeat(name).read_text() for name in JOBS]
        self._wait(
            lambda: all(self.heartbeat(name).read_text() != seen for name, seen in zip(JOBS, before, strict=True)),
            "heartbeats of both jobs",
        )
        self.inventory = self.listing(self.conf)

    def effects(self) -> int:
        file = self.folder / "commands" / "effects"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def break_with(self, fault: str) -> None:
        if fault == "wrong key":
            self.replace(doors=self.listing(self.configured("stranger", "stranger")).targets["train-large"].doors)
        elif fault == "down":
            nowhere = self.configured("nowhere", "munge", controller=free_port())
            self.replace(doors=self.listing(nowhere).targets["train-large"].doors)
        elif fault == "dark":
            for name in JOBS:
                probe = self.inventory.targets[name].probe
                blind = {**probe.config, "heartbeat": str(self.folder / "nowhere")}
                self.replace(name, probe=probe.model_copy(update={"config": blind}))
        else:
            (self.folder / "commands" / "fault").write_text(fault)

    def change_behind_our_back(self) -> None:
        self.ask("scontrol", "update", f"JobId={self.numbers['train-large']}", "TimeLimit=90")

    def close_behind_our_back(self) -> None:
        self.ask("scontrol", "suspend", self.numbers["train-large"])

    def ask(self, *command: str) -> str | None:
        """Ask Slurm itself, as a colleague would; None when it fails."""
        environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=30)
        return done.stdout.strip() if done.returncode == 0 else None

    def submit(self, name: str, *options: str) -> str:
        """Start a job; return its number."""
        job = f"{sys.executable} {SUPPORT / 'training_job.py'} {self.heartbeat(name)}"
        number = self.ask(
            "sbatch", "--parsable", f"--job-name={name}", "--output=/dev/null", *options, f"--wrap=exec {job}"
        )
        assert number, "Slurm did not take the job"
        if not options:
            self._wait(self.heartbeat(name).exists, f"the first heartbeat of {name}")
        return number

    def heartbeat(self, name: str) -> Path:
        """The file by which a job shows that it goes on."""
        return self.folder / f"{name}.beat"

    def configured(self, name: str, munge: str, **ports: int) -> Path:
        """Write a slurm.conf; return where it is."""
        file = self.folder / f"{name}.conf"
        values = {
            "folder": self.folder,
            "munge": self.folder / f"{munge}.socket",
            "host": socket.gethostname().split(".")[0],
        }
        file.write_text(CONFIGURATION.format(**values, **{**self._ports, **ports}))
        return file

    def listing(self, conf: Path) -> Inventory:
        """The inventory, with the doors' commands speaking to the cluster of this file."""
        targets: dict[str, Any] = {}
        for name, other in (JOBS, JOBS[::-1]):
            cluster = {"slurm_conf": str(conf), "timeout_seconds": TIMEOUT, "programs": str(self.folder / "commands")}
            jobs = {"name": name, "user": "root"}
            watch = {"slurm_conf": str(self.conf), "heartbeat": str(self.heartbeat(name)), "still_seconds": STILL}
            targets[name] = {
                "kind": "training_job",
                "doors": [{"name": "scheduler", "connector": self.kind, "config": {**cluster, "jobs": jobs}}],
                "probe": {"via": self.kind, "config": {**watch, "jobs": jobs}, "timeout_seconds": 4},
                "neighbours": [other],
            }
        return Inventory.model_validate({"targets": targets})

    def replace(self, name: str = "train-large", **change: Any) -> None:
        """Put a changed target into the inventory."""
        changed = self.inventory.targets[name].model_copy(update=change)
        self.inventory = Inventory(targets={**self.inventory.targets, name: changed})

    def _put_commands(self) -> None:
        folder = self.folder / "commands"
        source = (SUPPORT / "slurm_command.py").read_text()
        order = {
            "programs": str(Path(shutil.which("scontrol") or "").parent),
            "neighbour": self.numbers["train-small"],
            "process": f"{self.heartbeat('train-large')}.pid",
        }
        (folder / "order.json").write_text(json.dumps(order))
        for name in ("scontrol", "squeue", "scancel"):
            (folder / name).write_text(f"#!{sys.executable} -ES\n{source}")
            (folder / name).chmod(0o755)

    def _munge(self, name: str) -> None:
        key = self.folder / f"{name}.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {"key-file": "key", "socket": "socket", "pid-file": "munge-pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder / name}.{ending}" for option, ending in files.items()]
        self._begin("munged", "--foreground", "--force", *options)
        self._wait((self.folder / f"{name}.socket").exists, "munged")

    def _begin(self, *command: str) -> None:
        environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._running.append(subprocess.Popen(command, env=environment, **quiet))

    def _wait(self, ready: Callable[[], bool], what: str, *, quietly: bool = False) -> None:
        try:
            until(ready, self._running[-1], what)
        except AssertionError:
            if not quietly:
                raise

    def _states(self, state: str) -> str:
        found = self.ask("squeue", "--noheader", f"--states={state}", "-o", "%i") or ""
        return "\n".join(sorted(found.split()))
