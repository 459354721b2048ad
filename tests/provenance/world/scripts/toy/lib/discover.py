"""Discovery (used by schema only, and imported late)."""


def discover(surface):
    return sorted(surface)
