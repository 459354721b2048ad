"""Sidecars as the records that Snakemake compares, and back."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake_interface_common.exceptions import WorkflowError

from atlas.provenance.record import Sidecar


@lru_cache
def software_hash(container: str | None) -> str:
    """Of the container as declared, whether or not this run uses it."""
    return hashlib.sha256((container or "").encode()).hexdigest()


def as_record(sidecar: Sidecar | None) -> MetadataRecord:
    """A sidecar as Snakemake's record. An empty one makes it ask params_changed, which knows."""
    if sidecar is None:
        return MetadataRecord(record_format_version=RECORD_FORMAT_VERSION)
    return MetadataRecord(
        rule=sidecar.rule,
        code=sidecar.shell,
        params=list(sidecar.params),
        input=sorted(sidecar.inputs),
        input_checksums=dict(sidecar.inputs),
        container_img_url=sidecar.container,
        software_stack_hash=software_hash(sidecar.container),
        record_format_version=sidecar.record,
    )


def as_sidecar(new: MetadataRecord, read: dict[str, str] | None, output: str) -> Sidecar:
    inputs = read if read is not None else new.input_checksums or {}
    unknown = sorted(set(new.input or []) - set(inputs))
    if unknown:
        raise WorkflowError(f"rule {new.rule}: only files can be inputs, and not {', '.join(unknown)}")
    return Sidecar(
        record=RECORD_FORMAT_VERSION,
        rule=str(new.rule),
        shell=new.code,
        params=tuple(new.params or []),
        inputs=inputs,
        container=new.container_img_url,
        output=output,
    )
