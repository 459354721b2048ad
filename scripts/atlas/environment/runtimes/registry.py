"""What a name in a registry stands for now: digests of its index, and of platforms' manifests and configs.

The only part that asks a registry about names; all that comes after goes by digest. What is answered is
checked against its digest. Accounts are those of Docker's configuration and its credential helpers.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import docker.auth
import docker.errors
import requests

from atlas.environment.runtimes.model import repository
from atlas.errors import InputError, IntegrityError, UnavailableError

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
PLATFORMS = ("linux/amd64", "linux/arm64")
HUB, HUB_HOST = "docker.io", "registry-1.docker.io"
HUB_ACCOUNT = "https://index.docker.io/v1/"
PART = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
LOOPBACK = re.compile(r"^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$")
MOST_BYTES = 8 << 20
"""Of a manifest, index or config."""
TRIES = 4
PAUSE_S, LONGEST_S = 2.0, 60.0
KNOWN = (
    r"Connection refused|Name or service not known|reset by peer|ended after \d+ of \d+ bytes|IncompleteRead"
)
LIMITS_S = (15, 60)
"""To connect, and between two parts of an answer."""


@dataclass(frozen=True)
class Name:
    """A reference in full: `python` is docker.io/library/python:latest."""

    host: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Name:
        """InputError where it is no name, or one with a digest already."""
        if "@" in text:
            raise InputError(f"{text} has a digest already", hint="give a name with a tag")
        first, _, rest = text.partition("/")
        known = rest and ("." in first or ":" in first or first == "localhost")
        host, path = (first, rest) if known else (HUB, text)
        last = path.rpartition("/")[2]
        tag = last.partition(":")[2] or "latest"
        path = repository(path)
        if host == HUB and "/" not in path:
            path = f"library/{path}"
        good = re.fullmatch(f"{PART}(/{PART})*", path) and re.fullmatch(r"\w[\w.-]{0,127}", tag)
        if not good:
            raise InputError(f"{text} is not the name of an image")
        return cls(host, path, tag)

    @property
    def url(self) -> str:
        scheme = "http" if LOOPBACK.match(self.host) else "https"
        return f"{scheme}://{HUB_HOST if self.host == HUB else self.host}/v2/{self.repository}"


@dataclass
class Client:
    """Asks one registry; `sleep` is how pauses are made."""

    name: Name
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=requests.Session)
    _authorization: str | None = None

    def document(self, kind: str, reference: str) -> tuple[dict[str, Any], str]:
        """A manifest, index or config as JSON, and its digest, which it was checked against if it is one."""
        body = self._get(f"{self.name.url}/{kind}/{reference}")
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if reference.startswith("sha256:") and digest != reference:
            raise IntegrityError(
                f"it answers {digest[:19]}… when it is asked for {reference[:19]}…",
                where=self._shown,
                hint="do not use this registry: it, or something before it, changes what it serves",
            )
        try:
            found = json.loads(body)
            assert isinstance(found, dict)
        except (ValueError, AssertionError):
            raise UnavailableError(
                "its answer is no JSON: something else than a registry answers",
                where=self._shown,
                hint="look for a proxy, or a page to sign in, between this machine and it",
            ) from None
        return found, digest

    @property
    def _shown(self) -> str:
        return f"{self.name.host}/{self.name.repository}:{self.name.tag}"

    def _get(self, url: str) -> bytes:
        said = ""
        for attempt in range(TRIES):
            pause = PAUSE_S * 2**attempt
            try:
                answer = self._ask(url)
                if answer.status_code == 200:
                    return self._body(answer)
                if answer.status_code not in (408, 425, 429) and answer.status_code < 500:
                    raise self._refused(answer)
                said = f"{answer.status_code} {answer.reason}"
                after = answer.headers.get("Retry-After", "")
                pause = min(float(after), LONGEST_S) if after.isdigit() else pause
            except requests.exceptions.RequestException as error:
                said = _reason(error)
            if attempt < TRIES - 1:
                self.sleep(pause)
        limited = "429" in said
        raise UnavailableError(
            f"the registry does not answer ({TRIES} tries): {said}",
            where=self._shown,
            hint="it limits how often it may be asked: log in with `docker login`, or wait"
            if limited
            else "check the network, and try again",
        )

    def _ask(self, url: str) -> requests.Response:
        answer = self._once(url)
        if answer.status_code == 401 and self._authorization is None:
            self._authorization = self._authorize(answer.headers.get("WWW-Authenticate", ""))
            if self._authorization:
                answer = self._once(url)
        return answer

    def _once(self, url: str) -> requests.Response:
        headers = {"Accept": ", ".join((*INDEXES, *MANIFESTS, "application/json;q=0.5, */*;q=0.1"))}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return self.session.get(url, headers=headers, timeout=LIMITS_S, stream=True)

    def _body(self, answer: requests.Response) -> bytes:
        body = bytearray()
        for block in answer.iter_content(65536):
            body += block
            if len(body) > MOST_BYTES:
                raise UnavailableError("its answer is larger than any manifest", where=self._shown)
        told = answer.headers.get("Content-Length")
        if told and told.isdigit() and int(told) != len(body) and not answer.headers.get("Content-Encoding"):
            raise requests.exceptions.ConnectionError(f"the answer ended after {len(body)} of {told} bytes")
        return bytes(body)

    def _authorize(self, challenge: str) -> str:
        """An Authorization header for what the registry asks for; empty where there is no account for it."""
        account = account_of(self.name.host)
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return requests.auth._basic_auth_str(*account) if account else ""
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme.lower() != "bearer" or not fields.get("realm", "").startswith(("http://", "https://")):
            return ""
        query = {"service": fields.get("service", ""), "scope": f"repository:{self.name.repository}:pull"}
        answer = self.session.get(fields["realm"], params=query, auth=account, timeout=LIMITS_S)
        if answer.status_code != 200:
            return ""
        try:
            token = answer.json()
            return f"Bearer {token.get('token') or token['access_token']}"
        except (ValueError, KeyError, AttributeError):
            return ""

    def _refused(self, answer: requests.Response) -> UnavailableError:
        if answer.status_code in (401, 403):
            return UnavailableError(
                f"the registry refuses ({answer.status_code})",
                where=self._shown,
                hint=f"log in with `docker login --password-stdin {self.name.host}`",
            )
        if answer.status_code == 404:
            return UnavailableError(
                "the registry has no such image", where=self._shown, hint="check its name and tag"
            )
        return UnavailableError(f"the registry answers {answer.status_code}", where=self._shown)


def resolve(text: str, *, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """An entry of the lock for a name: `index`, and of each platform `manifest`, `config` and `bytes`."""
    name = Name.parse(text)
    client = Client(name, sleep)
    document, digest = client.document("manifests", name.tag)
    platforms: dict[str, dict[str, Any]] = {}
    if document.get("mediaType") in INDEXES or "manifests" in document:
        for entry in document["manifests"]:
            platform = entry.get("platform") or {}
            shown = f"{platform.get('os')}/{platform.get('architecture')}"
            if shown in PLATFORMS and shown not in platforms:
                manifest, known = client.document("manifests", entry["digest"])
                platforms[shown] = _entry(known, manifest, text)
    else:
        image, _ = client.document("blobs", _config(document, text))
        shown = f"{image.get('os')}/{image.get('architecture')}"
        platforms[shown] = _entry(digest, document, text)
    if not platforms:
        raise InputError(f"{text} has no image for {' or '.join(PLATFORMS)}")
    return {"index": digest, "platforms": dict(sorted(platforms.items()))}


def _entry(digest: str, manifest: dict[str, Any], text: str) -> dict[str, Any]:
    """What is kept of a platform's manifest; `bytes` is what there is to fetch, if it says that."""
    found: dict[str, Any] = {"manifest": digest, "config": _config(manifest, text)}
    sizes = [part.get("size") for part in (manifest["config"], *manifest.get("layers", []))]
    return {**found, "bytes": sum(sizes)} if all(isinstance(size, int) for size in sizes) else found


def _config(manifest: dict[str, Any], text: str) -> str:
    try:
        digest = str(manifest["config"]["digest"])
    except (KeyError, TypeError):
        digest = ""
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise InputError(f"{text} is in a form that is too old, or no image", hint="push it again")
    return digest


def account_of(host: str) -> tuple[str, str] | None:
    """Name and password (or token) that Docker knows for a registry, its credential helpers asked."""
    try:
        found = docker.auth.load_config().resolve_authconfig(HUB_ACCOUNT if host == HUB else host)
    except docker.errors.DockerException as error:
        raise UnavailableError(
            f"Docker's credential helper fails: {str(error)[:200]}",
            where=host,
            hint="see `credsStore` and `credHelpers` in Docker's config.json",
        ) from error
    if not found:
        return None
    name, secret = (
        found.get("Username") or found.get("username"),
        found.get("Password") or found.get("password"),
    )
    return (str(name), str(secret)) if name and secret else None


def _reason(error: requests.exceptions.RequestException) -> str:
    """In few words, without addresses that may hold credentials."""
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    found = re.search(KNOWN, str(error))
    return found[0] if found else type(error).__name__
