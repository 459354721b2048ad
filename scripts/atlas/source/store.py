"""File contents by their sha256, shared by all versions, engines and jobs of a user."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from atlas.errors import UnavailableError
from atlas.paths import cache_dir
from atlas.progress import say

PATIENCE_S = 2
STALE_S = 24 * 3600
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Store:
    """`<cache>/cas/sha256/ab/<hash>` and, beside it, what is known about archives by their digest.

    Writes are a rename of a complete file, so jobs may share it and may be killed. There is no fsync:
    a content is hashed whenever it is read, and one that a power cut damaged is fetched again.
    """

    root: Path

    @classmethod
    def default(cls) -> Store:
        return cls(cache_dir())

    def path(self, sha256: str) -> Path:
        return Path(f"{self.root}/cas/sha256/{sha256[:2]}/{sha256}")

    def get(self, sha256: str) -> bytes | None:
        """The content; None when it is absent or, then also removed, damaged."""
        path = self.path(sha256)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.unusable(error) from error
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def put(self, content: bytes) -> str:
        """Keep a content, which the caller has verified; its sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if not path.exists():
            self._write(path, content)
        return sha256

    def load_note(self, kind: str, key: str) -> bytes | None:
        """What was noted about an archive; None when absent or damaged."""
        try:
            with self._note(kind, key).open("rb") as file:
                head = file.readline()
                body = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.unusable(error) from error
        return body if head == _seal(body) else None

    def save_note(self, kind: str, key: str, body: bytes) -> None:
        self._write(self._note(kind, key), _seal(body) + body)

    @contextmanager
    def exclusive(self, key: str) -> Iterator[None]:
        """One job at a time fetches an archive; the others then find its files here."""
        lock = FileLock(self._folder("locks") / f"{key}.lock")
        try:
            try:
                lock.acquire(timeout=PATIENCE_S)
            except Timeout:
                say("waiting for another job that fetches the same archive")
                lock.acquire()
        except OSError as error:
            raise self.unusable(error) from error
        try:
            yield
        finally:
            lock.release()

    def scratch(self) -> IO[bytes]:
        """A file for a whole archive, which the system removes even if this process is killed."""
        folder = self._folder("tmp")
        self._sweep(folder)
        try:
            return tempfile.TemporaryFile(dir=folder)
        except OSError as error:
            raise self.unusable(error) from error

    def _note(self, kind: str, key: str) -> Path:
        return self.root / kind / key[:2] / key

    def _write(self, path: Path, content: bytes) -> None:
        temporary = Path(f"{self.root}/tmp/{os.getpid()}-{threading.get_ident()}-{path.name}")
        try:
            try:
                temporary.write_bytes(content)
            except FileNotFoundError:
                self._folder("tmp")
                temporary.write_bytes(content)
            try:
                temporary.replace(path)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if isinstance(error, OSError):
                raise self.unusable(error) from error
            raise

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unusable(error) from error
        return folder

    def _sweep(self, folder: Path) -> None:
        """Remove what killed jobs left."""
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_S:
                    path.unlink()

    def unusable(self, error: OSError) -> UnavailableError:
        """What a user is told when the cache cannot be read or written."""
        if error.errno in FULL:
            return UnavailableError(
                f"no space left for the cache in {self.root}",
                hint="free some space (the cache may be deleted), or set ATLAS_CACHE to another folder",
            )
        return UnavailableError(
            f"the cache folder {self.root} cannot be used: {error.strerror or error}",
            hint="set ATLAS_CACHE to a folder that can be written",
        )


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n"
