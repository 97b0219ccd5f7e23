"""Starts Gajim with an ear: Python that comes by a socket runs in Gajim's main loop, so
that a walk can ask Gajim's own model, and find its widgets. ear.py SOCKET."""

import json
import os
import socketserver
import sys
import threading
import traceback

from gi.repository import GLib


class Ear(socketserver.StreamRequestHandler):
    def handle(self):
        code = self.rfile.read().decode()
        done, answer = threading.Event(), {}

        def run():
            try:
                exec(compile(code, 'walk', 'exec'), namespace)
                answer['result'] = namespace.pop('result', None)
            except Exception:
                answer['error'] = traceback.format_exc()
            done.set()
            return GLib.SOURCE_REMOVE

        ready.wait(20)
        GLib.idle_add(run)
        done.wait(20)
        self.wfile.write(json.dumps(answer or {'error': 'Gajim does not answer'}, default=str).encode())


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


namespace, ready = {}, threading.Event()

if __name__ == '__main__':  # Gajim starts processes that import this once more
    path = sys.argv.pop(1)
    if os.path.exists(path):
        os.unlink(path)
    threading.Thread(target=Server(path, Ear).serve_forever, daemon=True).start()

    from gajim.gajim import main

    def prepare():  # when Gajim has begun: its modules want that
        with open('inside.py') as inside:
            exec(compile(inside.read(), 'inside.py', 'exec'), namespace)
        ready.set()

    GLib.idle_add(prepare)

    sys.argv[0] = 'gajim'
    sys.exit(main())
