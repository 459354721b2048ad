"""Answers about many configurations, from processes that are forked where the engine is loaded.

The first process loads the engine. For each target that is asked for it forks one that makes what the target
needs and tries it with nothing set; that one forks a worker for each connection; and a worker forks a child
for each chunk of configurations. So nothing that one chunk or one target does is seen by another, and a
child that hangs or dies costs the one configuration that it was at: the next child goes on after it.

Connections are sockets, sent along with a message over the connection of the process that is asked, so that
what an engine prints gets into none of them. Messages are JSON, one a line. Each process says first
`{"process": …}`, and then

- the first: `{"missing": {target: reason}, "members": {module: [name, …]}}`, the latter for each of the
  request's `modules`; it takes `{"target", "variant", "baseline", "modules"}`, the latter to be imported
  before anything is forked, so that no child has to
- a target: `{"unset": {field: value}}` or `{"failed": reason}`; it takes `{}`
- a worker takes `{"chunk", "configs": […]}` and answers `{"chunk", "index", "outcome", …}` for each, with
  `modules` of the engine's that were imported on the way
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .capture import Capture
from .changes import flat
from .chunk import Worker, send
from .frames import Frames
from .names import load
from .outcomes import Subject
from .probe import Probe

MESSAGE_BYTES = 65536


def serve(request: dict[str, Any], descriptor: int) -> None:
    """Load the engine, and serve until the other side is gone."""
    control = socket.socket(fileno=descriptor)
    # Programs that the engine starts must not hold the connection open.
    control.set_inheritable(False)
    send(control, {"process": os.getpid()})
    # Whatever the engine does not silence itself is told, each time.
    warnings.resetwarnings()
    warnings.simplefilter("always")
    probe = Probe(request)
    missing = {}
    for number, spec in enumerate(request["targets"]):
        found = probe.attempt("not_loaded", spec["cls"], load, spec["cls"])
        if found is None:
            missing[number] = probe.limitations[-1]["reason"]
        elif isinstance(found, type):
            probe.roots.add(found)
    frames = Frames(probe.packages)
    capture = Capture(probe, frames)
    _keep_all()
    send(control, {"missing": missing, "members": _members(probe)})
    _fork_for_each(control, functools.partial(_target, probe, frames, capture))


def _members(probe: Probe) -> dict[str, list[str]]:
    """The names of all that is in each of the modules that are asked about."""
    every = {name: probe.attempt("not_loaded", name, load, name) for name in probe.request.get("modules", ())}
    return {name: sorted(dir(module)) for name, module in every.items() if module is not None}


def _target(
    probe: Probe, frames: Frames, capture: Capture, message: dict[str, Any], control: socket.socket
) -> None:
    """Make what a target needs, and fork a worker for each connection."""
    request = probe.request
    for name in message["modules"]:
        probe.attempt("not_loaded", name, importlib.import_module, name)
    try:
        spec = request["targets"][message["target"]]
        subject = Subject(probe, frames, capture, spec, message["variant"])
    except (Exception, SystemExit) as error:
        send(control, {"failed": probe.explain(error)})
        return
    subject.warm_up(request["start_s"], message["baseline"])
    _keep_all()
    send(control, {"unset": flat(subject.unset, subject.varying)})
    _fork_for_each(control, functools.partial(_worker, probe, subject))


def _keep_all() -> None:
    """What is there now is never collected, so that collections in later processes copy no memory."""
    gc.collect()
    gc.freeze()


def _worker(probe: Probe, subject: Subject, _: dict[str, Any], connection: socket.socket) -> None:
    limits = (subject.limits[name] or probe.request[name] for name in ("limit_s", "memory_bytes"))
    Worker(subject, connection, *limits).run()


def _fork_for_each(control: socket.socket, run: Callable[[dict[str, Any], socket.socket], None]) -> None:
    """For each connection that comes, a process of its own that has this one only."""
    children: set[int] = set()
    for message, connection in _connections(control):
        # Those that have ended are let go.
        children -= {child for child in children if os.waitpid(child, os.WNOHANG)[0]}
        child = os.fork()
        if child:
            children.add(child)
            connection.close()
            continue
        control.close()
        status = 1
        try:
            send(connection, {"process": os.getpid()})
            run(message, connection)
            status = 0
        except BrokenPipeError:
            pass  # The other side wants no more.
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(status)


def _connections(control: socket.socket) -> Iterator[tuple[dict[str, Any], socket.socket]]:
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 1)
        if not text:
            return
        while not text.endswith(b"\n"):
            more = control.recv(MESSAGE_BYTES)
            if not more:
                return
            text += more
        yield json.loads(text), socket.socket(fileno=descriptors[0])
