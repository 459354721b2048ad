"""Runs Snakemake many times in one second: imports it once, and forks for each request.

One request a line on stdin, {"cwd", "env", "arguments"}; one answer a line on stdout,
{"status", "output"}. A process of its own, because forking the test runner's threads is not safe.
"""

import importlib
import json
import os
import sys
import tempfile

import snakemake.cli
import snakemake.logging

LATE = ("atlas.provenance.codeprint", "atlas.provenance.sidecar", "smart_open", "snakemake.report", "yaml")
"""What would be imported in each child."""


def run(request):
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
                os.chdir(request["cwd"])
                os.environ.update(request["env"])
                sys.argv = ["snakemake", *request["arguments"]]
                snakemake.cli.main(request["arguments"])
            except SystemExit as end:
                status = end.code or 0
            except BaseException as error:
                print(repr(error))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status if isinstance(status, int) else 1)
        _, ended = os.waitpid(child, 0)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return {"status": os.waitstatus_to_exitcode(ended), "output": text}


for name in LATE:
    importlib.import_module(name)
snakemake.cli.parse_args(["--dry-run"])  # loads the plugins

for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
