"""The network between the hosts: a bridge, one link per host, and what cuts them off from each other."""

import os

from .common import CONTROLLER, run

CONTROLLER_OCTET = 0xFE


def mac(number):
    return f"02:77:00:00:00:{number:02x}"


def make_bridge():
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "br0", "address", mac(CONTROLLER_OCTET), "type", "bridge", "stp_state", "0",
        "forward_delay", "0", "mcast_snooping", "0")
    run("ip", "addr", "add", CONTROLLER + "/24", "dev", "br0")
    run("ip", "link", "set", "br0", "up")


def add_link(host):
    """The host's cable: `hN` in the bridge, `ehN` is what becomes its eth0."""
    run("ip", "link", "add", host.name, "type", "veth", "peer", "name", "e" + host.name)


def attach(host):
    run("ip", "link", "set", "e" + host.name, "address", mac(host.number))
    run("ip", "link", "set", host.name, "master", "br0", "up")


def plug(host):
    """Moves the network card into a network namespace made for this boot. A new one per boot: no orphaned socket of the
    last boot sends its FIN once the host is back, its peers get RST, as from a real machine."""
    run("ip", "netns", "del", host.name, check=False)
    run("ip", "netns", "add", host.name)
    run("ip", "link", "set", "e" + host.name, "netns", host.name, "name", "eth0")
    run("ip", "-n", host.name, "-b", "-",
        text=f"link set lo up\naddr add {host.address}/24 brd + dev eth0\nlink set eth0 up\n")


def unplug(host):
    run("ip", "-n", host.name, "link", "set", "eth0", "netns", str(os.getpid()), "name", "e" + host.name, check=False)


class Cuts:
    """Who does not hear whom. Frames are dropped silently, both ways."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.pairs = set()     # frozenset of two host names, or of one and "ctl", the controller
        self.isolated = set()  # hosts whose cable is cut

    def cut(self, name, others):
        for other in others:
            if other != "ctl" and other not in self.hosts:
                raise ValueError("no such host: " + other)
        if others:
            self.pairs.update(frozenset((name, other)) for other in others)
        else:
            self.isolated.add(name)
        self._apply()

    def heal(self, name):
        """`name` hears everybody again; "all": everybody everybody."""
        if name == "all":
            self.pairs.clear()
            self.isolated.clear()
        else:
            self.isolated.discard(name)
            self.pairs = {pair for pair in self.pairs if name not in pair}
        self._apply()

    def told(self, name):
        if name in self.isolated:
            return "isolated"
        return ",".join("!" + other for other in self._others(name)) or "ok"

    def _others(self, name):
        return sorted(other for pair in self.pairs if name in pair for other in pair - {name})

    def _apply(self):
        """Filters on the bridge's end of the cable: they stay when the host restarts and its end goes away."""
        for host in self.hosts.values():
            run("tc", "qdisc", "del", "dev", host.name, "clsact", check=False)
            others = self._others(host.name)
            if host.name in self.isolated or others:
                run("tc", "qdisc", "add", "dev", host.name, "clsact")
            if host.name in self.isolated:
                for way in ("egress", "ingress"):
                    _drop(host, way, ["6 0 0 2"])
                continue
            for other in others:
                octet = CONTROLLER_OCTET if other == "ctl" else self.hosts[other].number
                # The last two bytes of the other's MAC: the source on the way to the host, the destination from it.
                for way, offset in (("egress", 10), ("ingress", 4)):
                    _drop(host, way, [f"40 0 0 {offset}", f"21 0 1 {octet}", "6 0 0 2", "6 0 0 4294967295"])


def _drop(host, way, program):
    """A filter in classic BPF: 40 loads two bytes, 21 compares, 6 returns; 2 is TC_ACT_SHOT, -1 goes on."""
    run("tc", "filter", "add", "dev", host.name, way, "bpf", "da", "bytecode", ",".join([str(len(program))] + program))
