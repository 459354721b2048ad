"""Invariants: which configurations an engine rejects, warns about or silently changes, proven on the engine."""
