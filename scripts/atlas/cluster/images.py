"""Images on a cluster: made once per digest on the shared file system, and put into each node's own store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.cluster.launchers import Allocation
from atlas.environment.lane import VENV, runtime_name
from atlas.environment.runtimes import build
from atlas.environment.runtimes.commands import image_cells
from atlas.environment.runtimes.engine_api import EngineApi
from atlas.environment.runtimes.lane import ImageLane, lane
from atlas.environment.runtimes.model import Reference
from atlas.environment.runtimes.said import heard, told
from atlas.errors import AtlasError, UnavailableError
from atlas.progress import say

ATONCE = 64


@dataclass(frozen=True)
class Had:
    """An image that is there: on the shared file system (`node` is None), or in a node's own store."""

    engine: str
    version: str
    digest: str
    seconds: float
    node: str | None = None
    error: str | None = None
    pushed: str | None = None


def lanes(root: Path, engine: str | None, version: str | None) -> list[ImageLane]:
    """The images of cells, and what runs them. UnavailableError where no container runtime is set."""
    name = runtime_name(root)
    if name == VENV:
        what = "engines are run in virtual environments, so there are no images"
        raise UnavailableError(what, hint="set `runtime` in config/config.yaml (docs/environments.md)")
    found = [lane(cell, name) for cell, _ in image_cells(root, engine, version)]
    return [one for one in found if one is not None]


def on_shared(one: ImageLane, registry: str | None) -> Had:
    """Have an image as a file for all nodes, made by whoever comes first; others wait for that one.

    With a registry, one that the project builds is pushed there, too.
    """
    begin = time.monotonic()
    pushed = None
    if one.spec.kind == "dockerfile":
        build.built(one.cell, one.spec)
    if not has_own_store(one):
        one.by.prepare(one.reference)
    elif registry and one.spec.kind == "dockerfile":
        pushed = push(one, registry)
    cell, seconds = one.cell, round(time.monotonic() - begin, 3)
    return Had(cell.engine, cell.version, one.reference.digest, seconds, pushed=pushed)


def has_own_store(one: ImageLane) -> bool:
    """Whether each node keeps images by itself: engines do, and files are where all see them."""
    return isinstance(one.by, EngineApi)


def push(one: ImageLane, registry: str) -> str:
    """Push an image, and return what it is pulled by: name and digest."""
    engine = one.by
    assert isinstance(engine, EngineApi)
    image = engine.prepare(one.reference)
    name, tag = f"{registry.rstrip('/')}/{one.reference.name}", one.reference.digest[7:23]
    say(f"pushing {name}:{tag}")
    with heard(f"{name} cannot be pushed", engine.address):
        engine.client.images.get(image).tag(name, tag)
        digest = None
        for event in engine.client.api.push(name, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise told(f"{name} cannot be pushed", str(event["error"]))
            digest = (event.get("aux") or {}).get("Digest") or digest
    if digest is None:
        raise UnavailableError(f"the registry did not say what {name}:{tag} is", hint="push it again")
    return f"{name}@{digest}"


def here(one: ImageLane, pushed: str | None, node: str) -> Had:
    """Have an image in the store of this node, from the registry that it was pushed to, or as it is named.

    Nodes do not wait for each other: the lock of such a store is not among what they share.
    """
    begin = time.monotonic()
    reference = one.reference
    shared = os.environ.get("ATLAS_CACHE")
    error = None
    with tempfile.TemporaryDirectory(prefix="atlas-images-") as own:
        os.environ["ATLAS_CACHE"] = own
        try:
            if pushed and not one.by.present(reference):
                name, _, digest = pushed.partition("@")
                one.by.prepare(Reference(name, digest))
            one.by.prepare(reference)
        except AtlasError as caught:
            error = str(caught)
        finally:
            del os.environ["ATLAS_CACHE"]
            if shared is not None:
                os.environ["ATLAS_CACHE"] = shared
    cell, seconds = one.cell, round(time.monotonic() - begin, 3)
    return Had(cell.engine, cell.version, reference.digest, seconds, node, error)


def on_nodes(at: Allocation, made: Had) -> Iterator[Had]:
    """Have an image in the stores of all nodes at the same time; what each says is told with its name."""
    command = [str(Path(sys.executable).with_name("atlas")), "cluster", "images", "--json", "--here"]
    command += ["--engine", made.engine, "--version", made.version]
    command += ["--pulled-from", made.pushed] if made.pushed else []
    with ThreadPoolExecutor(min(ATONCE, len(at.nodes))) as pool:
        for node, (output, last) in zip(
            at.nodes, pool.map(lambda node: _on_node(node, command), at.nodes), strict=True
        ):
            try:
                for one in json.loads(output)["answer"]["images"]:
                    yield Had(**{**one, "node": node})
            except (ValueError, KeyError, TypeError):
                why = last or "it said nothing"
                yield Had(made.engine, made.version, made.digest, 0.0, node, f"it could not be asked: {why}")


def _on_node(node: str, command: Sequence[str]) -> tuple[str, str]:
    """What a command prints there, and the last line of what it told meanwhile."""
    srun = ["srun", "--overlap", "--nodes=1", "--ntasks=1", f"--nodelist={node}", "--mem=0", *command]
    last = [""]

    def tell(lines: Any) -> None:
        for line in lines:
            last[0] = line.rstrip()
            say(f"{node}: {last[0]}")

    pipe = subprocess.PIPE
    with subprocess.Popen(srun, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        teller = threading.Thread(target=tell, args=(process.stderr,), daemon=True)
        teller.start()
        output = process.stdout.read()
        teller.join()
    return output, last[0]
