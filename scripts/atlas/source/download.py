"""A whole file from an index: streamed to disk, resumed where it was cut, proven by its sha256."""

from __future__ import annotations

import hashlib
import time
from typing import IO

import requests
import urllib3

from atlas.canonical import sha256_file
from atlas.errors import IntegrityError, UnavailableError
from atlas.index import web
from atlas.index.releases import ReleaseFile
from atlas.index.web import Web, unreachable
from atlas.progress import meter
from atlas.source.ranges import CHUNK, IDENTITY
from atlas.source.store import Store

MAX_ARCHIVE = 16 * 1024**3


class _Download:
    """What has arrived so far."""

    def __init__(self, file: ReleaseFile, out: IO[bytes], store: Store) -> None:
        self.file = file
        self.out = out
        self.store = store
        self.advance = meter(f"fetching {file.filename}")
        self.restart()

    def restart(self) -> None:
        self.out.seek(0)
        self.out.truncate()
        self.received = 0
        self.hash = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.received > (self.file.size or MAX_ARCHIVE):
            raise IntegrityError("the server sends more bytes than the file has", where=self.file.filename)
        self.hash.update(chunk)
        try:
            self.out.write(chunk)
        except OSError as error:
            raise self.store.unusable(error) from error
        self.advance(self.received, self.file.size or 0)

    def complete(self) -> bool:
        return self.file.size is None or self.received == self.file.size


def download(session: Web, file: ReleaseFile, out: IO[bytes], store: Store) -> str:
    """Fetch a release file into `out`; its sha256, equal to the one promised where one is."""
    state = _Download(file, out, store)
    failures = 0
    while True:
        before = state.received
        error: Exception | None = None
        try:
            _receive(session, state)
            if state.complete():
                break
        except requests.RequestException as caught:
            raise unreachable(file.url, caught) from caught
        except (urllib3.exceptions.HTTPError, OSError) as caught:
            error = caught
        failures = failures + 1 if state.received <= before else 1
        if failures >= web.ATTEMPTS:
            if error is not None:
                raise unreachable(file.url, error) from error
            raise UnavailableError(
                f"{web.host(file.url)} sent {state.received} of {file.size} bytes of {file.filename}",
                hint=web.HINT,
            )
        time.sleep(web.BACKOFF_S * 2**failures)
    try:
        out.flush()
    except OSError as full:
        raise store.unusable(full) from full
    return check_digest(file, state.hash.hexdigest())


def local_digest(file: ReleaseFile) -> str:
    """sha256 of a file of a local place, equal to the one its page promises where one does."""
    assert file.local is not None
    try:
        return check_digest(file, sha256_file(file.local).removeprefix("sha256:"))
    except OSError as error:
        raise UnavailableError(
            f"{file.filename} of a local index or find-links folder cannot be read: {error.strerror}",
            hint="correct the folder, or take it out of the index settings",
        ) from error


def check_digest(file: ReleaseFile, sha256: str) -> str:
    if file.sha256 not in (None, sha256):
        raise IntegrityError(
            f"its sha256 is {sha256}, but the index promises {file.sha256}",
            where=file.filename,
            hint="the file or the index is corrupted: do not use it; try another index",
        )
    return sha256


def _receive(session: Web, state: _Download) -> None:
    headers = dict(IDENTITY)
    if state.received:
        headers["Range"] = f"bytes={state.received}-"
    with session.get(state.file.url, headers=headers, stream=True) as answer:
        if answer.status_code == 416:
            state.restart()
            return
        answer.raise_for_status()
        resumes = f"bytes {state.received}-"
        if answer.status_code != 206 or not answer.headers.get("Content-Range", "").startswith(resumes):
            state.restart()
            if answer.status_code == 206:
                return
        encoded = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
        while chunk := answer.raw.read(CHUNK, decode_content=encoded):
            session.count(len(chunk))
            state.add(chunk)
