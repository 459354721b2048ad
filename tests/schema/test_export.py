"""A schema in the format of another tool, read back as that tool's reader reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from atlas.errors import InputError
from atlas.schema.export import llenergymeasure, run_export
from atlas.schema.facts import DefaultFact, DeprecationFact, class_of, literal

from .made import FLOAT, INT, REQUIRED, STR, field, klass, lane, published, value


def schema() -> dict[str, Any]:
    args = klass(
        "p.Args",
        field("model", STR, REQUIRED, description="Which model."),
        field("util", FLOAT, value(0.9), constraints={"exclusiveMinimum": 0, "maximum": 1}),
        field("mode", literal(["auto", "slow"]), value("auto"), deprecated=DeprecationFact()),
        field("dtype", STR, DefaultFact("computed", None, "torch.float16")),
        field("cache", class_of("p.Cache")),
        field("_private", INT, value(1), private=True),
    )
    sampling = klass("p.Sampling", field("n", INT, value(1)))
    static = lane("static", args, klass("p.Cache", field("size", INT, value(1))), sampling)
    return published(
        static, replace(static, lane="live"), engine_params=["p.Args"], sampling_params=["p.Sampling"]
    )


def reader_of_llenergymeasure(text: str) -> dict[str, Any]:
    """What `_parse_envelope` of llenergymeasure's config/schema_loader.py (5749371f) demands."""
    data = json.loads(text)
    if int(data["schema_version"].split(".", 1)[0]) != 1:
        raise ValueError("UnsupportedSchemaVersionError")
    datetime.fromisoformat(data["discovered_at"])
    limitations = [
        (i.get("section", ""), list(i.get("fields", [])), i.get("reason", ""))
        for i in data["discovery_limitations"]
    ]
    assert all(
        isinstance(data[key], str) for key in ("engine", "engine_version", "image_ref", "base_image_ref")
    )
    return {"limitations": limitations, **{key: data[key] for key in ("engine_params", "sampling_params")}}


def test_its_reader_accepts_the_export(tmp_path: Path) -> None:
    source, output = tmp_path / "schema.json", tmp_path / "export.json"
    source.write_text(json.dumps(schema()))
    run_export("llenergymeasure", source, output)
    read = reader_of_llenergymeasure(output.read_text())
    assert read["engine_params"] == {
        "cache": {"type": "Cache", "default": None},
        "dtype": {"type": "str", "default": "torch.float16"},
        "mode": {
            "type": "Literal['auto', 'slow']",
            "default": "auto",
            "deprecated": True,
            "enum": ["auto", "slow"],
        },
        "model": {"type": "str", "default": None, "description": "Which model."},
        "util": {"type": "float", "default": 0.9, "exclusiveMinimum": 0, "maximum": 1},
    }
    assert read["sampling_params"] == {"n": {"type": "int", "default": 1}}


def test_what_the_format_has_no_place_for_is_listed() -> None:
    limitations = llenergymeasure(schema())["discovery_limitations"]
    by_reason = {one["reason"].partition(":")[0]: (one["section"], one["fields"]) for one in limitations}
    assert by_reason["nested_or_private"] == ("engine_params", ["_private", "cache.size"])
    assert by_reason["default_outside_type"] == ("engine_params", ["cache"])


def test_the_export_goes_to_stdout_without_an_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "schema.json"
    source.write_text(json.dumps(schema()))
    run_export("llenergymeasure", source, None)
    assert reader_of_llenergymeasure(capsys.readouterr().out)["sampling_params"]


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no export format `xml`"):
        run_export("xml", tmp_path / "schema.json", None)
