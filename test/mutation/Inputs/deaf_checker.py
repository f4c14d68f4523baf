#!/usr/bin/env python3
"""`upgc check --format=json` that keeps one rule to itself: what the mutation score is there to notice."""

import json
import os
import subprocess
import sys

done = subprocess.run([os.environ["UPGC"]] + sys.argv[1:], capture_output=True, text=True, check=False)
answer = json.loads(done.stdout)
answer["diagnostics"] = [d for d in answer["diagnostics"] if d["code"] != os.environ["DEAF_TO"]]
print(json.dumps(answer))
sys.exit(1 if answer["diagnostics"] else 0)
