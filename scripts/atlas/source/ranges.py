"""Parts of a remote file: coalesced closed ranges, strictly checked, over a few connections."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import requests
import urllib3

from atlas.index import web
from atlas.index.web import Web, unreachable

GAP = 64 * 1024
"""Unwanted bytes that cost less than a request."""
LONGEST = 8 * 1024 * 1024
CHUNK = 256 * 1024
IDENTITY = {"Accept-Encoding": "identity"}

Span = tuple[int, int]
"""Offsets of the first byte and of the byte after the last."""


class Missing(Exception):
    """A read of bytes that were not fetched yet."""

    def __init__(self, span: Span) -> None:
        super().__init__(f"bytes {span[0]} to {span[1]} are not here")
        self.span = span


class RangesRefused(Exception):
    """The server does not serve byte ranges as asked; the file has to be fetched whole."""


def coalesce(spans: Iterable[Span], gap: int = GAP, longest: int = LONGEST) -> list[Span]:
    """Fewer spans that cover the given ones; none of these is split, so one may exceed `longest`."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged:
            first, last = merged[-1]
            if start < last or (start - last <= gap and max(end, last) - first <= longest):
                merged[-1] = (first, max(end, last))
                continue
        merged.append((start, end))
    return merged


class SparseFile(io.RawIOBase):
    """A file of known size of which some parts are in memory; reading others raises Missing."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.chunks: dict[int, bytes] = {}
        self._at = 0

    def add(self, start: int, content: bytes) -> None:
        self.chunks[start] = content

    def drop(self, start: int) -> None:
        del self.chunks[start]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("seek before the start of the file")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = self.size if size is None or size < 0 else min(self._at + size, self.size)
        parts = []
        while self._at < end:
            start = next((s for s, held in self.chunks.items() if s <= self._at < s + len(held)), None)
            if start is None:
                raise Missing((self._at, min([end, *(s for s in self.chunks if s > self._at)])))
            part = self.chunks[start][self._at - start : end - start]
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)


class Remote:
    """A file on a server that honours closed ranges (RangesRefused where it does not)."""

    def __init__(self, web: Web, url: str, size: int | None) -> None:
        self.web = web
        self.url = url
        self.size = size if size is not None else self._measure()

    def fetch(self, span: Span) -> bytes:
        """Exactly these bytes; a stream that is cut goes on where it stopped."""
        content = bytearray()
        failures = 0
        while True:
            before = len(content)
            try:
                self._extend(content, (span[0] + before, span[1]))
                error: Exception | None = None
            except requests.RequestException as caught:
                raise unreachable(self.url, caught) from caught
            except (urllib3.exceptions.HTTPError, OSError) as caught:
                error = caught
            if len(content) == span[1] - span[0]:
                return bytes(content)
            failures += 1
            if failures >= web.ATTEMPTS:
                if error is None:
                    raise RangesRefused("its answers are shorter than asked")
                raise unreachable(self.url, error) from error
            if len(content) == before:
                time.sleep(web.BACKOFF_S * 2**failures)

    def stream(self, spans: Iterable[Span]) -> Iterator[tuple[Span, bytes]]:
        """All spans, each as soon as it is here; at most a few are in flight or in memory."""
        waiting = list(spans)[::-1]
        with ThreadPoolExecutor(max_workers=web.CONNECTIONS) as pool:
            running: dict[Future[bytes], Span] = {}
            try:
                while waiting or running:
                    while waiting and len(running) < web.CONNECTIONS:
                        span = waiting.pop()
                        running[pool.submit(self.fetch, span)] = span
                    done = next(as_completed(running))
                    yield running.pop(done), done.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _extend(self, content: bytearray, span: Span) -> None:
        """Append what one request for `span` yields."""
        headers = {**IDENTITY, "Range": f"bytes={span[0]}-{span[1] - 1}"}
        with self.web.get(self.url, headers=headers, stream=True) as answer:
            if answer.status_code in (200, 416):
                raise RangesRefused(f"it answered {answer.status_code} to a byte range")
            answer.raise_for_status()
            start, end, total = _content_range(answer)
            if start != span[0] or not start < end <= span[1] or total not in (None, self.size):
                raise RangesRefused("it sent other bytes than the range asked for")
            while chunk := answer.raw.read(min(CHUNK, end - start) or 1, decode_content=False):
                self.web.count(len(chunk))
                content.extend(chunk)
                start += len(chunk)
                if start > end:
                    raise RangesRefused("it sent more bytes than it announced")

    def _measure(self) -> int:
        """The size, from the total in an answer about the first byte."""
        try:
            with self.web.get(self.url, headers={**IDENTITY, "Range": "bytes=0-0"}, stream=True) as answer:
                if answer.status_code in (200, 416):
                    raise RangesRefused(f"it answered {answer.status_code} to a byte range")
                answer.raise_for_status()
                total = _content_range(answer)[2]
        except (requests.RequestException, OSError) as error:
            raise unreachable(self.url, error) from error
        if total is None:
            raise RangesRefused("it does not tell the file's size")
        return total


def _content_range(answer: requests.Response) -> tuple[int, int, int | None]:
    """First byte, byte after the last, and total size that a 206 states."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if answer.status_code != 206 or match is None or encoding != "identity":
        raise RangesRefused("its answer to a byte range is not a plain 206 with Content-Range")
    return int(match[1]), int(match[2]) + 1, None if match[3] == "*" else int(match[3])
