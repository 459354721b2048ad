"""A server that answers, or does not, as its words say; a child of its own has none of its variables."""

import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, KIND, PIDS = int(sys.argv[1]), sys.argv[2], sys.argv[3]
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env={})
with open(PIDS, "w") as file:
    file.write(f"{os.getpid()} {child.pid}")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if KIND == "killed" and self.path != "/health":
            os.kill(os.getpid(), signal.SIGKILL)
        if KIND == "exits" and self.path != "/health":
            os._exit(7)
        ready, asked = self.path == "/health", self.path != "/health"
        self.send_response(503 if KIND == "never" and ready else 500 if KIND == "refuses" and asked else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def end(*_):
    if KIND == "stays":
        return
    print("Traceback (most recent call last)", flush=True)
    os._exit(1)


signal.signal(signal.SIGTERM, end)
if KIND == "dead":
    sys.exit("no such model")
server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
threading.Thread(target=server.serve_forever).start()
while True:
    time.sleep(60)
