"""A terminal with upgrun on it, and a person before it."""
import os
import pty
import re
import select
import sys
import time


class Person:
    """A terminal with upgrun on it."""

    def __init__(self, words):
        self.said, self.seen = "", 0
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execv(words[0], words)

    def reads(self, pattern, seconds=60):
        """What upgrun says from here on until it matches."""
        end = time.monotonic() + seconds
        while True:
            found = re.compile(pattern).search(self.said, self.seen)
            if found:
                self.seen = found.end()
                return found
            if time.monotonic() > end or not self.more(end):
                sys.exit("never said: %s\n%s" % (pattern, self.said))

    def more(self, end):
        if not select.select([self.terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # Linux's end of file on a terminal
            return False
        self.said += data.decode(errors="replace")
        return bool(data)

    def types(self, text):
        os.write(self.terminal, (text + "\n").encode())

    def leaves(self):
        end = time.monotonic() + 60
        while self.more(end):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def question(self, seconds=250):
        """The next question that wants yes or no, as one line; None once upgrun has ended."""
        end = time.monotonic() + seconds
        while True:
            found = re.compile(r"([^\n]*)\[yes/no\]").search(self.said, self.seen)
            if found:
                self.seen = found.end()
                return re.sub(r"\x1b\[[0-9;]*m", "", found[1])
            if time.monotonic() > end:
                sys.exit("upgrun asks nothing and does not end\n" + self.said)
            if not self.more(end) and time.monotonic() < end:
                return None
