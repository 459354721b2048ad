"""Small deterministic writers."""

import json

from atlas.canonical import write_atomic as _write


def spec(engine):
    return load(f"engine_versions/{engine}.json")


def load(path):
    with open(path) as file:
        return json.load(file)


def dump(value, path):
    # Sorted keys: bytes may not depend on the order of a dict.
    write(json.dumps(value, indent=1, sort_keys=True) + "\n", path)


def write(text, path):
    from pathlib import Path

    _write(Path(path), text)
