"""Jobs on a cluster: where they go, what becomes of them, and engines over several nodes."""
