"""The fake NVML, where there is a C compiler and its source."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "fake_nvml.c"


@pytest.fixture(scope="session")
def fake_nvml(tmp_path_factory) -> Path:
    """The folder of a libnvidia-ml.so.1 whose devices say what the environment tells them to."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler, so no stand-in for NVML")
    folder = tmp_path_factory.mktemp("nvml")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-Wl,-soname,libnvidia-ml.so.1", "-o", library, SOURCE, "-lm"],
        check=True,
    )
    return folder


@pytest.fixture
def gpus(fake_nvml, monkeypatch):
    """Environment for processes that are to see the fake devices."""
    before = os.environ.get("LD_LIBRARY_PATH", "")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{fake_nvml}:{before}".rstrip(":"))
    return monkeypatch.setenv
