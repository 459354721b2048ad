"""Runs inside a container: which GPUs its management library shows. Standard library only, Python 3.9 on.

Prints one line of JSON: {"vendor", "count", "driver", "toolkit", "torch", "reason"}; `toolkit` is the newest
CUDA that the driver serves, `torch` the one that the image's torch was made for.
"""

import ctypes
import importlib.util
import json
import os
import re
import sys
from typing import Any

NVML = "libnvidia-ml.so.1"


def nvidia() -> dict[str, Any]:
    try:
        nvml = ctypes.CDLL(NVML)
    except OSError as error:
        return {"count": 0, "reason": str(error)}
    code = nvml.nvmlInit_v2()
    if code:
        return {"count": 0, "reason": "nvmlInit fails with code %d" % code}
    count, cuda, text = ctypes.c_uint(), ctypes.c_int(), ctypes.create_string_buffer(96)
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    nvml.nvmlSystemGetDriverVersion(text, 96)
    found: dict[str, Any] = {"count": count.value, "driver": text.value.decode(errors="replace")}
    try:
        if not nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(cuda)):
            found["toolkit"] = "%d.%d" % (cuda.value // 1000, cuda.value % 1000 // 10)
    except AttributeError:
        pass  # A driver that is older than the question.
    return found


def amd() -> dict[str, Any]:
    names = os.listdir("/dev/dri") if os.path.exists("/dev/kfd") and os.path.isdir("/dev/dri") else []
    count = len([name for name in names if name.startswith("renderD")])
    return {"count": count, "reason": None if count else "/dev/kfd or /dev/dri/renderD* is not there"}


def torch_toolkit() -> Any:
    """From the file that says so, as importing torch takes seconds."""
    spec = importlib.util.find_spec("torch")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        try:
            with open(os.path.join(place, "version.py"), encoding="utf-8") as file:
                found = re.search(r"^cuda.*=\s*'([\d.]+)'", file.read(), re.M)
        except OSError:
            continue
        if found:
            return found.group(1)
    return None


if __name__ == "__main__":
    vendor = sys.argv[1]
    base = {"vendor": vendor, "driver": None, "toolkit": None, "torch": torch_toolkit(), "reason": None}
    print(json.dumps({**base, **{"nvidia": nvidia, "amd": amd}[vendor]()}))
