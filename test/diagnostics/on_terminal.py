#!/usr/bin/env python3
"""on_terminal.py COMMAND...: runs a command on a terminal of its own and passes its output on; exits as it does."""

import errno
import os
import pty
import select
import sys

LIMIT_SECONDS = 60


def main():
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    while True:
        ready, _, _ = select.select([terminal], [], [], LIMIT_SECONDS)
        if not ready:
            os.kill(child, 9)
            sys.exit("no output for a minute")
        try:
            data = os.read(terminal, 65536)
        except OSError as error:  # Linux says so when the other side is closed
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            break
        sys.stdout.buffer.write(data)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
