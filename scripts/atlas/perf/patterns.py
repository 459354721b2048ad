"""What in a log means that something failed, and what only looks like it.

The texts of DEFAULT and BENIGN are those that madengine's users know (ROCm/madengine, MIT).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern

DEFAULT = (
    ("oom", "OutOfMemoryError"),
    ("oom", "HIP out of memory"),
    ("oom", "CUDA out of memory"),
    ("exception", "RuntimeError:"),
    ("exception", "AssertionError:"),
    ("exception", "ValueError:"),
    ("exception", "SystemExit"),
    ("exit", "failed (exitcode:"),
    ("exception", "Traceback (most recent call last)"),
    ("failed", "FAILED"),
    ("exception", "Exception:"),
    ("import", "ImportError:"),
    ("import", "ModuleNotFoundError:"),
)
OURS = (
    ("oom", r"\bOut of memory: Killed process\b|\boom-kill(?:er|ed)?\b|\binvoked oom-killer\b"),
    ("oom", r"\bstd::bad_alloc\b|\bMemoryError\b|\bCannot allocate memory\b|\bDefaultCPUAllocator: (?:can't|not enough)"),
    ("oom", r"\bCUBLAS_STATUS_ALLOC_FAILED\b|\bcudaErrorMemoryAllocation\b|\bhipErrorOutOfMemory\b"),
    ("oom", r"\bNo available memory for the cache blocks\b"),
    ("disk_full", r"\bNo space left on device\b|\bDisk quota exceeded\b|\bErrno (?:28|122)\b"),
    ("crash", r"\bSegmentation fault\b|\bSIGSEGV\b|\bsegfault at\b|\bBus error\b|\bIllegal instruction\b"),
    ("crash", r"\bcore dumped\b|^Aborted(?:\s{4,}|\s*$)|\bSIGABRT\b|\bterminate called after throwing\b|^Fatal Python error:"),
    ("crash", r"^(?:.*: line \d+: +\d+ )?Killed(?:\s{4,}|\s*$)|\bSIGKILL\b|\bkilled by signal\b"),
    ("device", r"\billegal memory access\b|\bdevice-side assert triggered\b|\bunspecified launch failure\b"),
    ("device", r"\bCUDA error\b|\bHIP error\b|\bcudaError[A-Z]\w+|\bCUBLAS_STATUS_(?:EXECUTION_FAILED|NOT_INITIALIZED|INTERNAL_ERROR)\b"),
    ("device", r"\bno kernel image is available\b|\bMemory access fault by GPU\b|\bHSA_STATUS_ERROR\w*"),
    ("device", r"\bNVRM: Xid\b|\bXid \(PCI:|\bGPU is lost\b|\bfallen off the bus\b|\buncorrectable ECC\b"),
    ("collective", r"\bNCCL (?:WARN|error)\b|\bncclSystemError\b|\bncclInternalError\b|\bncclUnhandledCudaError\b|\bRCCL (?:WARN|error)\b"),
    ("collective", r"\bWatchdog caught collective operation timeout\b|\bProcessGroupNCCL.*\b(?:abort|terminat)"),
    ("engine", r"\bEngineDeadError\b|\bEngine core (?:proc \S+ )?died\b|\bengine (?:is )?dead\b|\bEngineCore.*\bfatal error\b"),
    ("engine", r"\bWorker proc(?:ess)? \S+ died\b|\bworker died\b|\bbackground loop has errored\b|\bAsyncEngineDeadError\b"),
    ("exception", r"^(?:\w+\.)*(?:KeyError|TypeError|AttributeError|IndexError|OSError|\w+\.\w*(?:Error|Exception))(?::|$)"),
    ("exception", r"^panicked at\b|\bthread '[^']*' panicked at\b"),
    ("exit", r"\bcommand not found$|: (?:No such file or directory|Permission denied)$|\bcannot open shared object file\b"),
)  # fmt: skip
BENIGN = (
    "Failed to establish connection to the metrics exporter agent",
    "RpcError: Running out of retries to initialize the metrics agent",
    "Metrics will not be exported",
    "FutureWarning",
    "Opened result file:",
    "SQLite3 generation ::",
    "rocpd_op:",
    "rpd_tracer:",
)
BENIGN_PATTERNS = (
    r"^E\d{8}.*generateRocpd\.cpp",
    r"^W\d{8}.*simple_timer\.cpp",
    r"^W\d{8}.*generateRocpd\.cpp",
    r"^E\d{8}.*tool\.cpp",
    r"\[rocprofv3\]",
)
OUR_BENIGN = (
    r"\b(?:0|no|zero) (?:tests? |requests? )?FAILED\b|\bFAILED\s*[:=]\s*0\b",
    r"\b(?:caught|ignor(?:ed|ing)|suppress(?:ed|ing)|handled|swallowed)\b.*(?:Error|Exception|Exit)\b",
    r"(?:Error|Exception)\b.*\b(?:recovered|retrying|will retry|falling back|fall back|ignored|ignoring|continuing|skipping)\b",
    r"(?:out of memory|OutOfMemoryError)\b.*\b(?:retrying|falling back|reducing|recovered|skipping)\b",
    r"\bNCCL WARN\b.*\b(?:falling back|will use|not found, using|retrying)\b",
    r"\bDeprecationWarning\b|\bUserWarning\b|\bRuntimeWarning:|\bPendingDeprecationWarning\b",
    r"^\s*(?:#|//)|^\s*[\"'].*(?:Error|Exception)[\"'],?$",
    r"\b(?:raises?|may raise|on|for|except|class|catch(?:es)?|import|from)\s+(?:\w+\.)*\w*(?:Error|Exception)s?\b(?!:)",
    r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)*=\S*(?:FAILED|SIGKILL|SIGABRT|Error)\b",
    r"\b(?:optional|not installed|unavailable|disabled)\b.*\b(?:ImportError|ModuleNotFoundError)\b|\b(?:ImportError|ModuleNotFoundError)\b.*\b(?:optional|disabled|without it)\b",
    r"\b(?:no|without|0) (?:Xid|ECC|uncorrectable|NCCL|CUDA) ?(?:errors?|ECC errors?)?\b|\buncorrectable ECC(?: errors)?: 0\b",
    r"\b(?:handler|handlers) (?:for|of) SIG\w+|\bSIG\w+ handler\b|\bwill (?:send|be sent|use) SIG\w+",
    r"\b(?:fall(?:ing)? back|retrying|attempt \d+ of \d+|retry \d+/\d+)\b",
    r"\bto avoid\b.*\b(?:out of memory|OOM|OutOfMemoryError|segmentation fault)\b",
)  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """What is looked for, and which lines are left out of it."""

    bad: tuple[tuple[str, Pattern[str]], ...]
    benign: tuple[Pattern[str], ...]


def rules(
    replaced: tuple[str, ...] | None = None, benign: tuple[str, ...] = (), *, scan: bool = True
) -> Rules | None:
    """The rules of a card; None where its logs are not to be scanned.

    `replaced` are texts instead of all built-in ones, `benign` texts beside the built-in ones.
    """
    if not scan:
        return None
    texts = DEFAULT if replaced is None else tuple(("card", text) for text in replaced)
    bad = [(category, re.compile(re.escape(text))) for category, text in texts]
    if replaced is None:
        bad += [(category, re.compile(pattern)) for category, pattern in OURS]
    known = [re.compile(re.escape(text)) for text in (*BENIGN, *benign)]
    known += [re.compile(pattern) for pattern in (*BENIGN_PATTERNS, *OUR_BENIGN)]
    return Rules(tuple(bad), tuple(known))
