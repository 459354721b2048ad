"""Timing (used by bench only)."""


def run(pin, repeats):
    return [len(pin) * (i + 1) for i in range(repeats)]
