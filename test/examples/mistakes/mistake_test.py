"""One lit test for each `examples/SYSTEM/mistakes/NAME.upg`.

A mistake is a copy of one of the system's plans with one edit and a comment on top that says what was edited. The test holds when
  - `upgc check` says what `NAME.upg.expected` says (`./dev test --update` writes it), and rejects it with one error, or few;
  - it differs from that plan by a few lines only: after a change of the plan the copies are to be brought along.
"""

import difflib
import glob
import os
import subprocess
import sys

import lit.Test
import lit.formats

MOST_LINES = 20  # removed and added lines, indentation and the comment on top left out; an item that no longer fits on one line counts as several
MOST_ERRORS = 4  # one edit, one diagnostic; but a move of a state that is left out is told wherever a later step relies on it


def without_comment(lines):
    """What follows the mistake's own comment, which an empty line ends."""
    start = lines.index("") + 1 if lines and lines[0].startswith("//") and "" in lines else 0
    return lines[start:]


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def edited_lines(lab, mistake):
    before, after = ([line.strip() for line in lines] for lines in (lines_of(lab), without_comment(lines_of(mistake))))
    edits = [line for line in difflib.unified_diff(before, after, n=0, lineterm="")
             if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return len(edits)


def errors(expected):
    lines = lines_of(expected)
    return sum(line.startswith("error[") for line in lines) if lines[:1] == ["exit 1"] else 0


class MistakeTest(lit.formats.TestFormat):
    def getTestsInDirectory(self, suite, path_in_suite, lit_config, config):
        found = sorted(glob.glob(os.path.join(config.repository, "examples", "*", "mistakes", "*.upg")))
        if not found:
            lit_config.error("there are no examples/*/mistakes")
        for path in found:
            system = os.path.basename(os.path.dirname(os.path.dirname(path)))
            yield lit.Test.Test(suite, path_in_suite + (system, os.path.basename(path)), config)

    def execute(self, test, lit_config):
        config = test.config
        folder = os.path.join(config.repository, "examples", test.path_in_suite[-2])
        source = os.path.join(folder, "mistakes", test.path_in_suite[-1])
        count, plan = min((edited_lines(plan, source), plan) for plan in glob.glob(os.path.join(folder, "*.upg")))
        if not 0 < count <= MOST_LINES:
            return lit.Test.FAIL, f"{source}: {count} lines differ from {plan}; a mistake is 1 to {MOST_LINES}"
        command = [sys.executable, os.path.join(config.repository, "test", "expect.py"), "--repository", config.repository,
                   "--build", config.build, "--tmp", test.getExecPath(), source, "--",
                   os.path.join(config.build, "bin", "upgc"), "check", source]
        result = subprocess.run(command, env=config.environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            return lit.Test.FAIL, result.stdout + result.stderr
        if not 0 < errors(source + ".expected") <= MOST_ERRORS:
            return lit.Test.FAIL, f"{source}.expected: not rejected (exit 1) with 1 to {MOST_ERRORS} errors"
        return lit.Test.PASS, result.stdout
