"""interrupt.py TEXT COMMAND...: runs upgrun with JSON events on its standard output and sends it SIGINT once, when an event has TEXT in it.

A background job of a shell would ignore SIGINT. Ends with the exit code of upgrun.
"""

import signal
import subprocess
import sys

text, command = sys.argv[1], sys.argv[2:]
with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                      preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
    sent = False
    for line in process.stdout:
        print(line, end="")
        if not sent and text in line:
            sent = True
            process.send_signal(signal.SIGINT)
    process.wait()
print("interrupted" if sent else "never interrupted", flush=True)
sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)
