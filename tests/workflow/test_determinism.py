"""Two builds of the same inputs are byte-identical, wherever and however they are made."""

import hashlib

import pytest

pytestmark = pytest.mark.slow


def tree(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("results", "docs", "envs")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def test_folder_time_zone_hash_seed_and_number_of_workers_do_not_matter(built, two):
    """`built` was made elsewhere, with two workers."""
    before = tree(built.root)
    two.cache = two.root.parent / "another cache"
    two.cache.mkdir()
    two.extra |= {"TZ": "Pacific/Chatham", "PYTHONHASHSEED": "4711", "LC_ALL": "C", "COLUMNS": "40"}
    done = two.run("snakemake", "--cores", "1", "--forceall")
    assert done.returncode == 0, done.stdout + done.stderr
    assert tree(two.root) == before
    assert two.stale() == {}
