"""Corosync: who is a member, who has quorum, what the journal says, and when the cluster splits."""
from engine import Refused

JOURNAL_LINES = 500


class Quorum:
    def __init__(self, cluster):
        self.c = cluster

    # ---- membership

    def runs(self, name):
        h = self.c.host(name)
        return h["power"] in ("up", "stopping") and not h["hung"] and h["corosync"] == "active"

    def members(self):
        return [n for n in self.c.names() if self.runs(n) and not self.c.host(n)["outside"]]

    def view(self, name):
        """The members that `name` itself sees; none without a running corosync."""
        if not self.runs(name):
            return []
        return [name] if self.c.host(name)["outside"] else self.members()

    def expected(self, name=None):
        if name and self.c.host(name)["outside"]:
            return len(self.c.names())
        return self.c.s["quorum"]["expected"]

    def needed(self, name=None):
        return self.expected(name) // 2 + 1

    def quorate(self, name):
        view = self.view(name)
        return bool(view) and len(view) >= self.needed(name)

    def any_quorate(self):
        return len(self.members()) >= self.needed()

    def writable(self, name):
        """/etc/pve can be written on this host."""
        return self.quorate(name) and self.c.host(name)["out_of_service"] is None

    def require_write(self, name, text="cluster not ready - no quorum?", code=255):
        if not self.writable(name):
            self.c.refused("no quorum: the cluster file system is read-only", name)
            raise Refused(code, text)

    # ---- laws

    def check(self):
        q, members = self.c.s["quorum"], self.members()
        before = q.get("members", self.c.names())
        if members != before:
            q["ring"] += 4
            q["members"] = members
            self.log_membership(before, members)
        quorate = self.any_quorate()
        if q["quorate"] and not quorate:
            self.c.violation("quorum-lost", "%d of %d votes left, %d needed: the cluster is frozen, /etc/pve is read-only"
                             % (len(members), len(self.c.names()), self.needed()))
        elif quorate and not q["quorate"]:
            self.c.event("quorum regained: %s" % ", ".join(members))
        q["quorate"] = quorate

    def log_membership(self, before, members):
        joined = [n for n in members if n not in before]
        left = [n for n in before if n not in members]
        number = {n: self.c.host(n)["number"] for n in self.c.names()}
        for name in members:
            crashed = [n for n in left if not self.c.host(n).get("orderly")]
            down = left if self.c.settings["link_down_on_leave"] else crashed
            for n in down:
                self.log(name, "[KNET  ] link: host: %d link: 0 is down" % number[n])
                self.log(name, "[KNET  ] host: host: %d has no active links" % number[n])
            if crashed:
                self.log(name, "[TOTEM ] Token has not been received in 2737 ms")
                self.log(name, "[TOTEM ] A processor failed, forming new configuration: token timed out (3650ms), "
                               "waiting 4380ms for consensus.")
            for n in joined:
                if n != name:
                    self.log(name, "[KNET  ] rx: host: %d link: 0 is up" % number[n])
            self.log(name, "[QUORUM] Sync members[%d]: %s" % (len(members), " ".join(str(number[n]) for n in members)))
            if joined:
                self.log(name, "[QUORUM] Sync joined[%d]: %s" % (len(joined), " ".join(str(number[n]) for n in joined)))
            if left:
                self.log(name, "[QUORUM] Sync left[%d]: %s" % (len(left), " ".join(str(number[n]) for n in left)))
            self.log(name, "[TOTEM ] A new membership (%d.%x) was formed.%s%s" % (
                number[members[0]], self.c.s["quorum"]["ring"],
                " Members joined: " + " ".join(str(number[n]) for n in joined) if joined else "",
                " Members left: " + " ".join(str(number[n]) for n in left) if left else ""))
            if len(members) >= self.needed():
                self.log(name, "[QUORUM] Members[%d]: %s" % (len(members), " ".join(str(number[n]) for n in members)))
            else:
                self.log(name, "[QUORUM] This node is within the non-primary component and will NOT provide any services.")
            self.log(name, "[MAIN  ] Completed service synchronization, ready to provide service.")

    def log(self, name, line, unit="corosync"):
        lines = self.c.s["journal"][name]
        lines.append([round(self.c.now(), 3), unit, line])
        del lines[:-JOURNAL_LINES]

    def retransmits(self):
        """A starved heartbeat, as every member logs it."""
        for name in self.members():
            self.log(name, "[TOTEM ] Retransmit List: 1a4f 1a50 1a51 1a52")

    # ---- changes

    def set_expected(self, name, votes):
        """`pvecm expected`. Lowered while a node is only rebooting, it makes two clusters of one."""
        if not self.runs(name):
            raise Refused(2, "Unable to set expected votes: CS_ERR_LIBRARY")
        total = len(self.view(name))
        needed = votes // 2 + 1
        if votes < 1 or needed < total / 2 or needed > total:
            raise Refused(2, "Unable to set expected votes: CS_ERR_INVALID_PARAM")
        q = self.c.s["quorum"]
        absent = [n for n in self.c.names() if n not in self.view(name)]
        returning = [n for n in absent if self.c.host(n)["comes_back"] and self.c.host(n)["power"] != "off"]
        q["expected"] = votes
        self.c.event("expected votes set to %d" % votes, name)
        if votes < len(self.c.names()) and returning:
            q["split"] = True
            self.c.violation("split-brain", "expected votes lowered to %d while %s is only rebooting: it comes back into a "
                             "cluster of its own" % (votes, ", ".join(returning)), name)
        self.c.changed()

    def joins(self, name):
        """Corosync starts on `name`."""
        h, q = self.c.host(name), self.c.s["quorum"]
        if h["out_of_service"] is not None:
            h["corosync"] = "failed"
            return
        h["corosync"] = "active"
        if q["split"] and not h["outside"] and q["expected"] < len(self.c.names()):
            h["outside"] = True
            self.c.event("corosync comes up in a partition of its own: two histories of /etc/pve exist", name)
        elif q["expected"] < len(self.c.names()) and not h["outside"]:
            q["expected"] = len(self.c.names())
            self.c.event("a joining node brings the expected votes back to %d" % q["expected"], name)

    def restart(self, name, by_package=False):
        """Stops and starts corosync; the vote is missing in between. A generator. A package's script does not revive one that failed."""
        h = self.c.host(name)
        if by_package and h["corosync"] == "failed":
            yield self.c.time("corosync_restart")
            return
        h["orderly"], h["corosync"] = True, "inactive"
        self.c.changed()
        yield self.c.time("corosync_restart")
        if h["power"] == "up" and h["corosync"] == "inactive":    # failed: a law broke it meanwhile
            self.joins(name)
        self.c.changed()
