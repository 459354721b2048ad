"""All facts that one request asks for."""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterable
from typing import Any

from .classes import class_fact
from .effective import effective_facts, subject_of
from .flags import flag_facts
from .names import expand, load, qualname
from .observed import observed_facts
from .probe import Probe
from .signatures import function_fact

Reader = Callable[[Probe, Any], "dict[str, Any]"]


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The facts; what cannot be read is named in their limitations, beside the rest."""
    probe = Probe(request)
    landmarks = landmark_verdicts(probe, request.get("landmarks", ()))
    facts: dict[str, Any] = {
        "python": "{}.{}".format(*sys.version_info[:2]),
        "version": reported_version(request["distribution"]),
        "landmarks": landmarks,
    }
    facts["classes"], facts["roots"] = class_facts(probe)
    classes = facts["classes"]
    facts["flags"] = []
    for spec in request.get("cli", ()):
        subject = ".".join(filter(None, (spec.get("class"), spec["method"])))
        facts["flags"] += probe.attempt("cli_failed", subject, flag_facts, probe, spec, classes) or ()
    facts["effective"] = []
    for spec in request.get("resolve", ()):
        subject = subject_of(spec)
        facts["effective"] += probe.attempt("resolve_failed", subject, effective_facts, probe, spec) or ()
    # Last: constructors that are given odd values may leave something behind.
    facts["observed"] = observed_facts(probe, request.get("observe", ()), classes)
    facts["limitations"] = probe.limitations
    return facts


def landmark_verdicts(probe: Probe, names: Iterable[str]) -> dict[str, str]:
    verdicts = {}
    for name in names:
        try:
            load(name)
            verdicts[name] = "ok"
        except (Exception, SystemExit) as error:
            verdicts[name] = probe.explain(error)
    return verdicts


def reported_version(distribution: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return str(importlib.metadata.version(distribution))
    return None


def class_facts(probe: Probe) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """All roots, and the configuration classes that their types lead to; and which root names which."""
    classes: dict[str, Any] = {}
    roots: dict[str, list[str]] = {}
    queue: list[tuple[type, bool]] = []
    """Classes to be read, and whether their types are followed."""
    for root, target, objects in root_objects(probe):
        nested = root.get("nested", True)
        if root.get("class"):
            roots[target] = [qualname(cls) for cls in objects]
            queue += [(cls, nested) for cls in objects]
            continue
        fact, below = _read(probe, "signature_unavailable", target, function_fact, target)
        if fact:
            classes[fact["qualname"]] = fact
            roots[target] = [fact["qualname"]]
            queue += [(cls, True) for cls in below if nested]
    while queue:
        cls, nested = queue.pop(0)
        name = qualname(cls)
        if name not in classes:
            fact, below = _read(probe, "class_unreadable", name, class_fact, cls)
            if fact:
                classes[name] = fact
                queue += [(one, True) for one in below if nested]
    return classes, roots


def root_objects(probe: Probe) -> list[tuple[dict[str, Any], str, list[Any]]]:
    """Each surface's root with what it names; a class that is a root counts as configuration everywhere."""
    found = []
    for root in [root for group in probe.request.get("surfaces", {}).values() for root in group]:
        target = root.get("class") or root["function"]
        try:
            objects = expand(target) if root.get("class") else [load(target)]
        except (Exception, SystemExit) as error:
            probe.miss("not_found" if isinstance(error, AttributeError) else "import_failed", target, error)
            continue
        found.append((root, target, objects))
        probe.roots.update(item for item in objects if isinstance(item, type))
    return found


def _read(probe: Probe, code: str, subject: str, read: Reader, item: Any) -> tuple[Any, list[type]]:
    """The facts of a class or function, and the configuration classes in its types."""
    probe.seen_types = {}
    fact = probe.attempt(code, subject, read, probe, item)
    return fact, list(probe.seen_types.values())
