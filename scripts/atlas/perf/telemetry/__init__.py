"""Telemetry: one sampler per run, a process of its own, that streams to disk what sensors say."""
