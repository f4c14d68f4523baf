"""corosync-quorumtool, corosync-cfgtool, corosync-cmapctl, pvecm."""
import time

from engine import Refused
from .arguments import integer, need_root, parse


def quorum_information(c, name, addresses):
    """The two blocks that corosync-quorumtool and pvecm status share."""
    q, view, h = c.quorum, c.quorum.view(name), c.host(name)
    number = (lambda n: "0x%08x" % n) if addresses else str
    quorate = q.quorate(name)
    rows = []
    for n in view:
        label = c.host(n)["address"] if addresses else n
        local = " (local)" if n == name else ""
        rows.append("0x%08x          1 %s%s" % (c.host(n)["number"], label, local) if addresses
                    else "%10d          1 %s%s" % (c.host(n)["number"], label, local))
    return """Quorum information
------------------
Date:             %s
Quorum provider:  corosync_votequorum
Nodes:            %d
Node ID:          %s
Ring ID:          %d.%x
Quorate:          %s

Votequorum information
----------------------
Expected votes:   %d
Highest expected: %d
Total votes:      %d
Quorum:           %d  %s
Flags:            %s

Membership information
----------------------
    Nodeid      Votes Name
%s
""" % (time.strftime("%a %b %e %H:%M:%S %Y"), len(view), number(h["number"]), c.host(view[0])["number"], c.s["quorum"]["ring"],
       "Yes" if quorate else "No", q.expected(name), max(q.expected(name), len(view)), len(view), q.needed(name),
       "" if quorate else "Activity blocked", "Quorate " if quorate else "", "\n".join(rows))


def quorumtool(c, call):
    words, options = parse(call.args, flags=("-s", "-l", "-i", "-H"), usage="usage: corosync-quorumtool -s", code=1)
    if words or not options:
        raise Refused(1, "stand-in: corosync-quorumtool knows -s, -l, -i, -H")
    if not c.quorum.runs(call.host):
        raise Refused(1, "Cannot initialize QUORUM service")
    if "s" in options:
        call.out(quorum_information(c, call.host, False))
    else:
        call.out("\nMembership information\n----------------------\n    Nodeid      Votes Name\n" + "".join(
            "%10d          1 %s%s\n" % (c.host(n)["number"], n, " (local)" if n == call.host else "") for n in c.quorum.view(call.host)))
    return 0 if c.quorum.quorate(call.host) else 2


def cfgtool(c, call):
    words, options = parse(call.args, flags=("-s", "-n"), code=1)
    if words or len(options) != 1:
        raise Refused(1, "stand-in: corosync-cfgtool knows -s and -n")
    if not c.quorum.runs(call.host):
        raise Refused(1, "Could not initialize corosync configuration API error CS_ERR_LIBRARY")
    h, view = c.host(call.host), c.quorum.view(call.host)
    if "s" in options:
        call.out("Local node ID %d, transport knet\nLINK ID 0 udp\n\taddr\t= %s\n\tstatus:\n" % (h["number"], h["address"]))
        for n in c.names():
            word = "localhost" if n == call.host else "connected" if n in view else "disconnected"
            call.out("\t\tnodeid:%12d:\t%s\n" % (c.host(n)["number"], word))
        return 0
    call.out("Local node ID %d, transport knet\n" % h["number"])
    for n in c.names():
        if n != call.host:
            call.out("nodeid: %d reachable%s\n   LINK: 0 udp (%s->%s) enabled%s mtu: 1397\n\n" % (
                c.host(n)["number"], "" if n in view else " NOT", h["address"], c.host(n)["address"], " connected" if n in view else ""))
    return 0


def cmapctl(c, call):
    if call.args != ["nodelist.node"]:
        raise Refused(1, "stand-in: corosync-cmapctl knows nodelist.node")
    if not c.quorum.runs(call.host):
        raise Refused(1, "Failed to initialize the cmap API. Error CS_ERR_LIBRARY")
    for number, n in enumerate(c.names()):
        key = "nodelist.node.%d." % number
        call.out("%sname (str) = %s\n%snodeid (u32) = %d\n%squorum_votes (u32) = 1\n%sring0_addr (str) = %s\n" % (
            key, n, key, c.host(n)["number"], key, key, c.host(n)["address"]))
    return 0


def pvecm(c, call):
    verb, args = call.args[0] if call.args else "", call.args[1:]
    if verb == "status" and not args:
        if not c.quorum.runs(call.host):
            raise Refused(1, "Cannot initialize CMAP service")
        call.out("Cluster information\n-------------------\nName:             lab\nConfig Version:   3\nTransport:        knet\n"
                 "Secure auth:      on\n\n" + quorum_information(c, call.host, True))
        return 0 if c.quorum.quorate(call.host) else 2
    if verb == "nodes" and not args:
        if not c.quorum.runs(call.host):
            raise Refused(1, "Cannot initialize CMAP service")
        call.out("\nMembership information\n----------------------\n    Nodeid      Votes Name\n" + "".join(
            "%10d          1 %s%s\n" % (c.host(n)["number"], n, " (local)" if n == call.host else "") for n in c.quorum.view(call.host)))
        return 0
    if verb in ("expected", "e") and len(args) == 1:
        need_root(c, call)
        c.quorum.set_expected(call.host, integer(args[0], "expected votes", 255))
        return 0
    raise Refused(255, "ERROR: unknown command 'pvecm %s'; the stand-in knows status, nodes, expected N" % " ".join(call.args))


TOOLS = {"corosync-quorumtool": quorumtool, "corosync-cfgtool": cfgtool, "corosync-cmapctl": cmapctl, "pvecm": pvecm}
