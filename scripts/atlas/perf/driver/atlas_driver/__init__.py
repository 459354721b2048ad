"""Engine-side code of a run: loads, warms up, measures and keeps times. It judges nothing.

Standard library only, as it runs in the engine's environment.
"""
