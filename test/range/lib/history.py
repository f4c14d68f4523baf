"""What happened in a range, in order: which host went down and came back when, and how many were down at once.

A host is down from the moment its init begins to stop services (or it crashed, or its cable was cut) until its services
are started again (or the cut is healed). Under systemd, which does not write the range's log, from its end to its boot.
"""

import re

from .common import read

WENT = {"rebooting": "reboot", "poweroff": "poweroff", "crashed": "crash"}


def events(state, hosts, init):
    """(time, host, what) of all logs, in order."""
    found = []
    for line in _lines(state.events):
        time, host, *words = line.split()
        if words[0] == "order" and words[1] in ("partition", "heal"):
            if words[1] == "heal" or len(words) == 2:  # a cut from some hosts only is not an outage
                found.append((float(time), host, words[1]))
        elif words[0] in WENT:
            found.append((float(time), host, WENT[words[0]]))
        elif words[0].startswith("dead"):
            found.append((float(time), host, "dead"))
        elif words[0] == "boot" and init == "systemd":
            found.append((float(time), host, "ready"))
    for host in hosts:
        for line in _lines(state.host_log(host)):
            told = re.fullmatch(r"(\d+\.\d+) (ready|stopping)", line)
            if told:
                found.append((float(told[1]), host, told[2]))
    return sorted(found)


def tell(state, hosts, init):
    """The lines of `range history`."""
    off, cut, first, most, lines = set(hosts), set(), set(hosts), 0, []
    for time, host, what in events(state, hosts, init):
        for name in hosts if host == "all" else [host]:
            was_down = name in off or name in cut
            if what == "ready":
                off.discard(name)
            elif what == "partition":
                cut.add(name)
            elif what == "heal":
                cut.discard(name)
            else:
                off.add(name)
            is_down = name in off or name in cut
            if name in first:        # switched on for the first time
                if what == "ready":
                    first.discard(name)
                continue
            if is_down != was_down:
                lines.append(f"{time:.3f} {name} " + (f"down ({what})" if is_down else "back"))
            most = max(most, len((off | cut) - first))
    return lines + [f"most hosts down at once: {most}"]


def _lines(path):
    try:
        return read(path).splitlines()
    except OSError:
        return []  # not yet written
