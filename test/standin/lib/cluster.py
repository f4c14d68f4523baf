"""The cluster: one state, and the laws that every change to it obeys."""
import contextlib
import os
import time

from law_ceph import Ceph
from law_guests import Guests
from law_ha import HA
from law_hosts import Hosts
from law_packages import Packages
from law_quorum import Quorum


class Cluster:
    """`s` is the whole state (plain JSON values); each subject's laws live in a member of their own."""

    def __init__(self, directory, state, engine, ledger):
        self.directory, self.s, self.engine, self.ledger = directory, state, engine, ledger
        self.injecting = False
        self.machines = None                      # the real sshds; set by the supervisor
        self.quorum, self.guests, self.ha = Quorum(self), Guests(self), HA(self)
        self.ceph, self.packages, self.hosts = Ceph(self), Packages(self), Hosts(self)

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

    def changed(self):
        """After any change: every law looks again."""
        self.quorum.check()
        self.ceph.check()
        self.ha.wake()
