"""Perf stage: workload cards, one honest record of each run, telemetry, and verdicts that survive noise."""
