"""Runs inside a container, as the parent of the engine's process; standard library only, Python 3.9 or newer.

usage: python inside.py SOCKET

Over the socket it gets one line of JSON {"command", "env", "cwd", "descriptors", "user"} with as many
descriptors: the first is where the command prints to, the others get the numbers in `descriptors`. It says
{"status": N} when the command has ended, or {"failed": reason}. {"kill": N} ends one process. When the other
side is gone, so is all that is in here: nothing outlives what has started it, however that ended.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, Callable, Dict, Tuple

# Of a container's own variables, those that say what started it, and not what the image is.
FOREIGN = ("APPTAINER", "SINGULARITY")
OWN: Tuple[str, ...] = (
    "HOME",
    "HOSTNAME",
    "LANG",
    "LANGUAGE",
    "OLDPWD",
    "PROMPT_COMMAND",
    "PS1",
    "PWD",
    "SHLVL",
    "TERM",
    "USER",
)
OWN += ("USER_PATH", "_", "container", "LOGNAME", "NV_LIBS")
HIGH = 500
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4


def main(path: str) -> int:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.connect(path)
    text, received, _, _ = socket.recv_fds(control, 1 << 16, 64)
    while not text.endswith(b"\n"):
        more = control.recv(1 << 16)
        if not more:
            return 1
        text += more
    order: Dict[str, Any] = json.loads(text)
    # Out of the way of the numbers that were asked for.
    control = socket.socket(fileno=high(control.detach()))
    output, *others = [high(one) for one in received]
    for place, wanted in enumerate(order["descriptors"]):
        os.dup2(others[place], wanted)
        os.close(others[place])
    try:
        child = start(order, output)
    except OSError as error:
        say(control, {"failed": str(error)})
        return 1
    for number in [output, *order["descriptors"]]:
        os.close(number)
    threading.Thread(target=listen, args=(control, child), daemon=True).start()
    status = child.wait()
    say(control, {"status": status})
    return status if status >= 0 else 128 - status


def start(order: Dict[str, Any], output: int) -> "subprocess.Popen[bytes]":
    """The command, with the image's variables and those that are ordered; never with the rights of root."""
    env = {name: os.environ[name] for name in os.environ if name not in OWN and not name.startswith(FOREIGN)}
    who: Dict[str, Any] = {}
    if os.getuid() == 0:
        user = order["user"]
        who = {"user": user, "group": user, "extra_groups": [], "preexec_fn": renouncing()}
    return subprocess.Popen(
        order["command"],
        env={**env, **order["env"]},
        cwd=order["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=order["descriptors"],
        **who,
    )


def renouncing() -> Callable[[], None]:
    """What no longer being root leaves to be done: no program may keep, or get back, any of its rights."""
    import ctypes

    libc = ctypes.CDLL(None)

    def renounce() -> None:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    return renounce


def high(descriptor: int) -> int:
    """The same under a number that nobody asks for, and that no program inherits."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(descriptor)
    return moved


def say(control: socket.socket, message: Dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        control.sendall(json.dumps(message).encode() + b"\n")


def listen(control: socket.socket, child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):
        for line in control.makefile("rb"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(json.loads(line)["kill"], signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    # With this process the container ends, and all that is in it.
    os._exit(1)


if __name__ == "__main__":
    os._exit(main(sys.argv[1]))
