"""What every kind of cluster has: its state, its ledger, its hosts' power. A world's `Cluster` adds its laws."""
import contextlib
import os
import time

from law_hosts import Hosts


class Room:
    """`s` is the whole state (plain JSON values) with "settings", "hosts", "journal", "broken" in it."""

    def __init__(self, directory, state, engine, ledger):
        self.directory, self.s, self.engine, self.ledger = directory, state, engine, ledger
        self.injecting = False
        self.machines = None                      # the real sshds; set by the supervisor
        self.tools, self.own = {}, ()             # name -> tool, paths of the hosts' own; set by the supervisor
        self.hosts = Hosts(self)

    # ---- small words that every law uses

    @property
    def settings(self):
        return self.s["settings"]

    def time(self, name):
        return float(self.settings["times"][name])

    def now(self):
        return time.time()

    def host(self, name):
        return self.s["hosts"][name]

    def names(self):
        return list(self.s["hosts"])

    def after(self, seconds, action):
        self.engine.after(seconds, action)

    def spawn(self, generator):
        return self.engine.spawn(generator)

    def root(self, host, path=""):
        return os.path.join(self.directory, "hosts", host, "root") + path

    def write(self, name, path, text):
        """A file of the host's own, replaced whole."""
        target = self.root(name, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target + ".new", "w") as f:
            f.write(text)
        os.replace(target + ".new", target)

    def write_identity(self, name):
        h = self.host(name)
        self.write(name, "/etc/machine-id", h["machine_id"] + "\n")
        self.write(name, "/proc/sys/kernel/random/boot_id", h["boot_id"] + "\n")
        for leftover in ("/run/reboot-required", "/run/reboot-required.pkgs"):
            try:
                os.unlink(self.root(name, leftover))
            except FileNotFoundError:
                pass

    # ---- the ledger

    def event(self, text, host=None, **more):
        self.ledger.write("event", host=host, text=text, **more)

    def refused(self, text, host=None, **more):
        self.ledger.write("refused", host=host, text=text, **more)

    def violation(self, law, text, host=None, **more):
        """A law is broken, for good. What an injected failure alone breaks is an accident: nobody's step did it."""
        kind = "accident" if self.injecting else "violation"
        self.ledger.write(kind, law=law, host=host, text=text, **more)
        counts = self.s["broken"].setdefault(kind, {})
        counts[law] = counts.get(law, 0) + 1

    @contextlib.contextmanager
    def injected(self):
        before, self.injecting = self.injecting, True
        try:
            yield
        finally:
            self.injecting = before

    def spend(self, kind, name):
        """Takes one of the scenario's planned failures, if any is left."""
        left = self.settings["fail"][kind].get(str(name), 0)
        if left:
            self.settings["fail"][kind][str(name)] = left - 1
            self.event("planned failure: %s %s" % (kind, name))
        return bool(left)

    # ---- what a world says of itself; each has an answer that does for most

    def changed(self):
        """After any change: every law looks again."""

    def write_first(self, name):
        """The files of a freshly installed host."""
        self.write_identity(name)
        self.write(name, "/etc/hostname", name + "\n")

    def host_down(self, name):
        """The machine has just gone."""

    def boots_with(self, name):
        """What the boot that now ends brings: the kernel's release among it."""

    def reachable(self, name):
        """Its network works, so that sshd can be reached once the boot is over."""
        return True

    def host_up(self, name):
        """sshd answers again; the system is still starting."""

    def host_settled(self, name):
        """The boot has ended. A generator."""
        return
        yield

    def host_hangs(self, name, on):
        """It accepts connections and says nothing, or goes on."""

    def unit_state(self, host, unit):
        """systemd's word for one unit (without `.service`), or None for a unit that there is not."""
        return None

    def units(self, host):
        return []

    def unit_act(self, call, verb, unit):
        """start, stop or restart of one unit that exists. A generator that returns the exit code."""
        return 0
        yield

    def disk_free(self, host):
        """Mount point -> bytes."""
        return self.settings["disk_free"]

    def links(self, host):
        """(name, kind, [(address, prefix length)]) of every network link, as `ip addr` shows them."""
        return [("lo", "loopback", [("127.0.0.1", 8)]), ("eth0", "ether", [(self.host(host)["address"], 24)])]

    def domain(self):
        return "lab.test"

    def before_write(self, call):
        """A tool is about to change files of the host; raises Refused where it may not."""

    def facts(self):
        """What follows from the state, for `status --json` under "now"."""
        return {}

    def groups(self):
        """Group -> hosts, for the inventories."""
        return {}

    def act(self, call, words):
        """`standin act DIR WORDS...`: what a person does at a console or in a web page. A generator."""
        call.err("nobody can do that here: %s\n" % " ".join(words))
        return 2
        yield
