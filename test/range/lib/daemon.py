"""The daemon: PID 1 of the range's own namespaces. Starts the hosts, sees them end, obeys the command line.

Everything of a range is a child of this process, and everything it mounts is in its mount namespace: when it ends, by
`range down` or by a kill, the kernel takes all of it away.
"""

import json
import os
import selectors
import signal
import socket
import time

from . import layers, network
from .common import RangeError, run
from .delay_line import DelayLine
from .host import Host
from .site import write_site

LONGEST_STOP = 10   # seconds until `stop` no longer waits for the hosts' processes
LONGEST_ORDER = 4096


class Daemon:
    def __init__(self, state, settings):
        self.state = state
        self.settings = settings  # see Settings in control.py
        self.cgroup = state.path("cgroup", "range-" + settings["id"])
        numbers = range(1, settings["hosts"] + 1)
        self.hosts = {host.name: host for host in (Host(number, state, self.cgroup) for number in numbers)}
        self.cuts = network.Cuts(self.hosts)
        self.delay_line = None
        self.layers = None

    def serve(self):
        self._set_up()
        woken = self._wake_on_child()
        listener = self._listen()
        for host in self.hosts.values():
            self._boot(host)
        sources = selectors.DefaultSelector()
        sources.register(listener, selectors.EVENT_READ)
        sources.register(woken, selectors.EVENT_READ)
        open(self.state.ready, "w", encoding="utf-8").close()
        while True:
            due = [host.boot_due for host in self.hosts.values() if host.boot_due]
            for key, _ in sources.select(max(0, min(due) - time.time()) if due else None):
                if key.fileobj is not listener:
                    os.read(woken, 4096)
                elif self._answer_one(listener):
                    return
            self._reap()
            for host in self.hosts.values():
                if host.boot_due and host.boot_due <= time.time():
                    self._boot(host)

    # ---- start ------------------------------------------------------------------------------------------------------

    def _set_up(self):
        """All of this is in the daemon's own mount and network namespaces."""
        run("mount", "-t", "proc", "proc", "/proc")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        os.makedirs("/run/netns")
        if os.path.exists("/proc/sys/net/ipv6/conf/all/disable_ipv6"):
            with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="utf-8") as switch:
                switch.write("1")
        network.make_bridge()
        for folder in ("disk", "mount", "cgroup", "base"):
            os.makedirs(self.state.path(folder), exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "size=" + self.settings["disk"], "tmpfs", self.state.path("disk"))
        run("mount", "-t", "cgroup2", "none", self.state.path("cgroup"))
        os.mkdir(self.cgroup)
        hidden = self.state.path("disk", "hidden")
        os.mkdir(hidden)
        layers.hide_machine(hidden)
        bottom = layers.packages(self.settings["image"], self.state.path("base")) if self.settings["image"] else "/"
        self.layers = f"{hidden}:{bottom}"
        hosts = list(self.hosts.values())
        write_site(self.state, hosts)
        run("mount", "--bind", self.state.hosts_file, "/etc/hosts")
        if self.settings["latency"] is None:
            for host in hosts:
                network.add_link(host)
        else:
            self.delay_line = DelayLine(hosts, self.settings["latency"])
        for host in hosts:
            network.attach(host)

    def _wake_on_child(self):
        woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return woken

    def _listen(self):
        listener = socket.socket(socket.AF_UNIX)
        os.chdir(self.state.folder)  # a socket's whole path may only have 108 bytes
        listener.bind(os.path.basename(self.state.control))
        os.chdir("/")
        listener.listen(32)
        return listener

    # ---- hosts ------------------------------------------------------------------------------------------------------

    def _event(self, host, *words):
        with open(self.state.events, "a", encoding="utf-8") as log:
            print(f"{time.time():.6f}", host, *words, file=log)

    def _boot(self, host):
        host.boot(self.settings["init"], self.layers)
        self._event(host.name, "boot", host.boot_id)

    def _reap(self):
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            for host in self.hosts.values():
                if host.ended(process, status, self.settings["boot_delay"]):
                    self._event(host.name, host.state)

    # ---- orders -----------------------------------------------------------------------------------------------------

    def _answer_one(self, listener):
        """Takes one order off the control socket; True if it was the last."""
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            try:
                answer = self._obey(json.loads(connection.makefile().readline(LONGEST_ORDER)))
            except (ValueError, KeyError, TypeError, OSError, RangeError) as error:
                answer = {"error": str(error)}
            try:
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except OSError:
                pass  # who asked has gone
        return "stopped" in answer

    def _obey(self, order):
        command, name = order["command"], order.get("host")
        if command == "stop":
            return self._stop()
        if command == "status":
            return {host.name: self._told(host) for host in self.hosts.values()}
        if command == "states":  # as `status`, but cheap enough to ask often
            return {host.name: {"state": host.state} for host in self.hosts.values()}
        if name != "all" and name not in self.hosts:
            raise ValueError(f"no such host: {name}")
        if command == "init":
            return {"process": self.hosts[name].init_process()}
        self._event(name, "order", command, *order.get("from", ()))
        if command == "latency":
            if not self.delay_line:
                raise ValueError("the links have no delay line; start with `range up N --latency MS` (0 is allowed)")
            self.delay_line.set(name, order["milliseconds"], order["loss"])
            return {}
        if command == "heal":
            self.cuts.heal(name)
            return {}
        host = self.hosts[name]
        if command == "partition":
            self.cuts.cut(name, order.get("from", []))
        elif command == "boot":
            if host.is_running:
                raise ValueError(name + " is up")
            self._boot(host)
        elif command == "crash":
            host.crash()
        elif command in ("freeze", "thaw"):
            host.freeze(command == "freeze")
        else:
            raise ValueError("unknown order: " + command)
        return {}

    def _told(self, host):
        processes, memory = host.usage()
        return {"address": host.address, "state": host.state, "boots": host.boots, "boot_id": host.boot_id,
                "processes": processes, "memory": memory, "network": self.cuts.told(host.name)}

    def _stop(self):
        for host in self.hosts.values():
            host.boot_due = None
            host.kill()
        end = time.time() + LONGEST_STOP
        while any(host.is_running for host in self.hosts.values()) and time.time() < end:
            self._reap()
            for host in self.hosts.values():
                host.boot_due = None
            time.sleep(.02)
        remove_cgroup(self.cgroup)
        return {"stopped": True}


def remove_cgroup(top):
    """A cgroup can be removed when its last process is gone; the kernel may need a moment."""
    for folder, _, _ in os.walk(top, topdown=False):
        for _ in range(50):
            try:
                os.rmdir(folder)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(.02)
