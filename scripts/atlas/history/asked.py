"""What the commands print: an answer as text, or as JSON."""

from __future__ import annotations

from pathlib import Path

from atlas.errors import AtlasError, InputError, UnavailableError
from atlas.history import listing, releases, shown, timeline
from atlas.history.history import History, load_history
from atlas.history.output import print_json, print_lines, print_table
from atlas.history.recorded import load_recorded, pinned
from atlas.history.timeline import Link
from atlas.knowledge.library import neighbours


def print_timeline(engine: str, name: str, group: str | None, *, as_json: bool, results: Path | None) -> None:
    history = require_history(engine, results)
    key = history.key(name, group)
    others = [other for other in history.find(name, group) if other != key]
    link = links(engine, results)
    if as_json:
        print_json(timeline.as_json(history, key, others, link))
    else:
        print_lines(timeline.lines(history, key, others, link))


def print_releases(
    engine: str, group: str | None, since: str | None, *, names: bool, as_json: bool, results: Path | None
) -> None:
    history = require_history(engine, results)
    if group is not None and group not in history.groups:
        history.key("", group)  # says which groups there are
    if since is not None and since not in history.versions:
        raise InputError(f"{engine} {since} is not tracked; {neighbours(since, history.versions)}")
    start = history.versions.index(since) if since else 0
    found = releases.releases(history, group)[start:]
    if as_json:
        print_json(releases.as_json(history, found))
    else:
        print_lines(releases.lines(history, found, names=names))


def print_parameter(pin: str, name: str, group: str | None, *, as_json: bool, results: Path | None) -> None:
    knowledge = pinned(pin, results)
    history = load_history(knowledge.engine, results)
    one = shown.find(knowledge, history, name, group)
    link = links(knowledge.engine, results)
    if as_json:
        print_json(shown.as_json(knowledge, history, one, link))
    else:
        print_lines(shown.lines(knowledge, history, one, name, link))


def print_engines(*, as_json: bool, results: Path | None) -> None:
    rows = listing.engine_rows(results)
    if as_json:
        print_json(listing.listed("engines", rows))
        return
    print_table(
        ("engine", "newest", "tracked", "in full", "since"),
        [(r["engine"], r["newest"], str(r["versions"]), str(r["in_full"]), r["oldest"]) for r in rows],
    )


def print_versions(engine: str, *, as_json: bool, results: Path | None) -> None:
    rows = listing.version_rows(engine, results)
    if as_json:
        print_json(listing.listed("versions", rows, engine=engine))
        return
    print_table(
        ("version", "kept", "rules", "parameters"),
        [
            (
                row["version"],
                row["kept"],
                "" if row["rules"] is None else str(row["rules"]),
                ", ".join(f"{n} {group}" for group, n in row["parameters"].items()),
            )
            for row in rows
        ],
    )


def print_parameters(
    pin: str,
    group: str | None,
    match: str | None,
    *,
    deprecated: bool,
    as_json: bool,
    results: Path | None,
) -> None:
    engine, version, rows = listing.parameter_rows(
        pin, results, group=group, match=match, deprecated=deprecated
    )
    if as_json:
        print_json(listing.listed("params", rows, engine=engine, version=version))
        return
    print_table(
        ("group", "path", "default", "flag", "type"),
        [(row["group"], row["path"], row["default"], row["flag"] or "", row["type"]) for row in rows],
    )


def print_rules(
    pin: str,
    target: str | None,
    severity: str | None,
    match: str | None,
    *,
    as_json: bool,
    results: Path | None,
) -> None:
    engine, version, rows = listing.rule_rows(pin, results, target=target, severity=severity, match=match)
    if as_json:
        print_json(listing.listed("invariants", rows, engine=engine, version=version))
        return
    print_table(
        ("severity", "id", "when"),
        [(row["severity"], row["id"], row["when"]) for row in rows],
    )


def require_history(engine: str, results: Path | None) -> History:
    """InputError with the nearest for an unknown engine; UnavailableError where it has no history."""
    load_recorded(engine, None, results)
    history = load_history(engine, results)
    if history is None:
        raise UnavailableError(f"there is no history of {engine}", hint="build it: `atlas build`")
    return history


def links(engine: str, results: Path | None) -> Link:
    """The engine's sources on the web, as far as its YAML says where they are."""
    try:
        url = load_recorded(engine, None, results).source_url
    except AtlasError:
        url = None

    def link(version: str, place: str) -> str | None:
        file, _, line = place.rpartition(":")
        if not url or not file or not line.isdigit() or not int(line):
            return None
        return url.format(version=version, file=file, line=line)

    return link
