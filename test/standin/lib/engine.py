"""The supervisor's loop: timers, tasks, and the unix socket on which the stand-in tools ask.

A task is a generator. It yields seconds to wait, or READ to be given one line of the asking tool's standard input (None
at its end). One thread: between two yields nothing else happens, so a law never sees half a change.
"""
import heapq
import itertools
import os
import selectors
import socket
import time
import traceback

READ = object()
MAX_REQUEST = 1 << 20


class Refused(Exception):
    """A tool says no: its message and its exit code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class Call:
    """One run of one stand-in tool on one host."""

    def __init__(self, conn, host, tool, cwd, env, args):
        self.conn, self.host, self.tool, self.cwd, self.env, self.args = conn, host, tool, cwd, env, args
        self.began = time.monotonic()
        self.handed_over = False
        self.number = None

    def out(self, text):
        self.conn.send(b"o", text.encode())

    def err(self, text):
        self.conn.send(b"e", text.encode())

    def run_real(self, argv):
        """The tool becomes this command; leading \\x01NAME=VALUE words change its environment."""
        self.handed_over = True
        self.conn.send(b"x", b"\0".join(os.fsencode(a) for a in argv))

    def run_mapped(self, root, argv):
        """The tool runs the real command on mapped files and hides `root` from what it prints."""
        self.handed_over = True
        self.conn.send(b"m", b"\0".join(os.fsencode(a) for a in [root] + argv))


class Connection:
    def __init__(self, engine, sock):
        self.engine, self.sock, self.task, self.call = engine, sock, None, None
        self.inbox, self.outbox, self.reading, self.closing = b"", b"", False, False

    def send(self, kind, payload):
        self.outbox += kind + len(payload).to_bytes(4, "big") + payload
        self.flush()

    def flush(self):
        while self.outbox:
            try:
                self.outbox = self.outbox[self.sock.send(self.outbox):]
            except BlockingIOError:
                break
            except OSError:
                self.outbox = b""
        if self.sock.fileno() >= 0:
            mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.outbox else 0)
            self.engine.selector.modify(self.sock, mask, self.ready)
            if self.closing and not self.outbox:
                self.close()

    def close(self):
        if self.sock.fileno() >= 0:
            self.engine.selector.unregister(self.sock)
            self.sock.close()

    def ready(self, mask):
        if mask & selectors.EVENT_WRITE:
            self.flush()
        if not mask & selectors.EVENT_READ or self.sock.fileno() < 0:
            return
        try:
            got = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            self.close()
            if self.task:
                self.engine.drop(self.task)
            return
        self.inbox += got
        self.parse()

    def parse(self):
        if len(self.inbox) < 4:
            return
        length = int.from_bytes(self.inbox[:4], "big")
        if self.task is None:
            if length > MAX_REQUEST:
                self.close()
            elif len(self.inbox) >= 4 + length:
                body, self.inbox = self.inbox[4:4 + length], self.inbox[4 + length:]
                self.engine.accept_request(self, [os.fsdecode(f) for f in body.split(b"\0")])
        elif self.reading:
            if length == 0xFFFFFFFF:
                self.inbox, self.reading = self.inbox[4:], False
                self.engine.step(self.task, None)
            elif len(self.inbox) >= 4 + length:
                line, self.inbox, self.reading = self.inbox[4:4 + length], self.inbox[4 + length:], False
                self.engine.step(self.task, line.decode("utf-8", "replace"))


class Task:
    def __init__(self, generator, conn=None):
        self.generator, self.conn, self.alive = generator, conn, True


class Engine:
    def __init__(self, on_request, on_idle):
        self.selector = selectors.DefaultSelector()
        self.timers, self.order = [], itertools.count()
        self.on_request, self.on_idle, self.running = on_request, on_idle, True

    # ---- time and tasks

    def after(self, seconds, action):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), action))

    def spawn(self, generator, conn=None):
        task = Task(generator, conn)
        self.step(task, None)
        return task

    def step(self, task, value):
        if not task.alive:
            return
        try:
            wanted = task.generator.send(value)
        except StopIteration as stop:
            self.finish(task, stop.value)
        except Refused as no:
            if task.conn:
                task.conn.send(b"e", (no.text + "\n").encode() if no.text else b"")
            self.finish(task, no.code)
        except Exception:
            traceback.print_exc()
            if task.conn:
                task.conn.send(b"e", ("stand-in: internal error: " + traceback.format_exc(limit=-2)).encode())
            self.finish(task, 70)
        else:
            if wanted is READ:
                task.conn.reading = True
                task.conn.send(b"r", b"")
                task.conn.parse()
            else:
                self.after(wanted, lambda: self.step(task, None))

    def drop(self, task):
        """The tool was killed: its generator is closed where it stands."""
        if task.alive:
            task.alive = False
            task.generator.close()

    def finish(self, task, code):
        task.alive = False
        conn = task.conn
        if conn and conn.sock.fileno() >= 0:
            if not (conn.call and conn.call.handed_over):
                conn.send(b"q", bytes([(code or 0) & 255]))
            conn.closing = True
            conn.flush()

    # ---- the socket

    def listen(self, directory):
        path = os.path.join(directory, "socket")
        if os.path.exists(path):
            os.unlink(path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(directory, os.O_PATH | os.O_DIRECTORY)   # sun_path holds 108 bytes, a test's folder may be longer
        server.bind("/proc/self/fd/%d/socket" % folder)
        os.close(folder)
        server.listen(256)
        server.setblocking(False)
        self.selector.register(server, selectors.EVENT_READ, lambda mask: self.accept(server))

    def accept(self, server):
        try:
            sock, _ = server.accept()
        except OSError:
            return
        sock.setblocking(False)
        conn = Connection(self, sock)
        self.selector.register(sock, selectors.EVENT_READ, conn.ready)

    def accept_request(self, conn, fields):
        try:
            host, tool, cwd, count = fields[0], fields[1], fields[2], int(fields[3])
            env = dict(pair.split("=", 1) for pair in fields[4:4 + count])
        except (IndexError, ValueError):
            conn.close()
            return
        conn.call = Call(conn, host, tool, cwd, env, fields[4 + count:])
        conn.task = Task(self.on_request(conn.call), conn)
        self.step(conn.task, None)

    # ---- the loop

    def run(self):
        while self.running:
            self.on_idle()
            now = time.monotonic()
            wait = max(0, self.timers[0][0] - now) if self.timers else 1.0
            for key, mask in self.selector.select(min(wait, 1.0)):
                key.data(mask)
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                heapq.heappop(self.timers)[2]()
