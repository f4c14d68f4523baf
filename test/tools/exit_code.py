#!/usr/bin/env python3
"""exit_code.py N COMMAND...: runs the command and succeeds if it exits with N. Its output passes through."""

import subprocess
import sys

wanted, got = int(sys.argv[1]), subprocess.run(sys.argv[2:], timeout=120, check=False).returncode
if got != wanted:
    print(f"exit code {got}, not {wanted}: {' '.join(sys.argv[2:])}", file=sys.stderr)
sys.exit(got != wanted)
