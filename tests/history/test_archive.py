"""The facts of all versions in one archive, as an installed package has them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from atlas.errors import InputError, IntegrityError
from atlas.history.archive import ARCHIVE, pack, unpack
from atlas.history.recorded import load_recorded, recorded_versions, sources_only
from atlas.knowledge import load

RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.fixture
def packed(tmp_path):
    """The results of an engine as a package has them: in full, the history, and the archive."""
    source, folder = RESULTS / "lmdeploy", tmp_path / "lmdeploy"
    shutil.copytree(source / "0.18.0", folder / "0.18.0")
    (folder / "0.18.0/history.facts.json").unlink()
    shutil.copy(source / "history.json", folder)
    assert pack(source, folder / ARCHIVE) == 22
    return tmp_path


def test_every_version_is_in_the_archive_byte_by_byte(packed):
    for path in (RESULTS / "lmdeploy").glob("*/history.facts.json"):
        assert unpack(packed / "lmdeploy" / ARCHIVE, path.parent.name) == path.read_bytes()
    with pytest.raises(KeyError):
        unpack(packed / "lmdeploy" / ARCHIVE, "0.1.0")


def test_packing_again_gives_the_same_bytes(packed, tmp_path):
    pack(RESULTS / "lmdeploy", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (packed / "lmdeploy" / ARCHIVE).read_bytes()


def test_versions_are_read_from_it_as_from_their_files(packed):
    assert recorded_versions("lmdeploy", packed) == recorded_versions("lmdeploy", RESULTS)
    assert load_recorded("lmdeploy", "0.5.3", packed).schema == load("lmdeploy", "0.5.3", RESULTS).schema
    full = sources_only(load("lmdeploy", "0.18.0", packed))
    assert full.schema == sources_only(load("lmdeploy", "0.18.0", RESULTS)).schema and not full.in_full
    with pytest.raises(InputError, match=re.escape("the nearest tracked are 0.5.3 and 0.6.0")):
        load_recorded("lmdeploy", "0.5.4", packed)


@pytest.mark.parametrize("broken", [b"", b"{}", b"\xfd7zXZ\x00cut"])
def test_an_archive_that_is_none_is_told(packed, broken):
    (packed / "lmdeploy" / ARCHIVE).write_bytes(broken)
    with pytest.raises(IntegrityError, match="cannot be read"):
        json.dumps(load_recorded("lmdeploy", "0.5.3", packed).schema)
