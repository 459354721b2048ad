"""Packages of Debian on a machine of CI, which is thrown away afterwards; elsewhere nothing is installed."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from services import Missing

POLICY = Path("/usr/sbin/policy-rc.d")
LIMIT_S = 240


@functools.cache
def install(*packages: str) -> None:
    """Install them where CI is set, and root may. Missing where apt says no."""
    if not os.environ.get("CI") or os.getuid() != 0 or shutil.which("apt-get") is None:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"]
    try:
        with _no_services():
            for words in (["update"], ["install", "--no-install-recommends", *packages]):
                subprocess.run(
                    ["apt-get", *options, *words], env=env, check=True, capture_output=True, timeout=LIMIT_S
                )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace")
        raise Missing(f"{' '.join(packages)} cannot be installed: {said[-300:] or error}") from error


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Packages would start what they bring, on ports and in folders of the machine's."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
