"""Snakemake's persistence, kept as committed sidecars: the one module that hooks into Snakemake.

Snakemake 9.27 has no plugin point for persistence. `install()` replaces the module global
`snakemake.workflow.FilePersistence`, which `Workflow._prepare_dag` looks up; the rest is a subclass
that overrides methods of `PersistenceBase`, and sets mtimes in the workflow's I/O cache. Hence the
pin in pyproject.toml, the assertions in `install()`, and tests/provenance as the upgrade test.

For outputs under the given roots:

- Records are read from and written to sidecars, so that a fresh clone knows what is stale.
- In memory, mtimes of artefacts are such that every input is newer than its output: Snakemake
  then compares the content of every input. Nothing on disk is touched.
- An artefact that is not what its sidecar says, or has none, is stale.
- Parameters have names; the container counts whether or not this run uses containers.
- A job that fails or is killed leaves the artefact and its sidecar as they were (see backup).
- Jobs that this machine cannot run are left out, and stay stale (see skip).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, ClassVar

import snakemake.api  # before snakemake.workflow, which can't be imported first
import snakemake.workflow
from snakemake.logging import logger
from snakemake.persistence import NO_PARAMS_CHANGE, RECORD_FORMAT_VERSION, MetadataRecord, ParamsChange
from snakemake.persistence.file import FilePersistence
from snakemake_interface_common.exceptions import WorkflowError

from atlas.canonical import sha256_bytes, sha256_file
from atlas.provenance import backup, guards, locks, record
from atlas.provenance.ages import ages
from atlas.provenance.changes import Change, of_artefact
from atlas.provenance.metadata import as_record, as_sidecar, software_hash
from atlas.provenance.params import texts
from atlas.provenance.record import Sidecar
from atlas.provenance.skip import Skipping

CHECKSUM_LIMIT = 1 << 40
"""Bytes up to which inputs are compared by content: all of them, or larger ones are always stale."""


class SidecarPersistence(FilePersistence):  # type: ignore[misc]
    """Keys are paths relative to the project, as Snakemake names its outputs."""

    roots: ClassVar[tuple[str, ...]] = ()
    shared: ClassVar[tuple[str, ...]] = ()
    current: ClassVar[SidecarPersistence | None] = None
    """That of the workflow this process has loaded."""
    skipping: ClassVar[Skipping] = Skipping()
    judges_all: ClassVar[bool] = False
    """Whether the verdict is wanted, and nothing is to be run."""

    def __init__(self, *args: Any, dag: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, dag=dag, **kwargs)
        self._sidecars: dict[str, Sidecar | None] = {}
        self._records: dict[str, MetadataRecord] = {}
        self._texts: dict[Any, list[str]] = {}
        self._read_by_job: dict[str, dict[str, str]] = {}
        self._before_job: dict[str, backup.Signature | None] = {}
        self._failed: set[str] = set()
        self._held: list[IO[str]] = []
        SidecarPersistence.current = self
        if dag is None:
            return
        self.max_checksum_file_size = dag.max_checksum_file_size = CHECKSUM_LIMIT
        if dag.workflow.is_main_process:
            guards.check(dag.workflow, self.is_artefact)
            dag.workflow.iocache.mtime.update(ages(self.roots, self._sidecar))
            # Snakemake has put another lock there for dry runs, and takes each between verdict and run.
            self.lock = self._leaving_out(self.lock)  # type: ignore[method-assign]

    def is_artefact(self, key: str) -> bool:
        return key.startswith(self.roots)

    # Records.

    def _sidecar(self, key: str) -> Sidecar | None:
        """What is known of an artefact, in the format that this Snakemake compares."""
        if key not in self._sidecars:
            sidecar = record.read(key)
            known = sidecar is not None and sidecar.record == RECORD_FORMAT_VERSION
            self._sidecars[key] = sidecar if known else None
        return self._sidecars[key]

    def _read_record(self, key: str) -> MetadataRecord | None:
        if not self.is_artefact(key):
            return super()._read_record(key)
        if key not in self._records:
            self._records[key] = as_record(self._sidecar(key))
        return self._records[key]

    def _write_record(self, key: str, new: MetadataRecord) -> None:
        if not self.is_artefact(key):
            super()._write_record(key, new)
        elif Path(key).is_file():
            record.write(key, as_sidecar(new, self._read_by_job.get(key), sha256_file(Path(key))))

    def _delete_record(self, key: str) -> bool:
        if not self.is_artefact(key):
            return bool(super()._delete_record(key))
        existed = record.path_of(key).exists()
        record.path_of(key).unlink(missing_ok=True)
        return existed

    def _clear_cache(self) -> None:
        self._sidecars.clear()
        self._records.clear()
        super()._clear_cache()

    # What counts as a change.

    def params_changed(self, job: Any, file: Any = None) -> Change:
        change = Change()
        outputs = [file] if file is not None else job.output
        for found in (super().params_changed(job, file), *map(self._artefact_changed, map(str, outputs))):
            change = change | found if found else change
        return change

    def _artefact_changed(self, key: str) -> ParamsChange:
        found = self._digest(key) if self.is_artefact(key) else None
        if found is None:
            return NO_PARAMS_CHANGE
        sidecar = self._sidecar(key)
        if sidecar is None:
            return of_artefact("unknown", key, None, None)
        if sidecar.output == found:
            return NO_PARAMS_CHANGE
        interrupted = super()._filter_incomplete_keys([key])
        return of_artefact("interrupted" if interrupted else "edited", key, sidecar.output[:19], found[:19])

    def _digest(self, key: str) -> str | None:
        """Of a file, None if there is none; taken once for what is both an output and an input."""
        cache = self.dag.workflow.iocache
        found: str | None = cache.checksum.get(key) if cache.active else None
        if found is None:
            with suppress(FileNotFoundError, IsADirectoryError):
                found = sha256_bytes(Path(key).read_bytes())
                if cache.active:
                    cache.checksum[key] = found
        return found

    def _params(self, job: Any) -> list[str]:
        if job not in self._texts:
            self._texts[job] = texts(job)
        return self._texts[job]

    def _input(self, job: Any) -> list[str]:
        return sorted(set(super()._input(job)))

    def _software_stack_hash(self, job: Any) -> str:
        return software_hash(job.container_img_url)

    def _filter_incomplete_keys(self, keys: Iterable[str]) -> set[str]:
        """None of the artefacts: the sidecar tells whether they are whole, and what to do."""
        return set(super()._filter_incomplete_keys(key for key in keys if not self.is_artefact(key)))

    # The last good artefact: Snakemake calls these in the order backup_output, started, then
    # cleanup_backup or restore_output, then finished; cleanup when checking the outputs raises.

    def backup_output(self, path: Path) -> None:
        self._before_job[str(path)] = backup.signature(path)
        backup.copy(path, self._get_backup_path(path))

    def started(self, job: Any, external_jobid: str | None = None) -> None:
        super().started(job, external_jobid)
        # An input that changes while the job runs must not be recorded as what the job has read.
        read = {str(file): sha256_file(Path(file)) for file in job.input if Path(file).is_file()}
        self._read_by_job.update({str(output): read for output in job.output})

    def cleanup_backup(self, path: Path) -> None:
        """The job ended well; but an artefact that was left alone was not made by it."""
        before = self._before_job.get(str(path))
        if before and before == backup.signature(path):
            raise WorkflowError(f"the command ended well without writing {path}")

    def restore_output(self, path: Path) -> bool:
        """Whether the artefact is again what it was before the job; if not, Snakemake deletes it."""
        self._failed.add(str(path))
        saved = self._get_backup_path(path)
        if not saved.is_file():
            return backup.is_sealed(path)
        if str(path) not in self._before_job or self._before_job[str(path)] != backup.signature(path):
            backup.copy(saved, path)
        return True

    def cleanup(self, job: Any) -> None:
        for output in job.output:
            if self.is_artefact(str(output)):
                self._unmark_incomplete(str(output))
            else:
                self.cleanup_metadata(output)

    async def finished(self, job: Any) -> None:
        """Seal what the job made. Also called after a failure, which changes no sidecar."""
        keys = {str(output) for output in job.output}
        if keys & self._failed:
            for key in keys:
                self._unmark_incomplete(key)
        else:
            await super().finished(job)
        if self.dag.workflow.is_main_process:
            # The process of a remote job leaves them to the main process, which comes here later.
            for key in keys:
                self._get_backup_path(Path(key)).unlink(missing_ok=True)
        self._failed -= keys

    # Locks.

    @contextmanager
    def lock(self) -> Iterator[None]:
        with super().lock():
            for output in self.all_outputfiles():
                artefact = Path(str(output))
                if self.is_artefact(str(output)) and backup.recover(
                    artefact, self._get_backup_path(artefact)
                ):
                    logger.info(f"Restored {output}: the run that was making it was interrupted.")
            yield

    def _leaving_out(self, lock: Callable[[], AbstractContextManager[None]]) -> Any:
        @contextmanager
        def before_that() -> Iterator[None]:
            if not self.judges_all and not self.dag.workflow.touch:
                self.skipping.leave_out(self.dag)
            with lock():
                yield

        return before_that

    def _read_locks(self) -> Iterator[tuple[str, str]]:
        """Those of runs that may be going on; a run that was killed locks nothing."""
        for lock_type in ("input", "output"):
            for lock in sorted(Path(self._lockdir).glob(f"*.{lock_type}.lock")):
                if not locks.is_abandoned(lock):
                    yield from ((lock_type, line) for line in lock.read_text().splitlines())

    def _write_locks(self, lock_type: str, keys: Iterable[str]) -> None:
        super()._write_locks(lock_type, keys)
        if lock_type in self._lockfile:
            self._held.append(locks.hold(Path(self._lockfile[lock_type])))

    def _delete_locks(self) -> None:
        super()._delete_locks()
        while self._held:
            self._held.pop().close()


def install(roots: Iterable[str] = ("results/",), shared: Iterable[str] = ("docs/",)) -> None:
    """Make Snakemake keep the provenance of outputs under these folders in sidecars. Once, at load.

    `roots` hold artefacts only; `shared` ones hold sources too, which are the files without a sidecar.
    """
    looked_up = snakemake.workflow.Workflow._prepare_dag.__code__.co_names
    if RECORD_FORMAT_VERSION != 6 or not {"FilePersistence", "DbPersistence"} <= set(looked_up):
        raise WorkflowError(
            f"atlas.provenance.sidecar was written for Snakemake 9.27, and this is {snakemake.__version__}: "
            "install the pinned version, or see docs/staleness.md on upgrades"
        )
    SidecarPersistence.skipping = Skipping()
    SidecarPersistence.shared = tuple(shared)
    SidecarPersistence.roots = (*roots, *shared)
    snakemake.workflow.FilePersistence = SidecarPersistence
    snakemake.workflow.DbPersistence = guards.refuse_database
    # What has been imported is no garbage. Not looking there again saves more than sidecars cost.
    gc.freeze()


def skip(reasons: Mapping[str, str], *, elsewhere: bool = False) -> None:
    """Leave out what makes these artefacts, as this machine cannot: by name, with the reason.

    `elsewhere`: jobs that are not local go to other machines.
    """
    SidecarPersistence.skipping = Skipping(reasons, elsewhere)


def require(workflow: Any) -> list[str]:
    """For an input function of the default target: fail, rather than call everything fresh, if
    `install()` had no effect. Returns no inputs."""
    if not isinstance(workflow.persistence, SidecarPersistence):
        raise WorkflowError("Snakemake does not use the committed provenance: call sidecar.install()")
    return []
