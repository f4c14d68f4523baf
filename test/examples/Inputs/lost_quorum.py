"""The repair of a lost quorum on the stand-in: `standin with DIR -- lost_quorum.py UPGRUN PLAN`."""
import os
import re
import subprocess
import sys

from person import Person

UPGRUN, PLAN = sys.argv[1:3]
DIR, STANDIN = os.environ["DIR"], os.environ["STANDIN"]
RUN = [UPGRUN, "run", PLAN, "--ssh-config", DIR + "/ssh_config", "--no-agent", "--runs", DIR + "/runs"]


def standin(*words):
    return subprocess.run([STANDIN, words[0], DIR, *words[1:]], check=True, capture_output=True, text=True).stdout


def lowered():
    return [line for line in standin("ledger").splitlines() if re.search(r" call .* pvecm expected ", line)]


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
