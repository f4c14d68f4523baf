#!/usr/bin/python3 -IS
"""PID 1 of a stand-in host: the parent of its sshd and of everything that was ever started there.

A subreaper, so that what is detached (setsid, nohup) still counts as the host's own and goes when the host goes. Dies,
and takes everything along, when the supervisor dies.
"""
import ctypes
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from processes import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, kill_descendants  # noqa: E402


def main():
    supervisor, log, argv = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def stop(*_):
        kill_descendants(os.getpid())
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:       # else zombies that answer kill -0 are left to the machine's own init
                pass
        except ChildProcessError:
            pass
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != supervisor:
        stop()
    sshd = os.fork()
    if sshd == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open("/dev/null", os.O_RDWR)
        for target, source in ((0, null), (1, fd), (2, fd)):
            os.dup2(source, target)
        try:
            os.execv(argv[0], argv)
        finally:
            os._exit(127)
    while True:
        pid, _ = os.wait()
        if pid == sshd:
            stop()


main()
