"""What container engines say, told with the right kind of error and what to do."""

from __future__ import annotations

import pytest

from atlas.environment.runtimes.said import told

SAID = {
    "ERROR (catatonit:6): failed to exec pid1: No such file or directory": (4, "no such program"),
    'exec: "x": executable file not found in $PATH: unknown': (4, "no such program"),
    "exec: /usr/libexec/podman/catatonit: not found": (5, "catatonit"),
    "toomanyrequests: You have reached your limit": (5, "limits pulls"),
    "manifest sha256:4297ab unknown: 404 Not Found": (5, "no such image"),
    "pulling sha256:4290ab: 500 Internal Server Error": (5, "try again"),
    "write /var/lib/x: no space left on device": (5, "make room"),
    "digest did not match": (6, "do not use them"),
}


@pytest.mark.parametrize("text", SAID)
def test_each_thing_that_engines_say_has_its_kind_and_its_advice(text):
    code, advice = SAID[text]
    error = told("podman did not start it", text, "unix:///p.sock")
    assert error.exit_code == code
    assert advice in str(error)
    assert "podman did not start it" in str(error)
