"""What every runtime does alike: one suite for a virtual environment, Docker, Podman and Apptainer."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from atlas.environment.runtimes import podman
from atlas.environment.runtimes.model import Job, Limits, Mount
from atlas.environment.runtimes.protocol import run_job
from atlas.errors import AtlasError

sys.path.insert(0, str(Path(__file__).parent))
from conftest import ALL, CONTAINERS

every = pytest.mark.parametrize("name", ALL)
contained = pytest.mark.parametrize("name", CONTAINERS)


@pytest.fixture
def run(ready, name):
    """Run a text of Python in the runtime."""
    found = ready(name)

    def job(text: str, *, timeout_s: float = 60, **more):
        command = (found.python, "-c", textwrap.dedent(text))
        return run_job(found.runtime, found.image, Job(command, **more), timeout_s)

    return job


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "output"
    folder.mkdir()
    return Mount.same(folder, writable=True)


@every
def test_a_command_runs_and_what_it_prints_is_collected(run):
    outcome = run("import sys; print('to out'); print('to err', file=sys.stderr)")
    assert outcome.status == 0
    assert "to out" in outcome.log and "to err" in outcome.log


@every
def test_a_line_that_is_written_in_pieces_is_whole(run):
    outcome = run("""
        import sys, time
        for part in ("a line", " in", " pieces\\n"):
            print(part, end="", flush=True, file=sys.stderr)
            time.sleep(0.3)
        print("the last")
    """)
    assert outcome.log.splitlines()[-2:] == ["a line in pieces", "the last"]


@every
def test_of_a_long_log_the_end_is_kept(run):
    lines = run("for number in range(30_000): print(number, 'x' * 60)").log.splitlines()
    assert lines[-1].startswith("29999 ")
    assert len(lines) < 30_000


@every
@pytest.mark.parametrize(("act", "status"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), 11)", -11)])
def test_how_a_command_ends_is_told(run, act, status):
    assert run(f"import os, sys; {act}").status == status


@every
def test_a_job_has_the_variables_it_is_given_and_none_of_the_callers(run, monkeypatch):
    monkeypatch.setenv("ATLAS_TEST_SECRET", "of the caller")
    said = run(
        "import os; print(os.environ.get('GIVEN'), os.environ.get('ATLAS_TEST_SECRET'))",
        env={"GIVEN": "a,b c=d"},
    )
    assert "a,b c=d None" in said.log


@every
def test_what_a_job_writes_belongs_to_the_caller(run, output):
    text = f"""
    import os
    os.makedirs({str(output.source)!r} + '/new/folder')
    open({str(output.source)!r} + '/new/file', 'w').write('x')
    """
    assert run(text, mounts=(output,)).status == 0
    for path in (
        output.source,
        output.source / "new",
        output.source / "new/folder",
        output.source / "new/file",
    ):
        assert path.stat().st_uid == os.getuid()
        assert path.stat().st_gid == os.getgid()


@contained
def test_all_but_the_output_is_read_only(run, output, tmp_path):
    shown = tmp_path / "shown"
    shown.mkdir()
    text = f"""
    import os
    for place in ({str(shown)!r}, '/usr', '/etc', '/'):
        try:
            open(place + '/new', 'w')
            print('wrote to', place)
        except OSError as error:
            print('cannot', place)
    open('/tmp/own', 'w').write('a scratch of its own')
    """
    outcome = run(text, mounts=(Mount.same(shown), output))
    assert outcome.status == 0, outcome.log
    assert "wrote" not in outcome.log and outcome.log.count("cannot") == 4
    assert not list(shown.iterdir()) and not Path("/tmp/own").exists()


@contained
def test_a_job_sees_nothing_of_the_machine_that_it_was_not_shown(run, tmp_path):
    (tmp_path / "secret").write_text("x")
    there = [str(tmp_path / "secret"), str(Path.home() / ".bashrc"), str(Path(__file__))]
    outcome = run(f"import os; print([os.path.exists(p) for p in {there!r}], len(os.listdir('/home')))")
    assert "[False, False, False] 0" in outcome.log


@contained
def test_a_job_has_no_rights_beyond_a_users(run):
    outcome = run("""
    status = dict(line.split(':', 1) for line in open('/proc/self/status'))
    print({name: status[name].strip() for name in ('CapEff', 'CapPrm', 'NoNewPrivs')})
    """)
    assert "'CapEff': '0000000000000000'" in outcome.log
    assert "'CapPrm': '0000000000000000'" in outcome.log
    assert "'NoNewPrivs': '1'" in outcome.log


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_job_of_root_is_nobodys(run):
    wanted = os.getuid() or 65534
    assert f"uid {wanted}" in run("import os; print('uid', os.getuid())").log


@contained
def test_a_job_has_no_network_unless_it_is_asked_for(run):
    outcome = run("""
    import socket
    print([line.split(':')[0].strip() for line in open('/proc/self/net/dev').readlines()[2:]])
    try:
        socket.create_connection(('127.0.0.1', 22), 2)
    except OSError as error:
        print('refused')
    """)
    assert "['lo']" in outcome.log or "[]" in outcome.log


@every
def test_a_job_that_takes_too_long_is_ended_with_all_it_started(run, output):
    seconds = str(70_000 + os.getpid() % 20_000)  # others may run this test, too
    text = f"""
    import os, subprocess, time
    subprocess.Popen(['sleep', '{seconds}'])
    print('started', flush=True)
    time.sleep(600)
    """
    begun = time.monotonic()
    outcome = run(text, timeout_s=3)
    assert outcome.status is None
    assert "started" in outcome.log
    assert time.monotonic() - begun < 30
    assert not _running(seconds.encode())


@every
def test_what_a_job_leaves_running_ends_with_it(run):
    assert run("import subprocess; subprocess.Popen(['sleep', '6544'])").status == 0
    for _ in range(50):
        if not _running(b"6544"):
            return
        time.sleep(0.1)
    pytest.fail("it is still running")


def _running(word: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if word in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_job_that_takes_too_much_memory_is_killed_or_it_is_told_that_none_can_be(
    run, name, capfd, monkeypatch
):
    monkeypatch.setattr(podman, "_warned", set())
    outcome = run("x = bytearray(300 << 20); print(len(x))", limits=Limits(memory_mb=64))
    if os.getuid() and name == "podman" and not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        assert "Resource limits are not supported" in capfd.readouterr().err
        return
    assert outcome.status == -9
    assert outcome.out_of_memory
    assert not Path("oom").exists(), "what a container engine leaves is in its own folder"


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_limits_are_those_that_are_asked_for(run):
    text = """
    import os, resource
    room = os.statvfs('/dev/shm')
    print('shm', room.f_blocks * room.f_frsize >> 20, 'files', resource.getrlimit(resource.RLIMIT_NOFILE))
    """
    outcome = run(text, limits=Limits(shm_mb=48, ulimits={"nofile": 321, "nproc": 2048}))
    assert "shm 48 files (321, 321)" in outcome.log


@every
def test_a_program_that_is_not_there_is_told(ready, name):
    found = ready(name)
    try:
        outcome = run_job(found.runtime, found.image, Job(("/no/such/program",)), 20)
    except AtlasError as error:
        assert error.exit_code == 4
        assert "no such program" in str(error) and "\n\n" not in str(error)
    else:
        assert outcome.status not in (0, None)
        assert "no such" in outcome.log.lower()


@every
def test_an_image_that_is_there_is_not_fetched_again(ready, name):
    found = ready(name)
    assert found.runtime.present(found.reference)
    begun = time.monotonic()
    assert found.runtime.prepare(found.reference) == found.image
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_nothing_is_left_of_jobs(ready, run, name):
    found = ready(name)
    run("pass")
    run("import time; time.sleep(60)", timeout_s=1)
    with pytest.raises(AtlasError):
        run_job(found.runtime, "no/such/image", Job(("true",)), 5)
    assert found.runtime.client.containers.list(all=True) == []
