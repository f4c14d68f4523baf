#!/usr/bin/env python3
"""examples.py UPGC STDLIB FOLDER: every example in the doc comments of the standard library is a plan without errors."""

import pathlib
import re
import subprocess
import sys

upgc, stdlib, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
found = bad = 0
without = []
for module in sorted((stdlib / "std").glob("*.upg")):
    page = subprocess.run([upgc, "doc", str(module)], capture_output=True, text=True, check=True).stdout
    examples = re.findall(r"\nExample:\n\n((?:    .*\n|\n)+)", page)
    without += [] if examples else [module.stem]
    for number, example in enumerate(examples):
        plan = folder / f"{module.stem}-example-{number}.upg"
        plan.write_text(re.sub(r"(?m)^    ", "", example.rstrip("\n")) + "\n", encoding="utf-8")
        done = subprocess.run([upgc, "check", "--strict", "--stdlib", str(stdlib), str(plan)], capture_output=True, text=True, timeout=60, check=False)
        styled = subprocess.run([upgc, "fmt", "--diff", "--check", str(plan)], capture_output=True, text=True, timeout=60, check=False)
        found += 1
        if done.returncode != 0 or styled.returncode != 0:
            bad += 1
            print(f"{module.name}: the example of its doc comment:\n{done.stdout}{done.stderr}{styled.stdout}")
print(f"{found} examples, {bad} with errors; without one: {', '.join(without) or 'none'}")
