"""Engine-side code of a run: loads, warms up and measures as a request says, and keeps times. It judges nothing."""
