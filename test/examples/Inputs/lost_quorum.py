"""The repair of a lost quorum on the stand-in: `standin with DIR -- lost_quorum.py UPGRUN PLAN`."""
import os
import pty
import re
import select
import subprocess
import sys
import time

UPGRUN, PLAN = sys.argv[1:3]
DIR, STANDIN = os.environ["DIR"], os.environ["STANDIN"]
RUN = [UPGRUN, "run", PLAN, "--ssh-config", DIR + "/ssh_config", "--no-agent", "--runs", DIR + "/runs"]


def standin(*words):
    return subprocess.run([STANDIN, words[0], DIR, *words[1:]], check=True, capture_output=True, text=True).stdout


def lowered():
    return [line for line in standin("ledger").splitlines() if re.search(r" call .* pvecm expected ", line)]


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


for node in ("node1", "node2"):
    standin("crash", node)

nobody = subprocess.run(RUN + ["--yes"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
assert nobody.returncode in (1, 3, 4), nobody
assert not lowered(), "nobody answered, and the votes were lowered all the same"

person = Person(RUN + ["--progress", "plain"])
digest = person.reads(r"digest +([0-9a-f]{64})")[1]
person.reads("ACCEPTED +guard: a person has pulled the cables")
person.reads("first 6 digits")
person.types(digest[:6])
person.reads(r"power cables of node1 and node2 pulled.*\[yes/no\]")
assert not lowered(), "the votes were lowered before the answer"
person.types("yes")
person.reads("accepted risk in force: guard")
person.reads(r"operator: operate node3.*\[yes/no\]")
assert "Quorate:          Yes" in standin("ssh", "node3", "pvecm status"), "the survivor cannot be operated"
for node in ("node1", "node2"):
    standin("boot", node)
standin("await", "--timeout", "30", "now.votes=3")
person.types("yes")
code = person.leaves()
assert code == 0, "exit code %d\n%s" % (code, person.said)
assert [line.split()[-1] for line in lowered()] == ["1", "3"], lowered()
assert "Expected votes:   3" in standin("ssh", "node3", "pvecm status")
