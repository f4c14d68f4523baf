"""Processes by descent, from /proc. Nothing here matches by name."""
import os
import signal
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def table():
    """pid -> (parent, state) of every process that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as f:
                    rest = f.read().rpartition(b") ")[2].split()
            except OSError:
                continue
            found[int(name)] = (int(rest[1]), rest[0].decode())
    return found


def descendants(root):
    """Living descendants of `root`, without itself; zombies are not alive."""
    processes, children = table(), {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    out, todo = [], [root]
    while todo:
        for child in children.get(todo.pop(), []):
            todo.append(child)
            if processes[child][1] not in "ZX":
                out.append(child)
    return out


def send(pid, number):
    try:
        os.kill(pid, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False


def kill_descendants(root, limit=5.0):
    """SIGKILL until none is left: one that forks while we look is met in the next round."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        alive = [p for p in descendants(root) if send(p, signal.SIGKILL)]
        if not alive:
            return True
        time.sleep(0.001)
    return False


def started(pid):
    """When the process began, in clock ticks since boot: with the pid it names one process for ever. None if gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            fields = f.read().rpartition(b") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(pid, began):
    return pid > 0 and started(pid) == began
