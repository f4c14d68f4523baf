"""kill.py DIR UPGRUN PLAN OPTIONS...: starts a run and kills it with SIGKILL, resumes and kills it, and so on, then lets it end.

The n-th controller is killed when its journal has grown by the n-th of the numbers below, counted in records that were made after it
took the run up; each kill is at another kind of record, and every controller gets further than the one before or the test fails.
"""

import glob
import json
import os
import signal
import subprocess
import sys

directory, upgrun, plan, *reach = sys.argv[1:]
odd = directory.endswith("b")
KINDS = ["act_intended", "command_started", "act_ended", "hold_intended", "boot_seen", "gate_passed"]
MOST = 60  # controllers


def controller(kill_after):
    """Runs one controller and kills it after a record that `kill_after` accepts; its exit code, or None when killed."""
    runs = sorted(glob.glob(os.path.join(directory, "runs", "*")))
    if runs:
        command = [upgrun, "resume", runs[-1]]
    else:
        command = [upgrun, "run", plan, "--yes"]
    with subprocess.Popen([*command, *reach, "--progress", "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as process:
        for line in process.stdout:
            record = json.loads(line)
            if kill_after(record):
                process.send_signal(signal.SIGKILL)
                process.stdout.read()
                process.wait()
                print("killed after", record["event"], record["key"], flush=True)
                return None
        return process.wait()


def main():
    done = set()  # places that a controller was killed at already: (event, key)
    for _ in range(MOST):
        def here(record):
            place = (record["event"], record["key"])
            if record["event"] not in KINDS or place in done:
                return False
            if record["event"] == "gate_passed" and record["key"].startswith("preflight"):
                return False
            done.add(place)
            return len(done) % 2 == odd  # the other run is killed at the others
        code = controller(here)
        if code is not None:
            print("ended with", code, "after", len(done), "places")
            return code
    print("still not at the end after", MOST, "kills")
    return 1


sys.exit(main())
