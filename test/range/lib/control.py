"""The range seen from outside: starting and ending it, giving it orders, going into it."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

from . import image
from .common import ENVIRONMENT, MOST_HOSTS, NETWORK, PROGRAM, RangeError, read, write

LONGEST_START = 60   # seconds until every host has to answer on port 22
PR_SET_PDEATHSIG = 1


def ask(state, command, **words):
    """Gives the daemon one order and returns its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        try:
            folder = os.open(state.folder, os.O_PATH | os.O_DIRECTORY)
            try:
                connection.connect(f"/proc/self/fd/{folder}/{os.path.basename(state.control)}")
            finally:
                os.close(folder)
        except OSError:
            raise RangeError(f"not up: no daemon answers in {state.folder}") from None
        connection.sendall(json.dumps(dict(words, command=command)).encode() + b"\n")
        answer = json.loads(connection.makefile().readline() or '{"error": "the daemon did not answer"}')
    if "error" in answer:
        raise RangeError(answer["error"])
    return answer


def start(state, settings, tied=False):
    """Starts a range in `state` and waits until every host lets ssh in. `tied`: it ends when this process does."""
    if not 1 <= settings["hosts"] <= MOST_HOSTS:
        raise RangeError(f"a range has 1 to {MOST_HOSTS} hosts")
    if os.path.exists(state.process):
        raise RangeError(f"already up in {state.folder}; `range down` ends it")
    if set(state.folder) & set(":, \t\n\\\"'%"):
        raise RangeError(f"the state folder's name goes into mount options and ssh_config; choose a plain one: {state.folder}")
    if os.path.isdir(state.folder) and os.listdir(state.folder):
        raise RangeError(f"the state folder has to be empty or absent: {state.folder}")
    settings = dict(settings, id=uuid.uuid4().hex[:12], image=image.needed(settings["image"]))
    os.makedirs(state.folder, mode=0o700, exist_ok=True)
    began = time.monotonic()
    launcher = _launch(state, settings, tied)
    while not os.path.exists(state.ready):
        if launcher.poll() is not None:
            said = read(state.path("daemon.log"))[-2000:]
            shutil.rmtree(state.folder, ignore_errors=True)
            raise RangeError("the daemon did not start: " + said)
        time.sleep(.02)
    daemon = int(read(f"/proc/{launcher.pid}/task/{launcher.pid}/children").split()[0])
    write(state.process, json.dumps({"daemon": daemon, "id": settings["id"], "init": settings["init"]}))
    silent = _await_ssh(state, settings["hosts"])
    if silent:
        raise RangeError(f"no answer on port 22: {' '.join(silent)}; see their logs in {state.folder}")
    return time.monotonic() - began


def _launch(state, settings, tied):
    def tie():
        if tied:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with open(state.path("daemon.log"), "ab") as log:
        return subprocess.Popen(
            ["unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private",
             PROGRAM, "--state", state.folder, "_daemon", json.dumps(settings)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=ENVIRONMENT, cwd="/",
            preexec_fn=tie)


def _await_ssh(state, count):
    """The hosts that did not answer in time."""
    addresses = [NETWORK + str(number) for number in range(1, count + 1)]
    knocking = subprocess.Popen(in_range(state) + [PROGRAM, "_knock", str(LONGEST_START)] + addresses,
                                stdout=subprocess.PIPE, text=True)
    while knocking.poll() is None:
        if any(host["state"].startswith("dead") for host in ask(state, "states").values()):
            knocking.kill()
        try:
            knocking.wait(.2)
        except subprocess.TimeoutExpired:
            pass
    answered = knocking.stdout.read().split()
    return [address for address in addresses if address not in answered]


def process(state):
    """What `start` wrote of the daemon."""
    try:
        return json.loads(read(state.process))
    except OSError:
        raise RangeError(f"not up in {state.folder}") from None


def in_range(state):
    """Words before a command that make it run on the controller: this machine's files, the range's network and names.
    A stray `reboot` there stays harmless."""
    return ["nsenter", f"--net=/proc/{process(state)['daemon']}/ns/net",
            "unshare", "--mount", "--propagation", "private",
            "sh", "-c", 'mount --bind "$0" /etc/hosts && exec setpriv --bounding-set -sys_boot "$@"', state.hosts_file]


def in_host(state, name):
    """Words before a command that make it run in a host, without any network."""
    init = ask(state, "init", host=name)["process"]
    if not init:
        raise RangeError(f"{name} is down")
    # The daemon's PID namespace counts `init`; from there into the host's own namespaces.
    return ["nsenter", "-t", str(process(state)["daemon"]), "-m", "-p", "--wd=/",
            "nsenter", "-t", str(init), "-a", "-r", "--wdns=/", "env", "-i", "PATH=" + ENVIRONMENT["PATH"],
            "HOME=/root", "LC_ALL=C.UTF-8", "TERM=" + os.environ.get("TERM", "dumb")]


def stop(state):
    """Ends everything that `start` started and removes the state folder."""
    known = process(state)
    daemon = known["daemon"]
    if known["id"] in _command_line(daemon):
        _end_clients(daemon)
        try:
            ask(state, "stop")
        except (RangeError, OSError):
            pass
        if not _gone(daemon, 5) and known["id"] in _command_line(daemon):
            os.kill(daemon, signal.SIGKILL)  # PID 1 of its namespace: the kernel kills the rest
            _gone(daemon, 5)
    shutil.rmtree(state.folder, ignore_errors=True)


def _command_line(process_id):
    try:
        return read(f"/proc/{process_id}/cmdline")
    except OSError:
        return ""


def _gone(process_id, seconds):
    end = time.monotonic() + seconds
    while os.path.exists(f"/proc/{process_id}"):
        if time.monotonic() > end:
            return False
        time.sleep(.02)
    return True


def _end_clients(daemon):
    """Programs left on the controller would wait for ever on dead connections."""
    network = os.stat(f"/proc/{daemon}/ns/net").st_ino
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and int(name) not in (daemon, os.getpid()) and \
                    os.stat(f"/proc/{name}/ns/net").st_ino == network:
                os.kill(int(name), signal.SIGTERM)
        except OSError:
            pass  # it ended by itself


def with_range(state, settings, command):
    """A range for the time of one command, whose exit code is returned. Whatever happens, nothing is left."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    try:
        start(state, settings, tied=True)
        environment = dict(os.environ, RANGE=PROGRAM, RANGE_STATE=state.folder)
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        if os.path.exists(state.process):
            stop(state)
