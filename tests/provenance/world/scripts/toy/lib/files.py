"""Small deterministic writers."""

import json

import yaml

from atlas.canonical import write_atomic as _write


def spec(engine):
    with open(f"engine_versions/{engine}.yaml") as file:
        return yaml.safe_load(file)


def load(path):
    with open(path) as file:
        return json.load(file)


def dump(value, path):
    # Sorted keys: bytes may not depend on the order of a dict.
    write(json.dumps(value, indent=1, sort_keys=True) + "\n", path)


def write(text, path):
    from pathlib import Path

    _write(Path(path), text)
