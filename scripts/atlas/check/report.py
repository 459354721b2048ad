"""Results as text for people, and as JSON, JUnit XML and SARIF for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from atlas.check.model import UNKNOWN, Finding, Json, Result

FORMAT_VERSION = 1
FORMATS = ("text", "json", "junit", "sarif")


def as_json(results: Sequence[Result]) -> dict[str, Json]:
    """The form of config/schemas/cli/check.schema.json."""
    return {
        "format_version": FORMAT_VERSION,
        "results": [_result(one) for one in results],
        "errors": sum(one.count("error") for one in results),
        "warnings": sum(one.count("warning") for one in results),
        "notes": sum(one.count("note") for one in results),
    }


def _result(one: Result) -> dict[str, Json]:
    return {
        "subject": one.subject,
        "engine": one.engine,
        "version": one.version,
        "group": one.group,
        "target": one.target,
        "verdict": "accepted" if one.accepted else "rejected",
        "checked": one.checked,
        "known": "in full" if one.in_full else "history",
        "effective": _plain(one.effective),
        "findings": [_finding(found) for found in one.findings],
    }


def _finding(one: Finding) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "kind": one.kind,
        "level": one.level,
        "message": one.message,
        "evidence": one.evidence,
        "place": {"name": one.place.name, "line": one.place.line, "column": one.place.column},
    }
    optional: dict[str, Json] = {
        "parameter": one.parameter,
        "written": one.written,
        "value": _plain(one.value),
        "rule": one.rule,
        "depth": one.depth,
        "conditions": list(one.conditions),
        "effective": _plain(one.effective),
        "nearest": list(one.nearest),
        "link": one.link,
    }
    entry |= {key: value for key, value in optional.items() if value not in (None, "", [], {})}
    if one.file:
        entry["source"] = {"file": one.file, "line": one.line}
    return entry


def _plain(value: Json) -> Json:
    """JSON, with null for what is filled in later and text for what is no JSON."""
    if value is UNKNOWN:
        return None
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [_plain(inner) for inner in items]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


# Text.


def lines(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Lines of text, each with its style: a level, `head`, `more` or `sum`."""
    for one in results:
        yield "head", f"{one.subject}: {one.engine} {one.version}, {one.target}"
        for found in one.findings:
            where = f"{found.place}: " if found.place.line else ""
            yield found.level, f"  {where}{found.level}: {found.message} [{_evidence(found)}]"
            for text in _more(found):
                yield "more", f"      {text}"
        if one.effective:
            shown = ", ".join(f"{name}={value!r}" for name, value in sorted(one.effective.items()))
            yield "more", f"  takes effect as: {shown}"
        yield "sum", f"  {summary(one)}"


def _more(found: Finding) -> Iterator[str]:
    if found.conditions:
        yield f"only where: {'; '.join(found.conditions)}"
    if found.link or found.file:
        yield f"see {found.link or f'{found.file}:{found.line}'}"


def _evidence(found: Finding) -> str:
    return f"{found.evidence}, {found.rule}" if found.rule else found.evidence


def summary(one: Result) -> str:
    counts = [
        f"{one.count(level)} {level}{'' if one.count(level) == 1 else 's'}" for level in ("error", "warning")
    ]
    known = f"{one.checked} parameter{'' if one.checked == 1 else 's'} checked"
    return f"{known}: {', '.join(counts)}"


# JUnit.


def junit(results: Sequence[Result]) -> str:
    """One test suite for each configuration, one test case for each finding (or one that passes)."""
    from xml.sax.saxutils import escape, quoteattr

    out = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for one in results:
        cases = list(_cases(one))
        failed = one.count("error")
        name = _xml(f"{one.subject}: {one.engine} {one.version}")
        out.append(
            f'  <testsuite name={quoteattr(name)} tests="{len(cases)}" failures="{failed}" errors="0">'
        )
        for title, found in cases:
            head = f"    <testcase classname={quoteattr(_xml(one.target))} name={quoteattr(_xml(title))}"
            if found is None:
                out.append(f"{head}/>")
                continue
            text = escape(_xml(f"{found.place}: {found.message}"))
            tag = "failure" if found.level == "error" else "system-out"
            attributes = f" message={quoteattr(_xml(found.message))} type={quoteattr(found.kind)}"
            out.append(f"{head}>")
            out.append(f"      <{tag}{attributes if tag == 'failure' else ''}>{text}</{tag}>")
            out.append("    </testcase>")
        out.append("  </testsuite>")
    return "\n".join([*out, "</testsuites>"]) + "\n"


def _cases(one: Result) -> Iterator[tuple[str, Finding | None]]:
    if not one.findings:
        yield "accepted", None
    for found in one.findings:
        yield f"{found.parameter or found.written or one.subject}: {found.kind}", found


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        one if one in "\t\n" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" else "\ufffd"
        for one in text
    )


# SARIF.

_SARIF_LEVELS = {"error": "error", "warning": "warning", "note": "note"}
_KINDS = {
    "unknown_parameter": "The engine version has no such parameter",
    "removed_parameter": "The parameter was removed",
    "wrong_type": "The value is not of the declared type",
    "out_of_range": "The value is outside the declared limits",
    "not_allowed": "The value is not one of those that are allowed",
    "rule_error": "The engine rejects this configuration",
    "rule_warn": "The engine warns about this configuration",
    "rule_dormant": "The engine changes this configuration silently",
}


def sarif(results: Sequence[Result]) -> dict[str, Any]:
    """SARIF 2.1.0: what code hosts show beside the lines of a file."""
    kinds = sorted({found.kind for one in results for found in one.findings})
    rules = [
        {"id": kind, "shortDescription": {"text": _KINDS.get(kind, kind.replace("_", " "))}} for kind in kinds
    ]
    found = [_sarif_result(one, finding, kinds) for one in results for finding in one.findings]
    driver = {"name": "engine-atlas", "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": found}],
    }


def _sarif_result(one: Result, found: Finding, kinds: Sequence[str]) -> dict[str, Any]:
    text = f"{found.message} ({one.engine} {one.version}, {found.evidence})"
    entry: dict[str, Any] = {
        "ruleId": found.kind,
        "ruleIndex": kinds.index(found.kind),
        "level": _SARIF_LEVELS[found.level],
        "message": {"text": text},
    }
    if found.place.line:
        region = {"startLine": found.place.line}
        if found.place.column:
            region["startColumn"] = found.place.column
        address = {"uri": _uri(found.place.name)}
        entry["locations"] = [{"physicalLocation": {"artifactLocation": address, "region": region}}]
    extra = {"parameter": found.parameter, "rule": found.rule, "link": found.link, "evidence": found.evidence}
    entry["properties"] = {key: value for key, value in extra.items() if value}
    return entry


def _uri(name: str) -> str:
    from urllib.parse import quote

    return quote(name.replace("\\", "/"))
