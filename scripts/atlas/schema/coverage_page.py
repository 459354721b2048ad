"""docs/coverage.md: the comparison of the lanes, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from atlas.schema.codes import NOT_RUN
from atlas.schema.floors import MEASURES, Finding, Row, share

Schema = dict[str, Any]

SUMMARY = (
    "engine", "version", "lanes", "parameters", "static", "live", "static finds live", "defaults equal",
    "types equal", "bounds equal", "closed enums equal", "typed", "described", "effective",
)  # fmt: skip
BRIEF = (
    "cell", "lanes", "n", "static", "live", "recall", "default", "type", "bounds", "enum", "typed",
    "described",
)  # fmt: skip
INTRO = """\
# Coverage

*Written by `atlas coverage --output docs/coverage.md`; do not edit.*

Each engine is read twice: its sources are parsed (*static*), and it is imported in its environment (*live*).
Here is what each lane found and where they agree. "Equal" counts the parameters of which both lanes know
the fact; every one that differs is listed. What the codes mean is in [schema.md](schema.md).
"Typed" and "Type unknown" are about the parameters that a user can set: attributes that only the engine sets
(`readonly`) are left out. A type that the sources state nowhere counts where the running constructor was seen
to accept values of certain JSON types; such a parameter has `observed` in its evidence.
"""


def markdown(schemas: Sequence[Schema], findings: Sequence[Finding]) -> str:
    """The whole page."""
    parts = [INTRO, "## Summary\n", table(SUMMARY, [summary_row(schema) for schema in schemas])]
    parts += ["## Floors\n", "Set in `config/config.yaml`.\n", _floors(findings)]
    for schema in schemas:
        parts += _cell(schema)
    return "\n".join(parts)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_escaped(cell) for cell in line)} |\n" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def summary_row(schema: Schema) -> list[str]:
    """A cell in one line, in the columns of SUMMARY."""
    rows = schema["lanes"]["rows"]
    return [schema["engine"], schema["version"], " + ".join(schema["lanes"]["seen"]), *_counts(rows)]


def brief_row(schema: Schema) -> list[str]:
    """A cell in one short line, in the columns of BRIEF."""
    rows = schema["lanes"]["rows"]
    sizes = [str(sum(row[key] for row in rows)) for key in ("n", "static", "live")]
    shares = [share(measure, rows).percent() for measure in MEASURES]
    return [f"{schema['engine']} {schema['version']}", "+".join(schema["lanes"]["seen"]), *sizes, *shares]


def _counts(rows: Sequence[Row]) -> list[str]:
    n, static, live, effective = (
        sum(row[key] for row in rows) for key in ("n", "static", "live", "effective")
    )
    return [str(n), str(static), str(live), *(share(m, rows).text() for m in MEASURES), str(effective)]


def _floors(findings: Sequence[Finding]) -> str:
    header = ("cell", "measure", "classes", "share", "floor", "")
    return table(
        header,
        [
            (
                f"{one.engine} {one.version}",
                one.floor.measure,
                f"`{one.floor.class_}`",
                one.share.text(),
                f"{one.floor.floor:.1%}",
                "reached" if one.reached else "**missed**",
            )
            for one in findings
        ],
    )


def _cell(schema: Schema) -> Iterator[str]:
    yield f"## {schema['engine']} {schema['version']}\n"
    yield from (f"Static facts only: {reason}\n" for reason in why_static_only(schema))
    yield table(("group", "root", "class", *SUMMARY[3:]), _class_rows(schema["lanes"]["rows"]))
    yield from _named("Only static", _static_only(schema))
    live_only = [path for row in schema["lanes"]["rows"] for path in _qualified(row, row["live_only"])]
    if "static" in schema["lanes"]["seen"]:
        yield from _named("Only live", {"": live_only} if live_only else {})
    unknown = [path for row in schema["lanes"]["rows"] for path in _qualified(row, row["unknown_types"])]
    yield from _named("Type unknown", {"": unknown} if unknown else {})
    differing = list(_disagreements(schema))
    if differing:
        yield "### The lanes differ\n"
        yield table(("parameter", "fact", "static", "live"), differing)


def why_static_only(schema: Schema) -> list[str]:
    """Why the live lane did not run; none where it did."""
    if "live" in schema["lanes"]["seen"]:
        return []
    return [
        f"{', '.join(f'`{field}`' for field in one['fields'])}: {one['reason']}."
        for one in schema["limitations"]
        if one["code"] in NOT_RUN
    ]


def _class_rows(rows: Sequence[Row]) -> list[list[str]]:
    """A line for the root's own fields, and one for those of all classes nested in it."""
    out = []
    for group, root in dict.fromkeys((row["group"], row["root"]) for row in rows):
        mine = [row for row in rows if (row["group"], row["root"]) == (group, root)]
        own = [row for row in mine if row["class"] == root]
        nested = [row for row in mine if row["class"] != root]
        name = f"`{without_module(root)}`"
        if own:
            out.append([group, name, "own", *_counts(own)])
        if nested:
            out.append([group, name, f"{len(nested)} nested", *_counts(nested)])
    return out


def without_module(qualname: str) -> str:
    """`Class` or `Class.method`: a qualname from its first capital on."""
    parts = qualname.split(".")
    first = next((i for i, part in enumerate(parts) if part.lstrip("_")[:1].isupper()), len(parts) - 1)
    return ".".join(parts[first:])


def _qualified(row: Row, paths: Sequence[str]) -> list[str]:
    return [f"{row['group']}:{path}" for path in paths]


def _static_only(schema: Schema) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in schema["lanes"]["rows"]:
        for code, paths in row["static_only"].items():
            found.setdefault(code, []).extend(_qualified(row, paths))
    return dict(sorted(found.items()))


def _named(title: str, by_code: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A list of parameters under each code."""
    if not by_code:
        return
    total = sum(len(paths) for paths in by_code.values())
    yield f"### {title} ({total})\n"
    for code, paths in by_code.items():
        names = ", ".join(f"`{path}`" for path in paths)
        yield f"- {f'`{code}` ({len(paths)}): ' if code else ''}{names}\n"


def _disagreements(schema: Schema) -> Iterator[list[str]]:
    for group in schema["roots"]:
        for parameter in schema[group]:
            for one in parameter.get("disagreement", ()):
                said = [_said(one[lane]) for lane in ("static", "live")]
                yield [f"`{group}:{parameter['path']}`", one["fact"], *said]


def _said(value: Any) -> str:
    """What a lane says, short."""
    if isinstance(value, dict):
        value = ", ".join(f"{key} {item!r}" for key, item in value.items())
    text = value if isinstance(value, str) else repr(value)
    return f"`{text[:100]}`" if text else "nothing"
