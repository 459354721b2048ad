"""An engine's benchmark: so many requests to a port (0 for none), and a file about them, as its words say."""

import json
import sys
import time
import urllib.error
import urllib.request

PORT, KIND, REQUESTS, RESULT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
if KIND == "hangs":
    time.sleep(600)
if KIND == "fails":
    sys.exit(f"benchmark: error: argument --nonsense, on port {PORT}")
good = bad = 0
for _ in range(REQUESTS):
    try:
        if PORT:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ask", timeout=20).read()
        good += 1
    except (OSError, urllib.error.URLError):
        bad += 1
if KIND == "less":
    good -= 1
if KIND == "some":
    good, bad = good - 2, 2
found = {
    "completed": good,
    "failed": bad,
    "output_throughput": 12.5 if good else 0,
    "mean_ttft_ms": 4.0 if good else 0,
}
if KIND == "nan":
    found["output_throughput"] = float("nan")
if KIND == "other":
    found = {"speed": 1}
if KIND != "nothing":
    with open(RESULT, "w") as file:
        file.write("{" if KIND == "cut" else json.dumps(found))
