"""neighbours.py SECRET-FILE ALLOWED FOUND -- COMMAND...: runs the command and looks at every process of the machine meanwhile.

FOUND gets a line for each process that had the secret in its arguments, or in its environment unless ALLOWED stands in its arguments; and "looked N".
The exit code is the command's.
"""

import os
import subprocess
import sys
import time

secret, allowed, found = open(sys.argv[1], "rb").read().strip(), sys.argv[2].encode(), sys.argv[3]
command = sys.argv[sys.argv.index("--") + 1:]


def read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def look(lines, upgrun):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        arguments = read(pid, "cmdline")
        if secret in arguments:
            lines.add(f"arguments {arguments!r}")
        if secret in read(pid, "environ") and allowed not in arguments:
            lines.add(f"environment {arguments!r}")
    limits = read(upgrun, "limits")
    line = next((l for l in limits.splitlines() if l.startswith(b"Max core file size")), b"")
    return line.split()[4:6] == [b"0", b"0"]


lines, looks, no_core = set(), 0, False
surroundings = dict(os.environ, TOKEN=secret.decode())
with subprocess.Popen(command, stdin=subprocess.DEVNULL, env=surroundings) as process:
    # it has taken the secret out of its own environment before it talks to any host; there is none to be read while it starts
    while (not (own := read(process.pid, "environ")) or b"TOKEN=" + secret in own) and process.poll() is None:
        time.sleep(0.01)
    while process.poll() is None:
        no_core = look(lines, process.pid) or no_core
        looks += 1
        time.sleep(0.01)
with open(found, "w", encoding="utf-8") as file:
    file.writelines(line + "\n" for line in sorted(lines))
    file.write(f"looked {looks} {'no core' if no_core else 'CORE'}\n")
sys.exit(process.returncode)
