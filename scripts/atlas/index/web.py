"""Requests to an index: retried within bounds, counted, and with credentials for their own host only."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from os.path import commonpath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import get_netrc_auth
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from atlas.cost import Cost
from atlas.errors import AtlasError, UnavailableError
from atlas.index.settings import IndexSettings, redact, strip_credentials

CONNECT_S, READ_S = 15, 60
ATTEMPTS = 5
CONNECT_ATTEMPTS = 3
BACKOFF_S = 0.5
RETRY_AFTER_MAX_S = 30
CONNECTIONS = 8
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
HINT = "check the network and the index settings (UV_DEFAULT_INDEX, PIP_INDEX_URL, pip.conf, certificates)"

Origin = tuple[str, str | None, int | None]


class _BoundedRetry(Retry):
    """A server may ask for any pause; it gets at most RETRY_AFTER_MAX_S."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, RETRY_AFTER_MAX_S)


class _HostAuth(AuthBase):
    """Basic credentials for the origins they were given for; else the user's netrc.

    Of several indexes on one origin, the one whose URL has most in common with the request's counts.
    """

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = request.url or ""
        known = [index for index in self.credentials if origin(index) == origin(url)]
        nearest = max(known, key=lambda index: len(commonpath([index, url])), default="")
        userinfo = self.credentials.get(nearest)
        if userinfo is not None:
            user, _, password = userinfo.partition(":")
            HTTPBasicAuth(unquote(user), unquote(password))(request)
        elif (netrc := get_netrc_auth(url)) is not None:
            HTTPBasicAuth(*netrc)(request)
        return request


class Web(requests.Session):
    """A session for one set of index settings, whose traffic is added to a cost record."""

    def __init__(self, settings: IndexSettings, cost: Cost) -> None:
        super().__init__()
        self.settings = settings
        self.cost = cost
        self._counting = threading.Lock()
        self.headers["User-Agent"] = "engine-atlas"
        self.auth = _HostAuth(_credentials(settings))
        retry = _BoundedRetry(
            total=ATTEMPTS,
            connect=CONNECT_ATTEMPTS,
            backoff_factor=BACKOFF_S,
            backoff_max=RETRY_AFTER_MAX_S,
            status_forcelist=TRANSIENT,
            raise_on_status=False,
        )
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=retry))

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Keep our certificates: requests lets REQUESTS_CA_BUNDLE win over the session's."""
        if kwargs.get("verify") is None:
            kwargs["verify"] = self.settings.cert
        return super().request(*args, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_S, READ_S)
        response = super().send(request, **kwargs)
        retries = getattr(response.raw, "retries", None)
        with self._counting:
            self.cost.requests += 1 + (len(retries.history) if retries else 0)
            if not kwargs.get("stream"):
                self.cost.bytes += len(response.content)
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if (
            target
            and urlsplit(resp.url).scheme == "https"
            and urlsplit(urljoin(resp.url, target)).scheme != "https"
        ):
            raise UnavailableError(
                f"{host(resp.url)} redirects from https to an unprotected place", hint=HINT
            )
        return target

    def count(self, received: int) -> None:
        """Add the body bytes of a streamed response."""
        with self._counting:
            self.cost.bytes += received


def origin(url: str) -> Origin:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def host(url: str) -> str:
    """The part of a URL that a message may show."""
    return urlsplit(strip_credentials(url)[0]).netloc or "the local index"


def unreachable(url: str, error: Exception) -> AtlasError:
    """What a user is told when a request failed for good."""
    if isinstance(error, AtlasError):
        return error
    if isinstance(error, requests.HTTPError) and error.response is not None:
        what = f"answered {error.response.status_code} {error.response.reason or ''}".rstrip()
        if error.response.status_code in (401, 403):
            return UnavailableError(
                f"{host(url)} {what}", hint="give this index's credentials in its URL or in ~/.netrc"
            )
        return UnavailableError(f"{host(url)} {what}", hint=HINT)
    if isinstance(error, requests.exceptions.SSLError):
        why = "its certificate is not trusted"
    elif isinstance(error, requests.Timeout):
        why = "no answer in time"
    elif isinstance(error, requests.ConnectionError):
        why = "no connection"
    else:
        why = redact(str(error)).splitlines()[0] if str(error) else type(error).__name__
    return UnavailableError(f"{host(url)} cannot be read: {why}", hint=HINT)


def _credentials(settings: IndexSettings) -> dict[str, str]:
    """`user:password` by the URL it was written in."""
    urls = [settings.index or "", *settings.extra, *settings.find_links]
    pairs = [strip_credentials(url) for url in urls if "://" in url]
    return {bare: userinfo for bare, userinfo in pairs if userinfo is not None}
