"""`faster.py STDLIB PLAN OUT`: the library and the plan with the pauses between questions cut to a fiftieth, into the folder OUT.

What is asked, how often in a row and how long it may take stay as they are: a stand-in's minutes are seconds.
"""
import os
import re
import shutil
import sys

UNIT = {"ms": 1, "s": 1000, "m": 60000}


def shorter(found):
    return "%s%dms" % (found[1], max(50, int(found[2]) * UNIT[found[3]] // 50))


def cut(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"(\bpoll\s+|\bsettles\s+|\bretry \d+ every )(\d+)(ms|s|m)\b", shorter, text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


stdlib, plan, out = sys.argv[1:4]
shutil.rmtree(out, ignore_errors=True)
shutil.copytree(stdlib, os.path.join(out, "stdlib"))
shutil.copy(plan, out)
for folder, _, names in os.walk(out):
    for name in names:
        if name.endswith(".upg"):
            cut(os.path.join(folder, name))
