#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server on the loopback, for tests of clients: answers as it is told, and records what it was asked.

  http_echo.py ANSWERS RECORD -- PROGRAM [ARGUMENT…]

ANSWERS is a file with a JSON object {PATH: {"status": N, "body": JSON}}. `{server}` in the program's
arguments becomes the server's URL. What was asked goes to the file RECORD as a JSON list of
{"path", "headers", "body"}; the exit status is that of the program.
"""
import http.server
import json
import subprocess
import sys
import threading

answers = json.load(open(sys.argv[1]))
record = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        record.append({"path": self.path, "headers": dict(self.headers.items()),
                       "body": json.loads(body)})
        answer = answers.get(self.path, {"status": 404, "body": "no answer is set"})
        payload = json.dumps(answer["body"]).encode()
        self.send_response(answer["status"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
program = [a.replace("{server}", url) for a in sys.argv[sys.argv.index("--") + 1:]]
status = subprocess.run(program).returncode
server.shutdown()
with open(sys.argv[2], "w") as file:
    json.dump(record, file)
sys.exit(status)
