"""One run of a card on an engine, from opening its record to closing it."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from atlas.canonical import digest
from atlas.errors import AtlasError
from atlas.perf.bench import benched
from atlas.perf.cards import Card
from atlas.perf.driver.atlas_driver.bench import OVER
from atlas.perf.failure import Seen, classify
from atlas.perf.machine import capture, family
from atlas.perf.metrics import Journal, made_by, measured, powered, read_journal, succeeded
from atlas.perf.nodes import Spread, gathered
from atlas.perf.patterns import rules
from atlas.perf.prepared import VISIBLE, NotReady, Ready, ready
from atlas.perf.record import BESIDE, Writer, now, opened
from atlas.perf.redact import Redactor
from atlas.perf.results import Result, multiple_results, read_performance
from atlas.perf.scan import scan_log
from atlas.perf.supervise import Cancelled, Ended, Here, Interrupted, supervise
from atlas.perf.telemetry.started import INTERVAL_S, Sampler, read_trace
from atlas.perf.telemetry.summary import summarise
from atlas.perf.tools import Wrapped, wrap

Prepare = Callable[[Path], Ready]


def run_card(
    root: Path,
    engine: str,
    version: str,
    card: Card,
    repeat: int,
    *,
    hardware: str,
    output: Path,
    interval_s: float = INTERVAL_S,
    prepare: Prepare | None = None,
) -> dict[str, Any]:
    """Run a card once and return its record, which is at `output` by then, whatever has happened.

    `hardware` may end in what starts it, as the names of records' folders do. Its log, the driver's journal
    and the telemetry are kept in logs/perf/. Without an interval nothing is sampled.
    """
    record = opened(engine, version, card, repeat, hardware)
    writer = Writer(output)
    writer.begin(record)
    kept = root / "logs" / "perf" / engine / version / hardware / card.name
    kept.mkdir(parents=True, exist_ok=True)
    log = kept / f"{repeat}.log"
    record["log_path"] = log.relative_to(root).as_posix()
    record["machine_name"] = platform.node()
    redact = Redactor.of(os.environ)
    # Other nodes see what lies in the project, and not this one's temporary folder.
    shared = kept if card.launched else None
    with Cancelled() as cancelled, tempfile.TemporaryDirectory(prefix="atlas-perf-", dir=shared) as name:
        scratch = Path(name).resolve()
        for folder in ("home", "tmp", "work", "fixtures"):
            (scratch / folder).mkdir()
        try:
            with cancelled.at_once():
                made = (prepare or (lambda at: ready(root, engine, version, card, at)))(scratch)
            _describe(record, made)
            redact = Redactor.of({**os.environ, **made.env})
            seen, facts = _measure(made, card, scratch, log, kept / str(repeat), cancelled, interval_s)
        except Interrupted:
            seen, facts = Seen(cancelled=cancelled.by), {}
        except NotReady as error:
            # What a child is asked to end for, fails too.
            setup = None if cancelled.by else (error.kind, str(error))
            seen, facts = Seen(setup=setup, cancelled=cancelled.by), {}
        except OSError as error:
            kind = "disk_full" if error.errno in (28, 122) else "environment"
            seen, facts = Seen(setup=(kind, f"{error.strerror}: {error.filename}")), {}
    failure = classify(seen)
    record |= {**facts, "notes": [*record["notes"], *facts.get("notes", ())]}
    record["finished_at"] = now()
    record["exit_code"] = seen.exit_code
    record["findings"] = [vars(one) for one in seen.findings]
    degraded = failure is not None and failure[0] == "nodes_missing" and seen.degraded
    record["status"] = "DEGRADED" if degraded else "FAILURE" if failure else "SUCCESS"
    record["failure_kind"], record["failure_reason"] = failure or (None, None)
    if failure and failure[0] in ("timeout", "cancelled", "oom", "signal", "crash", "disk_full"):
        record["results"] = []
    for part in ("failure_reason", "findings", "notes", "results"):
        record[part] = redact.value(record[part])
    writer.finish(record)
    return record


def _describe(record: dict[str, Any], made: Ready) -> None:
    captured = {**capture(made.env, made.packages), "python": made.python}
    if made.image:
        captured["image"] = dict(made.image)
    record["runtime"] = made.image["runtime"] if made.image else BESIDE
    if made.box:
        captured["packages"] = dict(made.box.facts["packages"])
    record["environment"] = captured
    record["environment_digest"] = digest(captured)
    record["environment_family"] = family(captured)
    record["model_digest"] = made.model_digest
    record["runtime_digest"] = made.runtime_digest
    record["notes"] = list(made.notes)


def _measure(
    made: Ready, card: Card, scratch: Path, log: Path, kept: Path, cancelled: Cancelled, interval_s: float
) -> tuple[Seen, dict[str, Any]]:
    """Run the command beside a sampler; what was seen, and what goes into the record."""
    telemetry = kept.with_suffix(".telemetry.jsonl")
    telemetry.unlink(missing_ok=True)
    box, profiles = made.box, kept.with_suffix(".tools")
    wrapped = wrap(
        made.command,
        card.tools,
        scratch / "tools" if box else profiles,
        driven=made.journal is not None and made.form is None,
        has=box.has if box else shutil.which,
    )
    samplers: list[Sampler] = []
    limit = card.timeout_s or None
    try:
        ended = supervise(
            wrapped.command,
            env={**made.env, **wrapped.env},
            cwd=made.cwd,
            log=log,
            timeout_s=limit,
            cancelled=cancelled,
            start=box.start if box else Here,
            started=lambda pid: samplers.extend([Sampler(telemetry, pid, interval_s)] if interval_s else []),
        )
    except OSError as error:
        return Seen(setup=("environment", f"cannot be started: {error.strerror}: {error.filename}")), {}
    except AtlasError as error:
        return Seen(setup=("environment", str(error))), {}
    finally:
        for sampler in samplers:
            sampler.end()
    if box and wrapped.used:
        shutil.copytree(scratch / "tools", profiles, dirs_exist_ok=True)
    journal = read_journal(made.journal) if made.journal else Journal()
    if made.journal and made.journal.is_file():
        with suppress(OSError):
            shutil.copyfile(made.journal, kept.with_suffix(".journal.jsonl"))
    start, end = journal.window or (None, None)
    summary = summarise(read_trace(telemetry), start, end, card.gpus_per_node, given_devices(made))
    spread = gathered(card, made.launch, log) if made.launch else None
    results, bad, requests = _results(made, card, log, journal, scratch, spread)
    tokens = sum(made_by(one) for one in succeeded(journal))
    results += powered(summary, tokens) if journal.window else []
    findings = scan_log(log, _rules(card), until=OVER if made.form else None)
    seen = Seen(
        setup=("environment", ended.lost) if ended.lost and not ended.cancelled else journal.setup,
        exit_code=ended.exit_code,
        timed_out=limit if ended.timed_out else None,
        cancelled=ended.cancelled,
        oom_kills=ended.oom_kills,
        findings=findings,
        engine_error=spread.failed if spread else journal.error,
        requests=requests,
        bad_results=bad,
        results=sum(one["value"] is not None for one in results),
        nodes=spread.missing if spread else None,
        degraded=spread is not None and spread.degraded,
    )
    facts = {**_facts(ended, journal, summary, results, wrapped), "phases": _phases(made, journal)}
    return seen, {**facts, **(spread.facts if spread else {})}


def given_devices(made: Ready, environ: Mapping[str, str] = os.environ) -> str | None:
    """The GPUs that a scheduler or the card gave a run, by the machine's numbers; None where nobody did."""
    given = environ if made.box else made.env  # a container numbers its devices anew
    return next((given[name] for name in VISIBLE if name in given), None)


def _phases(made: Ready, journal: Journal) -> dict[str, float | None]:
    """Seconds of each; null for what did not end. What an engine's own tool goes through, only it knows."""
    found: dict[str, float | None] = {}
    if made.converted_s is not None:
        found["convert"] = made.converted_s
    if not journal.phases:
        return found
    usual = ("load", "warmup", "measure")
    names = usual if made.form is None else [name for name, _ in journal.phases if name != "end"]
    return {**found, **{name: journal.phase(name) for name in names}}


def _facts(
    ended: Ended, journal: Journal, summary: dict[str, Any], results: list[dict[str, Any]], wrapped: Wrapped
) -> dict[str, Any]:
    origin = journal.window[0] if journal.window else 0.0
    return {
        "test_duration": round(ended.seconds, 3),
        "results": results,
        "requests": [_short(one, origin) for one in journal.requests],
        "telemetry": summary,
        "validity": summary["valid"],
        "validity_reasons": summary["reasons"],
        "profiled": [tool for tool in wrapped.used if tool not in journal.left_out],
        "notes": [
            *wrapped.notes,
            *(f"{tool}: {why}, so it was left out" for tool, why in journal.left_out.items()),
        ],
    }


def _rules(card: Card) -> Any:
    return rules(card.log_error_patterns, card.log_error_benign_patterns, scan=card.log_error_pattern_scan)


def _results(
    made: Ready, card: Card, log: Path, journal: Journal, scratch: Path, spread: Spread | None
) -> tuple[list[dict[str, Any]], list[str], tuple[int, int] | None]:
    """Results, what is wrong with some, and how many requests succeeded and failed."""
    if spread:
        return spread.results, spread.bad, None
    if made.form is not None:
        return benched(journal, made.form, card)
    if made.journal:
        good = len(succeeded(journal))
        wanted = max(card.dataset["requests"], len(journal.requests)) if journal.window else 0
        requests = (good, wanted - good) if journal.window else None
        results = measured(journal)
        bad = [f"{one['metric']}: {one['reason']}" for one in results if one["value"] is None]
        return results, bad, requests
    if card.multiple_results:
        try:
            found = multiple_results(scratch / "work" / card.multiple_results)
        except ValueError as error:
            return [], [str(error)], None
    else:
        found = read_performance(log)
    bad = [f"{one.name or one.metric}: {one.reason}" for one in found if one.value is None]
    return [_json(one) for one in found], bad, None


def _json(result: Result) -> dict[str, Any]:
    return {"ci_low": None, "ci_high": None, **result.as_json()}


def _short(request: dict[str, Any], origin: float) -> dict[str, Any]:
    """A request without the times of all its tokens, which are in the journal; seconds of the window."""
    tokens = request["tokens"]
    return {
        "batch": request["batch"],
        "sent": round(request["sent"] - origin, 6),
        "first": round(tokens[0] - origin, 6) if tokens else None,
        "done": round(request["done"] - origin, 6) if request["done"] is not None else None,
        "n_in": request["n_in"],
        "n_out": made_by(request),
        **({"error": request["error"]} if request.get("error") else {}),
    }
