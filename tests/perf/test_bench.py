"""An engine's own benchmark measures: whatever it or its server does, the record says what it was."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from atlas.errors import InputError
from atlas.perf.bench import bench_request
from atlas.perf.cards import Card, load_cards
from atlas.perf.driver import DRIVER
from atlas.perf.engine import load_perf, perf_engines, relevant, translated
from atlas.perf.formats import load_formats
from atlas.perf.prepared import Ready
from atlas.perf.record import read
from atlas.perf.run import run_card
from atlas.yamlfile import load_yaml

ROOT = Path(__file__).resolve().parents[2]
TOYS = Path(__file__).parent / "toys"
FORM = {
    "told_by": ["completed"],
    "succeeded": "completed",
    "failed": "failed",
    "count": "completed",
    "values": [
        {"at": "output_throughput", "metric": "output_tput", "unit": "tok/s"},
        {"at": "mean_ttft_ms", "metric": "ttft", "statistic": "mean", "unit": "s", "scale": 0.001},
    ],
}
TOOL = {
    "command": ["{python}", str(TOYS / "client.py"), "0", "{client}", "{requests}", "{output}/r.json"],
    "result": "{output}/r.json",
    "format": "toy",
}
SERVE = {
    **TOOL,
    "server": {
        "command": ["{python}", str(TOYS / "server.py"), "{port}", "{server}", "{output}/../../pids"],
        "ready": "/health",
        "ready_s": 30,
    },
    "command": [*TOOL["command"][:2], "{port}", *TOOL["command"][3:]],
}
SPEC = {
    "parameters": {"server": True, "client": True},
    "bench": {"serve": SERVE, "throughput": TOOL},
}


def run(tmp_path, mode="serve", *, ready_s=30, before=(), **card):
    """One run of the toy's benchmark; what is left of its server is `tmp_path/pids`."""
    parameters = {name: card.pop(name, "well") for name in ("server", "client")}
    if mode != "serve":
        del parameters["server"]
    values = {"timeout_s": 60, "dataset": {"requests": 4, "input_tokens": 1, "output_tokens": 1, "seed": 0}}
    one = Card("toy", "test", ("toy",), "c:1", model={}, mode=mode, parameters=parameters, **values | card)
    bench = json.loads(json.dumps(SPEC))
    bench["bench"]["serve"]["server"]["ready_s"] = ready_s
    bench["bench"][mode]["before"] = list(before)

    def prepare(scratch):
        pids = bench["bench"]["serve"]["server"]["command"]
        pids[-1] = str(tmp_path / "pids")
        places = {"python": sys.executable, "model": "m", "output": str(scratch / "work")}
        request = {"bench": bench_request(bench, one, "toy", places)}
        (scratch / "request.json").write_text(json.dumps(request))
        command = [sys.executable, "-s", str(DRIVER), "--request", str(scratch / "request.json")]
        journal = scratch / "journal.jsonl"
        whole = (*command, "--output", str(journal))
        return Ready(whole, {"PATH": os.environ["PATH"]}, scratch / "work", journal, form=FORM)

    output = tmp_path / "results/toy.json"
    done = run_card(
        tmp_path, "toy", "1.0", one, 1, hardware="cpu-test", output=output, interval_s=0, prepare=prepare
    )
    assert read(output) == done
    return done


def left(tmp_path):
    """What still runs of the server and the child that has left its variables behind."""
    pids = (tmp_path / "pids").read_text().split()
    states = [Path(f"/proc/{pid}/status") for pid in pids]
    return [path for path in states if path.exists() and "\nState:\tZ" not in path.read_text()]


def test_a_server_is_started_asked_by_the_tool_and_ended(tmp_path):
    done = run(tmp_path)
    assert (done["status"], done["failure_reason"], done["exit_code"]) == ("SUCCESS", None, 0)
    found = {(one["metric"], one["statistic"]): one["value"] for one in done["results"]}
    assert found.pop(("load_time", "value")) > 0
    assert found == {("output_tput", "value"): 12.5, ("ttft", "mean"): 0.004}
    assert done["phases"].keys() == {"load", "measure"}
    assert all(seconds > 0 for seconds in done["phases"].values())
    assert left(tmp_path) == []


def test_how_a_server_ends_when_all_is_measured_is_no_failure_and_is_in_the_log(tmp_path):
    done = run(tmp_path)
    assert done["findings"] == []
    text = (tmp_path / done["log_path"]).read_text()
    assert "what follows is the end of the server" in text
    assert text.rstrip().endswith("Traceback (most recent call last)")


def test_a_tool_of_its_own_needs_no_server(tmp_path):
    done = run(tmp_path, "throughput", before=[["{python}", "-c", "open('made', 'w').write('{requests}')"]])
    assert done["status"] == "SUCCESS"
    assert done["phases"].keys() == {"prepare", "measure"}
    assert {one["metric"] for one in done["results"]} == {"output_tput", "ttft"}


FAULTS = {
    "never ready": (
        {"server": "never", "ready_s": 1},
        "timeout",
        "load: the server was not ready after 1 s",
        3,
    ),
    "dead at once": (
        {"server": "dead"},
        "engine_error",
        "the server ended with status 1 before it was ready",
        1,
    ),
    "killed meanwhile": (
        {"server": "killed"},
        "engine_error",
        "measure: the server was ended by SIGKILL",
        137,
    ),
    "exits meanwhile": ({"server": "exits"}, "engine_error", "the server ended with status 7 while", 7),
    "all refused": ({"server": "refuses"}, "engine_error", "all 4 requests failed", 0),
    "some refused": ({"client": "some"}, "engine_error", "2 of 4 requests failed", 0),
    "less than asked": ({"client": "less"}, "engine_error", "1 of 4 requests failed", 0),
    "a tool that fails": ({"client": "fails"}, "crash", "exit status 1", 1),
    "no result": ({"client": "nothing"}, "metric_missing", "the tool wrote no r.json", 0),
    "half a result": ({"client": "cut"}, "metric_missing", "r.json is not JSON", 0),
    "another result": ({"client": "other"}, "metric_missing", "not as it usually writes it", 0),
    "not a number": ({"client": "nan"}, "metric_missing", "output_tput value: no finite number", 0),
}


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_of_a_server_or_its_client_has_its_kind_and_leaves_nothing_running(tmp_path, case):
    settings, kind, reason, code = FAULTS[case]
    done = run(tmp_path, **settings)
    assert (done["status"], done["failure_kind"], done["exit_code"]) == ("FAILURE", kind, code)
    assert reason in done["failure_reason"]
    assert all(one["value"] != 0 for one in done["results"])
    assert left(tmp_path) == []


def test_when_all_requests_fail_there_are_metrics_without_values(tmp_path):
    done = run(tmp_path, server="refuses")
    values = {one["metric"]: one["value"] for one in done["results"]}
    assert values.pop("load_time") > 0
    assert values == {"output_tput": None, "ttft": None}


@pytest.mark.parametrize("server", ["well", "stays"])
def test_a_time_out_ends_server_and_tool_within_ten_seconds(tmp_path, server):
    start = time.monotonic()
    done = run(tmp_path, server=server, client="hangs", timeout_s=3)
    assert time.monotonic() - start < 3 + 10
    assert (done["failure_kind"], done["results"]) == ("timeout", [])
    assert left(tmp_path) == []


def test_a_run_that_is_cancelled_while_its_server_starts_leaves_nothing(tmp_path):
    threading.Timer(2, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    done = run(tmp_path, server="never")
    assert (done["failure_kind"], done["failure_reason"]) == ("cancelled", "cancelled by SIGTERM")
    assert left(tmp_path) == []


def test_a_driver_that_is_killed_takes_server_and_tool_along(tmp_path):
    """Whoever kills it, such as the kernel for want of memory."""

    def kill():
        while not (tmp_path / "pids").is_file() or " " not in (tmp_path / "pids").read_text():
            time.sleep(0.05)
        server = (tmp_path / "pids").read_text().split()[0]
        parent = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1]
        os.kill(int(parent), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    done = run(tmp_path, server="never")
    thread.join()
    assert (done["failure_kind"], done["failure_reason"]) == ("signal", "ended by SIGKILL")
    assert left(tmp_path) == []


def test_a_part_of_a_command_whose_parameter_the_card_does_not_set_is_left_out():
    card = Card("c", "s", ("t",), "c:1", model={}, mode="serve", parameters={"rate": 4})
    tool = {
        "command": ["{python}", ["--rate", "{rate}"], ["--most={most}"], "{seed}"],
        "result": "{output}/r",
    }
    spec = {"parameters": {"rate": True, "most": True}, "bench": {"serve": {**tool, "format": "f"}}}
    places = {"python": "py", "model": "m", "output": "o"}
    assert bench_request(spec, card, "toy", places)["command"] == ["py", "--rate", "4", "0"]
    tool["command"].append("{most}")
    with pytest.raises(InputError, match="needs the parameter `most`"):
        bench_request(spec, card, "toy", places)


def test_a_parameter_that_no_command_has_a_place_for_is_refused():
    card = Card("c", "s", ("t",), "c:1", model={}, mode="throughput", parameters={"server": "well"})
    places = {"python": "py", "model": "m", "output": "o"}
    with pytest.raises(InputError, match="no parameter `server` of cards in the mode `throughput`"):
        bench_request(SPEC, card, "toy", places)


def test_an_engine_without_such_a_tool_says_which_modes_it_has():
    card = Card("c", "s", ("t",), "c:1", model={}, mode="latency")
    with pytest.raises(InputError, match="toy is measured in the mode `serve`, `throughput` alone"):
        bench_request(SPEC, card, "toy", {})


YAML = """\
format_version: 1
engine: toy
library: {name: toy, current_version: "1.0"}
perf:
  formats:
    toy-serve: {told_by: [a], values: [{at: a, metric: m}]}
  runs:
    - environment: {python: "3.11", distribution: toy, requirements: envs/toy.txt, dependencies: [toy]}
      parameters: {rate: true}
      bench:
        serve:
          command: ["{python}", "--rate={rate}", "{requests}"]
          result: "{output}/r.json"
          format: toy-serve
"""


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        ("{requests}", "{request}", "nothing is put into `{request}` (did you mean `requests`?)", 12),
        ("--rate={rate}", "--port={port}", "nothing is put into `{port}`", 12),
        ("format: toy-serve", "format: toy-server", "no format `toy-server` (did you mean `toy-serve`?)", 14),
        ("{output}/r.json", "r.json", "result", 13),
        ("        serve:", "        service:", "unknown key `service` (did you mean `serve`?)", 11),
    ],
)
def test_what_is_wrong_with_a_command_is_told_with_its_line(tmp_path, old, new, what, line):
    folder = tmp_path / "engine_versions/perf"
    folder.mkdir(parents=True)
    assert old in YAML
    (folder / "toy.yaml").write_text(YAML)
    assert load_perf(tmp_path, "toy", "1.0")
    (folder / "toy.yaml").write_text(YAML.replace(old, new))
    with pytest.raises(InputError) as found:
        load_perf(tmp_path, "toy", "1.0")
    assert what in found.value.what
    assert found.value.where.startswith(f"engine_versions/perf/toy.yaml:{line}:")


def tools():
    """Each tool of each engine, of the newest version that has it so, with a card that sets all it can."""
    seen = set()
    for engine, versions in perf_engines(ROOT).items():
        for version in reversed(versions):
            spec = load_perf(ROOT, engine, version) or {}
            for mode, tool in spec.get("bench", {}).items():
                if (key := json.dumps([engine, tool])) in seen:
                    continue
                seen.add(key)
                card = Card("c", "s", ("t",), "c:1", model={}, mode=mode, warmup=8, gpus_per_node=1)
                for name in {**spec["parameters"], **tool.get("parameters", {})}:
                    more = {**card.parameters, name: {"dtype": "bfloat16"}.get(name, 4)}
                    with suppress(InputError):
                        translated(spec, replace(card, parameters=more), engine)
                        card = replace(card, parameters=more)
                yield engine, version, mode, bench_request(spec, card, engine, PLACES)


PLACES = {"python": "PYTHON", "model": "MODEL", "output": "OUTPUT"}
SNAPSHOT = Path(__file__).parent / "data/bench_commands.json"


def test_the_commands_of_all_engines_are_these():
    """What is for GPUs has been run nowhere yet: it is what was read in the engines' sources."""
    seen = {f"{engine} {version} {mode}": request for engine, version, mode, request in tools()}
    assert json.loads(SNAPSHOT.read_text()) == seen
    assert {name.split()[0] for name in seen} == {"sglang", "tensorrt_llm", "vllm"}


def test_a_server_is_given_flags_that_its_version_has():
    checked = set()
    for engine, version, mode, request in tools():
        file = ROOT / f"results/{engine}/{version}/cli.schema.json"
        if mode == "serve" and file.is_file():
            known = json.loads(file.read_text())["properties"]
            words = [word.partition("=")[0] for word in request["server"]["command"] if word.startswith("--")]
            assert [word for word in words if word.removeprefix("--") not in known] == [], engine
            checked.add(engine)
    assert checked == {"sglang", "vllm"}


def test_each_tool_has_a_format_of_its_engine():
    formats = load_formats(ROOT)
    for engine, versions in perf_engines(ROOT).items():
        for version in versions:
            for tool in (load_perf(ROOT, engine, version) or {}).get("bench", {}).values():
                assert tool["format"] in formats


def test_what_a_card_measured_before_there_were_modes_is_what_it_measures_now():
    """Records that are there stay comparable."""
    digests = {card.name: card.digest() for card in load_cards(ROOT)}
    assert digests["tiny-single"] == "sha256:4e713495254b2e1be14481c74327611f96dc6c1474d0027ecc7aeaf931bae3b5"
    assert digests["tiny-batch"] == "sha256:825b4140fc9f070468afcd3a9aeee1d101a84d766c02b09513e46f220427a263"
    card = next(card for card in load_cards(ROOT) if card.name == "tiny-serve")
    assert card.digest() != replace(card, mode="throughput").digest()


def test_records_of_one_mode_do_not_depend_on_how_another_is_measured():
    spec = load_perf(ROOT, "vllm", "0.32.0")
    other = json.loads(json.dumps(spec))
    other["bench"]["serve"]["command"].append("--more")
    assert relevant(spec, "offline") == relevant(other, "offline")
    assert relevant(spec, "latency") == relevant(other, "latency")
    assert relevant(spec, "serve") != relevant(other, "serve")
    assert "protocol" not in relevant(spec, "serve")


def test_a_card_whose_command_measures_has_no_mode(tmp_path):
    (tmp_path / "config/workloads").mkdir(parents=True)
    text = "format_version: 1\ncards:\n  - {name: a, tags: [t], mode: serve, command: [x]}\n"
    (tmp_path / "config/workloads/w.yaml").write_text(text)
    with pytest.raises(InputError, match="measures by itself, and has no `mode`") as found:
        load_cards(tmp_path)
    assert found.value.where.startswith("config/workloads/w.yaml:3")
    assert load_yaml(tmp_path / "config/workloads/w.yaml", "w.yaml")
