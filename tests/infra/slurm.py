"""A SLURM cluster of several nodes on one machine: below a folder, on 127.0.0.1, and gone afterwards.

Nodes c1 c2 (partition cpu) and g1 g2 (partition gpu, two null devices of type `toy` each). With `accounting`
also slurmdbd on a MariaDB. It has a munged, a key and a socket of its own, and no file outside its folder:
clients find it by SLURM_CONF, and two clusters do not see each other.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from packages import install
from services import LONGEST, Missing, need, process, stop

NODES = ("c1", "c2", "g1", "g2")
CPUS = 16
PACKAGES = ("slurm-wlm", "munge")
DATABASE_PACKAGES = ("slurmdbd", "slurm-wlm-mysql-plugin", "mariadb-server")
CONF = """\
ClusterName=ci
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[ctld]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/sock
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmctldPidFile={folder}/state/slurmctld.pid
SlurmdPidFile={folder}/spool/%n/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
GresTypes=gpu
SchedulerParameters=bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SlurmdTimeout=5
SlurmctldTimeout=10
MessageTimeout=5
KillWait=3
UnkillableStepTimeout=900
JobRequeue=1
MinJobAge={min_job_age}
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
DefMemPerCPU=64
TmpFS=/tmp
"""
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePass={folder}/munge/sock
AccountingStoragePort={ports[dbd]}
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations,qos
"""
DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/sock
DbdAddr=127.0.0.1
DbdHost=localhost
DbdPort={ports[dbd]}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports[sql]}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
CommitDelay=1
"""


class Slurm:
    """A cluster that can be started, wounded and stopped."""

    def __init__(
        self,
        folder: Path,
        *,
        accounting: bool = False,
        min_job_age: int = 300,
        memory: int = 64000,
        more: str = "",
    ) -> None:
        """`memory` is what each node claims to have, in MiB, and `more` further lines of slurm.conf."""
        have(PACKAGES, "munged", "slurmctld", "slurmd", "sbatch")
        if accounting:
            have(DATABASE_PACKAGES, "slurmdbd", "mariadbd", "mariadb-install-db")
        if len(str(folder)) > LONGEST:
            raise Missing(f"{folder} is too long for sockets")
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.accounting = accounting
        self.min_job_age = min_job_age
        self.memory = memory
        self.more = more
        names = ("ctld", "dbd", "sql", *NODES)
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._stack = contextlib.ExitStack()
        self.nodes: dict[str, subprocess.Popen] = {}
        self.controller: subprocess.Popen | None = None

    @property
    def env(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.conf)}

    def start(self) -> None:
        for name in ("state", "munge", "dev", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder / "munge", 0o755)
        try:
            self._munge()
            self._configure()
            if self.accounting:
                self._database()
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            for node in NODES:
                wait(lambda node=node: self.state(node) == "idle", 60, f"node {node}", self._last_words)
            if self.accounting:
                self._accounts()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self.controller is not None and self.controller.poll() is None:
            self.run("scancel", "--user=root", check=False)
            time.sleep(0.5)
        for node in list(self.nodes):
            self.kill_node(node)
        self.stop_controller()
        self._stack.close()

    # Its parts.

    def start_controller(self) -> None:
        assert self.controller is None or self.controller.poll() is not None
        self.controller = self._spawn("slurmctld", "-D", "-f", str(self.conf))
        wait(lambda: "UP" in self.run("scontrol", "ping", check=False), 60, "slurmctld", self._last_words)

    def stop_controller(self) -> None:
        if self.controller is not None:
            stop(self.controller)

    def start_node(self, name: str) -> None:
        self.nodes[name] = self._spawn("slurmd", "-D", "-N", name, "-f", str(self.conf))

    def kill_node(self, name: str) -> None:
        """As if its power had failed: the daemon, and all jobs with what they have started."""
        running = self.nodes.pop(name)
        for pid in [running.pid, *self._steps(name)]:
            for one in descendants(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
        running.wait()

    def _steps(self, node: str) -> list[int]:
        """Step managers, which have left the daemon: known by the log of the node, that they write to."""
        log = str(self.folder / f"slurmd.{node}.log")
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "comm").read_text().startswith("slurmstepd"):
                    opened = [os.readlink(one) for one in (entry / "fd").iterdir()]
                    if log in opened:
                        found.append(int(entry.name))
        return found

    # What its users ask.

    def run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def state(self, node: str) -> str:
        return self.run("sinfo", "-h", "-N", "-n", node, "-o", "%t", check=False).split("\n")[0].strip()

    def jobs(self) -> list[str]:
        """Jobs that are in the queue or run, as `id name state reason`."""
        said = self.run("squeue", "-h", "-o", "%i %j %T %R")
        return [line for line in said.splitlines() if line]

    def running(self, job: str) -> None:
        """Wait until a job runs."""
        self.until(lambda: self.show(job)["JobState"] == "RUNNING", f"job {job}")

    def until(self, done: Callable[[], object], what: str, seconds: float = 600) -> None:
        """Wait for something to be true."""
        wait(lambda: bool(done()), seconds, what, self._last_words)

    def show(self, job: str) -> dict[str, str]:
        said = self.run("scontrol", "-o", "show", "job", job)
        return dict(re.findall(r"(\S+?)=(.*?)(?= \S+?=|$)", said.strip()))

    # How it is put together.

    def _spawn(self, *command: str) -> subprocess.Popen:
        with (self.folder / f"{command[0]}.out").open("ab") as out:
            path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env={**os.environ, **self.env, "PATH": path},
            )

    def _munge(self) -> None:
        at = self.folder / "munge"
        (at / "key").write_bytes(os.urandom(1024))
        os.chmod(at / "key", 0o400)
        command = ["munged", "--foreground", "--force", f"--key-file={at}/key", f"--socket={at}/sock"]
        command += [f"--pid-file={at}/pid", f"--log-file={at}/log", f"--seed-file={at}/seed"]

        def sealed() -> bool:
            return quietly("munge", "-n", "-S", str(at / "sock"))

        self._stack.enter_context(process(command, self.folder / "munged.out", sealed))

    def _configure(self) -> None:
        host = platform.node().partition(".")[0]
        for number in (0, 1):
            try:
                os.mknod(self.folder / f"dev/nvidia{number}", 0o666 | 0o020000, os.makedev(1, 3))
            except PermissionError as error:
                raise Missing(f"no device can be made here: {error}") from error
        text = CONF.format(host=host, folder=self.folder, ports=self.ports, min_job_age=self.min_job_age)
        if self.accounting:
            text += ACCOUNTING.format(folder=self.folder, ports=self.ports)
        for node in NODES:
            traits = "Gres=gpu:toy:2 Feature=fast" if node.startswith("g") else "Feature=plain"
            where = f"NodeHostname={host} NodeAddr=127.0.0.1 Port={self.ports[node]}"
            text += f"NodeName={node} {where} CPUs={CPUS} RealMemory={self.memory} {traits} State=UNKNOWN\n"
        text += "PartitionName=cpu Nodes=c1,c2 Default=YES DefaultTime=60 MaxTime=INFINITE State=UP\n"
        text += "PartitionName=gpu Nodes=g1,g2 DefaultTime=60 MaxTime=INFINITE State=UP\n"
        self.conf.write_text(text + self.more)
        gres = f"NodeName=g1,g2 Name=gpu Type=toy File={self.folder}/dev/nvidia[0-1]\n"
        (self.folder / "gres.conf").write_text(gres)

    def _database(self) -> None:
        data, sock = self.folder / "db", self.folder / "db.sock"
        command = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}"]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(command, check=True, capture_output=True)
        asked = ["mariadb", "-N", "-S", str(sock), "-u", "root", "-e"]

        def says(text: str) -> bool:
            return quietly(*asked, text)

        command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={sock}"]
        command += [f"--pid-file={self.folder}/db.pid", "--bind-address=127.0.0.1"]
        command += [f"--port={self.ports['sql']}", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"]
        command += ["--innodb-lock-wait-timeout=900", "--innodb-flush-log-at-trx-commit=0"]
        self._stack.enter_context(process(command, self.folder / "mariadbd.out", lambda: says("select 1")))
        account = "create user slurm@'127.0.0.1' identified by 'slurm'"
        rights = "grant all on slurm_acct_db.* to slurm@'127.0.0.1'"
        assert says(f"create database slurm_acct_db; {account}; {rights}")
        settings = self.folder / "slurmdbd.conf"
        settings.write_text(DATABASE.format(folder=self.folder, ports=self.ports))
        os.chmod(settings, 0o600)

        def up() -> bool:
            return bool(self.run("sacctmgr", "-nP", "show", "user", "root", check=False).strip())

        log = self.folder / "slurmdbd.out"
        running = process(["slurmdbd", "-D"], log, up, SLURM_CONF=str(settings))
        self._stack.enter_context(running)

    def _accounts(self) -> None:
        command = ("sacctmgr", "-nP", "show", "cluster", "format=cluster,controlhost")
        wait(lambda: "127.0.0.1" in self.run(*command), 60, "the registration", self._last_words)
        self.run("sacctmgr", "-iQ", "add", "account", "ci")
        self.run("sacctmgr", "-iQ", "add", "qos", "high")
        self.run("sacctmgr", "-iQ", "add", "user", "root", "account=ci")
        self.run("sacctmgr", "-iQ", "modify", "user", "root", "set", "qos=normal,high", "defaultaccount=ci")

    def _last_words(self) -> str:
        texts = [file.read_text(errors="replace")[-600:] for file in sorted(self.folder.glob("*.log"))]
        return "\n".join(texts)


def have(packages: tuple[str, ...], *programs: str) -> None:
    """Missing where programs are not here; in CI, their packages are installed first."""
    try:
        need(*programs, root=True)
    except Missing:
        install(*packages)
        need(*programs, root=True)


@contextlib.contextmanager
def cluster(folder: Path, **options: bool | int | str) -> Iterator[Slurm]:
    made = Slurm(folder, **options)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def quietly(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait(done: Callable[[], bool], seconds: float, what: str, words: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise Missing(f"{what} did not come up: {words()}")
        time.sleep(0.1)


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*"):
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
