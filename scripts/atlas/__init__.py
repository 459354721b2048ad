"""Engine Atlas: what each pinned inference engine accepts, derived from the engine and proven."""
