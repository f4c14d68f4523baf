"""What every module needs: running a program, the layout of the state folder, where the range's own files lie."""

import os
import subprocess

FOLDER = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PROGRAM = os.path.join(FOLDER, "range")
GUEST = os.path.join(FOLDER, "guest")

NETWORK = "10.77.0."       # inside network namespaces of the range's own: no address of the real machine is meant
CONTROLLER = NETWORK + "254"
MOST_HOSTS = 200

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}


class RangeError(Exception):
    """What a person who typed the command has to read."""


def run(*words, check=True, text=None):
    """Runs a program of the real machine; its output. A failure raises RangeError with the output unless told not to."""
    done = subprocess.run(words, env=ENVIRONMENT, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL if text is None else None, text=True, check=False)
    if check and done.returncode:
        raise RangeError(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, mode)) as file:
        file.write(text)


class State:
    """The folder of one running range. Its names are the interface to scripts, see README.md."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def host_log(self, host):
        return self.path(host + ".log")

    events = property(lambda self: self.path("events.log"))
    control = property(lambda self: self.path("control"))
    ready = property(lambda self: self.path("ready"))
    process = property(lambda self: self.path("process.json"))
    site = property(lambda self: self.path("site"))
    hosts_file = property(lambda self: self.path("site", "hosts"))
