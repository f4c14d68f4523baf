"""The stand-in tools, by the name they are called by. A tool is a function (cluster, call) -> exit code, or a generator
that returns one. COMMON is what every host has; what a world adds is in its own module."""
from . import files, system

COMMON = dict(files.TOOLS, **system.TOOLS)
FILE_TOOLS = frozenset(files.READERS + files.WRITERS)
OWN = files.OWN
