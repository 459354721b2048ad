"""`atlas build TARGET` builds that artefact, and what it needs."""

import pytest

pytestmark = pytest.mark.slow


def test_a_target_is_built_and_others_are_left(two):
    target = "results/toy/1.0/schema.discovered.json"
    fresh = two.run("atlas", "build", target)
    assert fresh.returncode == 0, fresh.stderr
    assert "nothing is stale" in fresh.stderr
    for engine in ("toy", "good"):
        two.artefact(engine, "schema.discovered.json").unlink()
    done = two.run("atlas", "build", target)
    assert done.returncode == 0, done.stderr
    assert two.artefact("toy", "schema.discovered.json").exists()
    assert not two.artefact("good", "schema.discovered.json").exists()
