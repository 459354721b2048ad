"""A small world of two engines: artefacts as the schema stage writes them, with hostile text in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from atlas.report.model import Pin

HOSTILE = (
    "<script>window.pwned = 1</script></script><!-- <img src=x onerror=window.pwned=1> &amp; \u2028 `code`"
)
PINS = (
    Pin("toy", "toy-engine", "2.0", ("1.0", "1.5", "2.0"), "https://example.org/v{version}/{file}#L{line}"),
    Pin("stub", "stub", "0.1", ("0.1",)),
)
BOTH = ("static", "live")
UNHEALTHY = "ModuleNotFoundError: No module named x; add the package that has it"
DIGEST = "sha256:" + "1" * 64


def parameter(path: str, **facts: Any) -> dict[str, Any]:
    """One parameter; what is not given is that of an int with the default 1."""
    lanes = facts.pop("lanes", BOTH)
    return {
        "path": path,
        "name": path.rsplit(".", 1)[-1],
        "root": "toy.Args",
        "owner": "toy.Args",
        "type": {"type": "integer"},
        "display": "int",
        "annotation": "int",
        "default_kind": "value",
        "default": 1,
        **facts,
        "evidence": [{"lane": lane, "file": "toy/args.py", "line": 7} for lane in lanes],
    }


def schema(version: str, lanes: tuple[str, ...] = BOTH, **groups: list[dict[str, Any]]) -> dict[str, Any]:
    """schema.discovered.json of one version of the toy engine."""
    everything = [one for group in groups.values() for one in group]
    return {
        "format_version": 1,
        "engine": "toy",
        "version": version,
        "status": "complete" if lanes == BOTH else "static_only",
        "sources": [{"kind": "wheel", "ref": f"toy-{version}.whl", "digest": DIGEST}],
        "environment": {"kind": "venv", "platform": "cpu", "digest": DIGEST} if "live" in lanes else None,
        "extractor": {"name": "atlas.schema", "digest": DIGEST},
        "files": {"toy/args.py": DIGEST},
        "limitations": [
            {"code": "cpu_only", "lane": "live", "reason": f"No GPU. {HOSTILE}", "fields": ["seed"]}
            if "live" in lanes
            else {
                "code": "environment_unhealthy",
                "lane": "live",
                "reason": UNHEALTHY,
                "fields": ["toy.Args"],
            }
        ],
        "coverage": {
            "n": len(everything),
            "typed": len(everything),
            "defaulted": len(everything),
            "bounded": sum("constraints" in one for one in everything),
            "described": sum("description" in one for one in everything),
            "live": 0,
            "static": len(everything),
        },
        "roots": {name: [] for name in groups},
        "lanes": {"seen": list(lanes), "rows": []},
        **groups,
    }


def versions() -> list[dict[str, Any]]:
    """Three versions: the oldest read from sources alone, the newest with every kind of change."""
    static = ("static",)
    return [
        schema(
            "1.0",
            static,
            engine_params=[
                parameter("gone", lanes=static),
                parameter("seed", lanes=static),
                parameter("width", lanes=static, default=3),
            ],
            sampling_params=[parameter("seed", lanes=static)],
        ),
        schema(
            "1.5",
            engine_params=[
                parameter("cache.block_size", description="Tokens in a block.", cli_flag="--block-size"),
                parameter("mode", display="Literal['a', 'b]']", enum=["a", "b]"], open=False, default="a"),
                parameter("seed", effective_default={"value": 7, "platform": "cpu"}),
                parameter("width", default=3),
            ],
            sampling_params=[parameter("seed")],
        ),
        schema(
            "2.0",
            engine_params=[
                parameter(
                    "cache.block_size",
                    description=HOSTILE,
                    constraints={"minimum": 1},
                    cli_flag="--block-size",
                    cli_flags=["--block-size", "--bs"],
                ),
                parameter(
                    "mode",
                    display="Literal['a', 'b]', 'c']",
                    enum=["a", "b]", "c"],
                    open=False,
                    default="c",
                    deprecated={"since": "2.0", "message": "Going.", "replacement": "style"},
                    disagreement=[
                        {
                            "fact": "default",
                            "static": {"kind": "value", "value": "a"},
                            "live": {"kind": "none"},
                        }
                    ],
                ),
                parameter("seed", effective_default={"value": 8, "platform": "cpu"}),
                parameter("style", display="str | None", default_kind="required"),
                parameter("width", display="int | None", default=3, lanes=("static",), static_only="kwargs"),
            ],
            sampling_params=[parameter("seed")],
        ),
    ]


RULE = {
    "id": "Args.seed.00000001",
    "target": "toy.Args",
    "severity": "error",
    "depth": "construct",
    "fields": ["seed"],
    "when": "seed < 0",
    "effect": {"raises": "ValueError"},
    "message": f"seed is {{seed}} {HOSTILE}",
    "evidence": {"origins": ["static"], "file": "toy/args.py", "line": 9, "end_line": 9},
}


def rules(version: str) -> dict[str, dict[str, Any]]:
    """invariants.yaml and invariants.coverage.json of one version, as far as the report reads them."""
    more = [
        {**RULE, "id": "Args.mode.00000002", "severity": "dormant", "when": "mode == 'old'",
         "effect": {"sets": {"mode": "'new'"}}, "message": None},
        {**RULE, "id": "Cache.size.00000003", "target": "toy.Cache", "severity": "error",
         "when": "size > 10", "requires": ["platform: linux-x86_64"]},
    ]  # fmt: skip
    shown = [RULE, *({name: value for name, value in one.items() if value is not None} for one in more)]
    counts = {"error": 1, "warn": 0, "dormant": 1, "conditional": 1}
    sample = {"n": 600, "rejected": 40, "rejections_found": 39, "false_rejections": 0, "error_recall": 0.9759}
    head = {"engine": "toy", "version": version}
    return {
        "invariants.yaml": {**head, "status": "gated", "rules": shown},
        "invariants.coverage.json": {
            **head,
            "status": "gated",
            "totals": {"rules": 3, "quarantined": 5, "configurations": 4321, "sample": sample},
            "targets": [{"class": "toy.Args", "rules": counts}],
        },
    }


def write_rules(folder: Path, version: str) -> Path:
    """The folder of the version, with both artefacts in it (JSON is YAML, too)."""
    cell = folder / "toy" / version
    for name, document in rules(version).items():
        (cell / name).write_text(json.dumps(document), encoding="utf-8")
    return cell


def write_artefacts(folder: Path, schemas: list[dict[str, Any]]) -> tuple[list[Path], list[Path]]:
    """Paths of the schemas and sources written; the stub engine has a source that is unavailable."""
    schema_paths, source_paths = [], []
    for document in schemas:
        path = folder / document["engine"] / document["version"] / "schema.discovered.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
        schema_paths.append(path)
    stub = folder / "stub" / "0.1" / "source.json"
    stub.parent.mkdir(parents=True, exist_ok=True)
    attempts = [{"kind": "sdist", "reason": "only a <stub>"}]
    found = {"engine": "stub", "version": "0.1", "status": "unavailable", "attempts": attempts}
    stub.write_text(json.dumps(found), encoding="utf-8")
    source_paths.append(stub)
    return schema_paths, source_paths
