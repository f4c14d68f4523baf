"""kill_at.py LIBRARY DIR UPGRUN PLAN OPTIONS...: controllers that die by SIGKILL at their n-th write to disk (before it, or right after), at
their n-th packet to a host, or at their n-th turn; n grows from one to the next. The first that does not die must reach the end.
"""

import glob
import os
import signal
import subprocess
import sys

library, directory, upgrun, plan, *reach = sys.argv[1:]
# By kind: first number, and what comes on top each time. One life has some hundred writes and packets.
KINDS = {"writing": (3, 11), "sent": (25, 60), "written": (9, 12), "turn": (60, 120)}
MOST = 60  # controllers

killed = 0
for life in range(MOST):
    kind = list(KINDS)[life % len(KINDS)]
    first, more = KINDS[kind]
    number = first + more * (life // len(KINDS))
    runs = sorted(glob.glob(os.path.join(directory, "runs", "*")))
    began = any(os.path.exists(os.path.join(run, "journal.sqlite")) for run in runs)
    command = [upgrun, "resume", runs[-1]] if began else [upgrun, "run", plan, "--yes"]
    ended = subprocess.run([*command, *reach], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           check=False, env=dict(os.environ, LD_PRELOAD=library, KILL_AT=f"{kind}:{number}"))
    code = ended.returncode
    print(ended.stdout[-2000:], f"--- {kind}:{number}: {code}", flush=True)
    if began and "never began" in ended.stdout:  # killed before its first record
        subprocess.run(["rm", "-r", runs[-1]], check=True)
        continue
    if code != -signal.SIGKILL:
        if killed < 6:
            print("only", killed, "were killed")
            sys.exit(1)
        sys.exit(code)
    killed += 1
print("still not at the end after", MOST, "controllers")
sys.exit(1)
