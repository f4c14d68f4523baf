"""The cluster's one state on disk, and the ledger of what happened to it."""
import fcntl
import json
import os
import time


class Store:
    """state.json, replaced atomically; one writer at a time, held by a lock on DIR/lock."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "state.json")
        self.lock = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.last = None

    def save(self, state):
        text = json.dumps(state)            # with an indent it would take ten times as long
        if text == self.last:
            return
        with open(self.path + ".new", "w") as f:
            f.write(text)
        os.replace(self.path + ".new", self.path)
        self.last = text


class Ledger:
    """Append-only, one JSON object a line: call, done, event, person, refused, accident, violation."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "ledger.jsonl")
        self.out = open(self.path, "a", buffering=1)
        self.number = sum(1 for _ in open(self.path))

    def write(self, kind, **fields):
        self.number += 1
        now = time.time()
        stamp = time.strftime("%H:%M:%S", time.localtime(now)) + ".%03d" % (now % 1 * 1000)
        entry = {"n": self.number, "time": round(now, 3), "at": stamp, "kind": kind}
        entry.update({k: v for k, v in fields.items() if v is not None})
        self.out.write(json.dumps(entry) + "\n")
        return self.number


def read_ledger(directory):
    """Every whole line of the ledger; a line cut off in the middle of a write is left out."""
    entries = []
    try:
        with open(os.path.join(directory, "ledger.jsonl")) as f:
            for line in f:
                try:
                    entries.append(json.loads(line))
                except ValueError:
                    continue
    except FileNotFoundError:
        pass
    return entries
