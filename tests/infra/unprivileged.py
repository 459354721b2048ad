"""Commands as a user without rights, who sees a few closed folders of root's: in mounts of their own."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from services import Missing, need

USER = 65534
"""Nobody: Apptainer wants a user that has a name."""


def unprivileged(command: Sequence[str | Path], shown: Sequence[Path], scratch: Path) -> list[str]:
    """The command of root's that runs `command` as a user to whom the folders `shown` are open.

    `scratch` is a folder of that user's own, and the home. Missing says why this machine cannot do that.
    """
    need("unshare", "setpriv", root=True)
    as_user = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--inh-caps=-all"]
    if subprocess.run([*as_user, "unshare", "--user", "true"], capture_output=True, check=False).returncode:
        raise Missing("users may make no namespaces here")
    os.chown(scratch, USER, USER)
    lines = ["umask 022"]
    for number, closed in enumerate(sorted({one for path in [*shown, scratch] for one in _closed(path)})):
        new = f"{scratch.parent}/open-{number}"
        lines += [f"mkdir -p {shlex.quote(new)}", f"mount -t tmpfs -o mode=755 none {shlex.quote(new)}"]
        for path in [*shown, scratch]:
            if path.is_relative_to(closed):
                place = shlex.quote(f"{new}/{path.relative_to(closed)}")
                lines += [f"mkdir -p {place}", f"mount --rbind {shlex.quote(str(path))} {place}"]
        lines += [f"mount --rbind {shlex.quote(new)} {shlex.quote(str(closed))}"]
    if not Path("/var/lib/apptainer").exists():  # where an Apptainer that is installed has it
        lines += ["mount -t tmpfs -o mode=755 none /var/lib", "mkdir -p /var/lib/apptainer/mnt/session"]
    words = [*as_user, "env", f"HOME={scratch}", f"TMPDIR={scratch}", *map(str, command)]
    lines.append(f"exec {shlex.join(words)}")
    unshare = shutil.which("unshare") or "unshare"
    return [unshare, "--mount", "--propagation", "private", "sh", "-ec", "\n".join(lines)]


def _closed(path: Path) -> list[Path]:
    """The topmost folder above a path that only its owner gets through."""
    found = [one for one in path.parents if not one.stat().st_mode & stat.S_IXOTH]
    return found[-1:]
