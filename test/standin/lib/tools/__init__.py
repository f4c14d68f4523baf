"""The stand-in tools, by the name they are called by. A tool is a function (cluster, call) -> exit code, or a generator
that returns one."""
from . import apt, ceph, corosync, files, guests, pve, pvesh, system

TOOLS = {}
for module in (apt, ceph, corosync, files, guests, pve, pvesh, system):
    TOOLS.update(module.TOOLS)
NAMES = sorted(TOOLS)
FILE_TOOLS = frozenset(files.READERS + files.WRITERS)
OWN = files.OWN
files.NAMES = frozenset(NAMES)


def find(name):
    return TOOLS[name]
