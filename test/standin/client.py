#!/usr/bin/python3 -IS
"""One stand-in tool: hands its command line to the supervisor and prints what comes back.

Installed as DIR/hosts/HOST/bin/TOOL, so argv[0] alone says who asks and whom to ask. Imports as little as it can: it is
started for every command, and start-up is most of what a command costs.
"""
import os
import sys
import _socket

TOOL = sys.argv[0]
BIN = os.path.dirname(TOOL)
HOST = os.path.basename(os.path.dirname(BIN))
DIRECTORY = os.path.dirname(os.path.dirname(os.path.dirname(BIN)))
NAME = os.path.basename(TOOL)
SENT = ("DEBIAN_FRONTEND", "STANDIN_SUDO", "NO_COLOR", "ANSI_COLORS_DISABLED", "USER", "SUDO_ASKPASS",
        "OS_AUTH_URL", "KUBECONFIG", "UPG_SYSADMIN", "UPG_ADMIN")
REAL = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def die(text, code=125):
    os.write(2, ("%s: %s\n" % (NAME, text)).encode())
    os._exit(code)


def real_tool(name):
    for folder in REAL:
        if os.access(folder + "/" + name, os.X_OK):
            return folder + "/" + name
    os.write(2, ("bash: %s: command not found\n" % name).encode())
    os._exit(127)


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


def number(n):
    return n.to_bytes(4, "big")


def read_line():
    """One line of standard input and not a byte more: what follows belongs to the next reader. None at its end."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = os.read(0, 1)
        except OSError:
            byte = b""
        if not byte:
            return line or None
        line += byte
    return line


def run_mapped(root, argv):
    """The real tool on the files that stand in for the host's own; its output names the host's own."""
    import subprocess
    done = subprocess.run([real_tool(argv[0])] + argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    prefix = os.fsencode(root)
    write_all(1, done.stdout.replace(prefix, b""))
    write_all(2, done.stderr.replace(prefix, b"").replace(os.fsencode(real_tool(argv[0])), os.fsencode(argv[0])))
    os._exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)


def main():
    conn = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    os.set_inheritable(conn.fileno(), False)
    try:
        folder = os.open(DIRECTORY, os.O_PATH | os.O_DIRECTORY)   # a short name for a socket deep in the tree
        conn.connect("/proc/self/fd/%d/socket" % folder)
        os.close(folder)
    except OSError:
        die("the cluster of %s is not running" % DIRECTORY)
    env = ["%s=%s" % (k, os.environ[k]) for k in SENT if k in os.environ]
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = "/"
    fields = [HOST, NAME, cwd, str(len(env))] + env + sys.argv[1:]
    body = b"\0".join(os.fsencode(f) for f in fields)
    conn.sendall(number(len(body)) + body)

    pending = b""

    def take(count):
        nonlocal pending
        while len(pending) < count:
            got = conn.recv(65536)
            if not got:
                die("the cluster went away")
            pending += got
        out, pending = pending[:count], pending[count:]
        return out

    while True:
        head = take(5)
        kind, payload = head[:1], take(int.from_bytes(head[1:], "big"))
        if kind == b"o":
            write_all(1, payload)
        elif kind == b"e":
            write_all(2, payload)
        elif kind == b"q":
            os._exit(payload[0])
        elif kind == b"r":
            line = read_line()
            conn.sendall(b"\xff\xff\xff\xff" if line is None else number(len(line)) + line)
        elif kind == b"x":
            argv = [os.fsdecode(a) for a in payload.split(b"\0")]
            for pair in env_changes(argv):
                os.environ[pair[0]] = pair[1]
            if "/" in argv[0] or os.access(BIN + "/" + argv[0], os.X_OK):
                path = argv[0] if "/" in argv[0] else BIN + "/" + argv[0]
                path = real_tool(argv[0]) if argv[0] == NAME else path
            else:
                path = real_tool(argv[0])
            try:
                os.execv(path, argv)
            except OSError as e:
                die("%s: %s" % (argv[0], e.strerror), 127)
        elif kind == b"m":
            argv = [os.fsdecode(a) for a in payload.split(b"\0")]
            run_mapped(argv[0], argv[1:])


def env_changes(argv):
    """Leading NAME=VALUE words (and -NAME to remove one) of what the supervisor wants run."""
    while argv and argv[0].startswith("\x01"):
        word = argv.pop(0)[1:]
        if word.startswith("-"):
            os.environ.pop(word[1:], None)
        else:
            yield word.split("=", 1)


try:
    main()
except (BrokenPipeError, ConnectionError):
    os._exit(141)
except KeyboardInterrupt:
    os._exit(130)
