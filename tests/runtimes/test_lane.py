"""The live lane in containers: engines that misbehave give the same facts and reasons."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from atlas.environment.run import Runtime, run_probe
from atlas.environment.runtimes import contained as lane_module
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.model import Limits
from atlas.errors import RunError, UnavailableError

sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS

PLAIN = """
from dataclasses import dataclass

@dataclass
class Config:
    size: int = 4
"""
contained = pytest.mark.parametrize("name", CONTAINERS)


@pytest.fixture
def interpreter(ready, name, tmp_path):
    """A toy engine's text, to be imported in a container by the probe."""
    found = ready(name)

    def make(text: str, *, limits: Limits | None = None, python: str = "/usr/local/bin/python3") -> Runtime:
        folder = tmp_path / "engine"
        folder.mkdir(exist_ok=True)
        (folder / "toy.py").write_text(textwrap.dedent(text))
        spec = ImageSpec("archive", "toy.tar", "toy.yaml", limits=limits or Limits())
        launcher = Launcher(found.runtime, found.image, spec, None)
        return Runtime(Path(python), (folder,), launcher=launcher)

    return make


@pytest.fixture
def ask(interpreter):
    def run(text: str, *, timeout_s: float = 60, limits: Limits | None = None, python: str | None = None):
        request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
        request["surfaces"] = {"engine_params": [{"class": "toy.Config"}]}
        more = {"python": python} if python else {}
        return run_probe(interpreter(text, limits=limits, **more), request, timeout_s=timeout_s)

    return run


@contained
def test_the_facts_are_those_of_the_same_engine_beside_this_process(ask, interpreter):
    text = PLAIN + "import os, sys\nHOME: str = os.path.expanduser('~')\n"
    here = Runtime(Path(sys.executable), interpreter(text).paths)
    request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
    request["surfaces"] = {"engine_params": [{"class": "toy.Config"}]}
    assert ask(text) == run_probe(here, request, timeout_s=60)


@contained
def test_an_engine_that_prints_ten_megabytes_is_read(ask):
    assert ask(f"import sys\nfor _ in range(160): sys.stdout.write('x' * 65536)\n{PLAIN}")["classes"]


@pytest.mark.parametrize("name", ["docker", "apptainer"])
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("os._exit(7)", "ended Python with exit status 7"),
        ("os._exit(0)", "ended Python before the facts were written"),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
    ],
)
def test_an_engine_that_ends_python_is_told_how(ask, act, reason):
    with pytest.raises(RunError, match=reason) as caught:
        ask(f"import os\nprint('about to end', flush=True)\n{act}")
    assert "about to end" in str(caught.value)


@contained
def test_an_engine_that_hangs_is_stopped_with_its_reason(ask):
    text = "import time\nprint('waiting for a device', flush=True)\ntime.sleep(600)"
    for timeout_s in (4, 60):  # a machine that is busy may take longer to get so far
        with pytest.raises(RunError, match=f"did not finish within {timeout_s} s") as caught:
            ask(text, timeout_s=timeout_s)
        if "waiting for a device" in str(caught.value):
            return
    pytest.fail(str(caught.value))


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_an_engine_that_takes_all_memory_is_told_so(ask):
    with pytest.raises(RunError, match="SIGKILL") as caught:
        ask("x = bytearray(400 << 20)\n" + PLAIN, limits=Limits(memory_mb=128))
    assert "more memory than there is" in str(caught.value)


@contained
def test_an_image_without_that_python_is_told(ask, monkeypatch):
    monkeypatch.setattr(lane_module, "START_S", 15)
    with pytest.raises((RunError, UnavailableError, Exception)) as caught:
        ask(PLAIN, python="/no/such/python")
    assert caught.value.exit_code in (3, 4)
    assert "/no/such/python" in str(caught.value)


@contained
def test_the_engine_is_no_root_and_owns_what_it_may_write(ask):
    text = f"""
    import os
    assert os.getuid() == {os.getuid() or 65534}, os.getuid()
    status = dict(line.split(':', 1) for line in open('/proc/self/status'))
    assert not int(status['CapEff'], 16) and not int(status['CapPrm'], 16), status
    assert status['NoNewPrivs'].strip() == '1', status
    open(os.path.expanduser('~/note'), 'w').write('x')
    """
    facts = ask(textwrap.dedent(text) + PLAIN)
    assert facts["landmarks"]["toy.Config"] == "ok"


@contained
def test_neither_arguments_nor_settings_of_containers_show_variables(ready, name, interpreter, monkeypatch):
    """Nothing that lists processes or containers sees what an engine is given."""
    runtime = interpreter("import time; time.sleep(600)")
    secret = "canary-6f1c"
    runtime = Runtime(runtime.python, runtime.paths, {"TOKEN": secret}, launcher=runtime.launcher)
    seen: list[str] = []
    original = lane_module.InContainer.wait

    def wait(self, timeout_s):
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            seen.append(words.decode(errors="replace"))
        if name != "apptainer":
            seen.append(str(ready(name).runtime.client.api.inspect_container(self._started._container.id)))
        return original(self, timeout_s)

    monkeypatch.setattr(lane_module.InContainer, "wait", wait)
    with pytest.raises(RunError) as caught:
        run_probe(runtime, {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy"]}, timeout_s=2)
    assert seen and not [text for text in seen if secret in text]
    assert secret not in str(caught.value)
