"""One host: its disk and keys, its boots, its processes (a cgroup), how it died."""

import os
import re
import signal
import time
import uuid

from . import network
from .common import ENVIRONMENT, NETWORK, read, run, write

# How init of a PID namespace ends tells what it asked for: reboot(2) kills it with these.
ASKED_RESTART, ASKED_POWER_OFF = signal.SIGHUP, signal.SIGINT


class Host:
    def __init__(self, number, state, cgroup):
        self.number = number
        self.name = f"h{number}"
        self.address = NETWORK + str(number)
        self.disk = state.path("disk", self.name)
        self.cgroup = os.path.join(cgroup, self.name)
        self.log = state.host_log(self.name)
        self.state = "off"     # up, frozen, rebooting, poweroff, crashed, dead(...)
        self.boots = 0
        self.boot_id = None
        self.boot_due = None   # when to switch it on again
        self._launcher = None  # the process whose only child is the host's PID 1
        self._state = state

    def make(self):
        """The disk of a machine that was never switched on. Returns its public key as known_hosts has it."""
        for folder in ("upper", "work"):
            os.makedirs(os.path.join(self.disk, folder))
        key = os.path.join(self.disk, "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key)
        write(os.path.join(self.disk, "machine-id"), uuid.uuid4().hex + "\n")
        os.mkdir(self.cgroup)
        return " ".join(read(key + ".pub").split()[:2])

    is_running = property(lambda self: self._launcher is not None)

    def boot(self, init, layers):
        self.boot_id = str(uuid.uuid4())
        write(os.path.join(self.disk, "boot_id"), self.boot_id + "\n")
        network.plug(self)
        state = self._state
        environment = dict(ENVIRONMENT, HOST=self.name, INIT=init, LAYERS=layers, DISK=self.disk,
                           MOUNT=state.path("mount"), SITE=state.site, GUEST=state.path("guest"))
        # The time namespace makes the host's uptime begin at zero.
        uptime = int(time.clock_gettime(time.CLOCK_BOOTTIME))
        words = ["nsenter", "--net=/run/netns/" + self.name,
                 "unshare", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--time", "--boottime", f"-{uptime}",
                 "--fork", "--propagation", "private", "bash", state.path("guest", "boot.sh")]
        child = os.fork()
        if child == 0:
            try:
                self._become(words, environment)
            except BaseException as error:  # nothing may return into the daemon's loop
                os.write(2, f"range: {error!r}\n".encode())
            os._exit(127)
        self._launcher, self.state, self.boot_due = child, "up", None
        self.boots += 1

    def _become(self, words, environment):
        write(os.path.join(self.cgroup, "cgroup.procs"), "0")
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.closerange(3, 1024)
        os.execvpe(words[0], words, environment)

    def ended(self, process, status, boot_delay):
        """True if `process` was this host; then it is down, and what its end meant stands in `state`."""
        if process != self._launcher:
            return False
        network.unplug(self)
        self._launcher = None
        how = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        if how == ASKED_RESTART:
            self.state, self.boot_due = "rebooting", time.time() + boot_delay
        else:
            self.state = {ASKED_POWER_OFF: "poweroff", signal.SIGKILL: "crashed"}.get(how, f"dead({status:#x})")
        return True

    def crash(self):
        """Power lost: the link first, so that no FIN or RST gets out, then every process at once."""
        self.boot_due = None
        if self.is_running:
            network.unplug(self)
            self.freeze(False)
            self.kill()
        else:
            self.state = "crashed"

    def kill(self):
        try:
            write(os.path.join(self.cgroup, "cgroup.kill"), "1")
        except OSError:
            pass  # it is down

    def freeze(self, on):
        """Hung or going on. Its kernel still answers TCP, as a machine's does that is out of memory."""
        write(os.path.join(self.cgroup, "cgroup.freeze"), "1" if on else "0")
        if self.is_running:
            self.state = "frozen" if on else "up"

    def init_process(self):
        """The host's PID 1 as the daemon counts; None if it is down."""
        try:
            return int(read(f"/proc/{self._launcher}/task/{self._launcher}/children").split()[0])
        except (OSError, IndexError):
            return None

    def usage(self):
        """Number of processes, and their memory in KiB (shared pages in proportion)."""
        processes = memory = 0
        for folder, _, _ in os.walk(self.cgroup):
            try:
                members = read(os.path.join(folder, "cgroup.procs")).split()
            except OSError:
                continue
            for member in members:
                if member == str(self._launcher):
                    continue
                processes += 1
                try:
                    memory += int(re.search(r"^Pss:\s+(\d+)", read(f"/proc/{member}/smaps_rollup"), re.M)[1])
                except (OSError, TypeError):
                    pass  # it has just ended
        return processes, memory
