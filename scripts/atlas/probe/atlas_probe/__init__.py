"""Runs inside an engine's environment: imports what a request names and writes what it sees, as JSON.

Standard library only, Python 3.9 or newer, and nothing of `atlas`, so that its folder can be sent
anywhere an engine runs. Imports are relative and at the top of modules: the folder is on the path only
until all of them are imported.

It decides nothing. Each class, function, parser or call that fails becomes a limitation beside the
others' facts; only a request that cannot be read ends it. The facts follow the model of
atlas/schema/facts.

From the outside in: command, answer, then classes, signatures, flags, effective and observed; below them the
readers of fields; below those types (expressions, hints, metadata) and values (values, defaults).

Beside answer is serve, which tries configurations on the engine: chunk, then outcomes; below those what
calls, capture (warnings), thrown (exceptions) and changes (values) see, with frames, shapes and alarm.
"""
