"""hook.py DIR: takes POSTs on a free port of 127.0.0.1; the first two are answered with 503. DIR/url is where, DIR/posts what came, a line each.

Ends by itself after five minutes, or when DIR/url is gone.
"""

import http.server
import os
import sys
import threading
import time

folder = sys.argv[1]
seen = 0


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global seen
        seen += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = 503 if seen <= 2 else 200
        with open(os.path.join(folder, "posts"), "ab") as out:
            out.write(b"%d %s %s %s\n" % (code, self.path.encode(), self.headers["Content-Type"].encode(), body))
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = os.path.join(folder, "url")
with open(url + ".new", "w") as out:
    out.write(f"http://127.0.0.1:{server.server_port}/services/T0/veryhush\n")
os.rename(url + ".new", url)
end = time.monotonic() + 300
while os.path.exists(url) and time.monotonic() < end:
    time.sleep(0.2)
