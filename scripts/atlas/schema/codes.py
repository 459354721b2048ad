"""Codes of limitations that more than one reader of a schema asks for."""

from __future__ import annotations

NOT_RUN = ("environment_unhealthy", "no_environment", "no_sources")
"""Why the live lane did not run."""
