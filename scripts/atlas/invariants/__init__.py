"""Which configurations an engine rejects, warns about or silently changes: mined and proven."""
