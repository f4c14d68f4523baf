"""when.py TEXT DO [TEXT DO]... -- COMMAND...: runs upgrun with JSON events on its standard output. When an event has the first TEXT in it, the
first DO is done; then the second pair counts, and so on. DO is INT (a SIGINT to upgrun) or a command for the shell.

A background job of a shell would ignore SIGINT. Ends with the exit code of upgrun, or with 99 when not everything came to pass.
"""

import signal
import subprocess
import sys

end = sys.argv.index("--")
pairs = list(zip(sys.argv[1:end:2], sys.argv[2:end:2]))
with subprocess.Popen(sys.argv[end + 1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                      preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
    for line in process.stdout:
        print(line, end="", flush=True)
        if pairs and pairs[0][0] in line:
            _, do = pairs.pop(0)
            if do == "INT":
                process.send_signal(signal.SIGINT)
            else:
                subprocess.run(do, shell=True, check=True, stdout=subprocess.DEVNULL)
    process.wait()
if pairs:
    print("never came to pass:", pairs[0][0], flush=True)
    sys.exit(99)
sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)
