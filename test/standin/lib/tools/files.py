"""Tools that read and write files, on the host's own copies of the few files that matter; and sudo."""
import glob
import os

from engine import READ, Refused

# What belongs to the host. Everything else is the machine's, read with the real tool.
OWN = ("/etc/apt", "/etc/machine-id", "/etc/hostname", "/etc/hosts", "/etc/os-release", "/etc/debian_version", "/etc/pve",
       "/run/reboot-required", "/run/reboot-required.pkgs", "/var/run/reboot-required", "/var/run/reboot-required.pkgs",
       "/proc/sys/kernel/random/boot_id", "/var/lib/upg", "/run/upg", "/run/standin")
WRITERS = ("tee", "cp", "mv", "rm", "touch", "mkdir", "rmdir", "ln", "install", "chmod", "chown", "truncate")
READERS = ("cat", "grep", "egrep", "sed", "awk", "test", "[", "ls", "head", "tail", "stat", "wc", "readlink", "find", "sha256sum",
           "md5sum", "diff", "cut",
           "sort")


def mapped(c, host, word):
    """`word` with the host's own path in it turned into the copy's; None if it has none."""
    for own in c.own:
        if word == own or word.startswith(own + "/"):
            return c.root(host, word.replace("/var/run/", "/run/", 1))
    return None


def file_tool(c, call):
    argv, found = [call.tool], False
    for word in call.args:
        path = mapped(c, call.host, word)
        if path is None and word.startswith("--") and "=" in word:
            option, _, value = word.partition("=")
            path = mapped(c, call.host, value)
            path = option + "=" + path if path else None
        found = found or path is not None
        # The shell looked for a pattern's files on the machine and found none: here are the host's.
        matches = sorted(glob.glob(path)) if path and any(ch in path for ch in "*?[") else []
        argv += matches or [word if path is None else path]
    changes = call.tool in WRITERS or call.tool == "sed" and any(a.startswith("-i") or a == "--in-place" for a in call.args)
    if found and changes:
        c.before_write(call)
    if found and changes and c.settings["require_sudo"] and call.env.get("STANDIN_SUDO") != "1":
        raise Refused(1, "%s: Permission denied" % call.tool)
    if found:
        call.run_mapped(c.root(call.host), argv)
    else:
        call.run_real(argv)
    return 0


def sudo(c, call):
    """Passes through; asks for a password where the scenario says so. Forgets DEBIAN_FRONTEND, as sudo's env_reset does."""
    args, ask_stdin, never_ask, keep_env, prompt = list(call.args), False, False, False, None
    changes, check_only = ["\x01STANDIN_SUDO=1"], False
    while args and args[0].startswith("-"):
        word = args.pop(0)
        if word == "--":
            break
        if word in ("-u", "-g", "-p", "--user", "--group", "--prompt"):
            value = args.pop(0) if args else ""
            prompt = value if word in ("-p", "--prompt") else prompt
        elif word.startswith("--prompt="):
            prompt = word.partition("=")[2]
        elif word in ("-E", "--preserve-env") or word.startswith("--preserve-env="):
            keep_env = True
        elif word in ("-v", "--validate", "-k", "--reset-timestamp", "-K"):
            check_only = word in ("-v", "--validate") or check_only
            if not args and not check_only:
                return 0
        elif word in ("-n", "--non-interactive"):
            never_ask = True
        elif word in ("-S", "--stdin"):
            ask_stdin = True
        elif word in ("-H", "--set-home", "-b", "-A"):
            pass
        elif set(word[1:]) <= set("nSEHk"):
            never_ask, ask_stdin, keep_env = never_ask or "n" in word, ask_stdin or "S" in word, keep_env or "E" in word
        else:
            raise Refused(1, "sudo: invalid option -- '%s'" % word.lstrip("-"))
    password = c.settings["sudo_password"]
    if password is not None and call.env.get("STANDIN_SUDO") != "1":
        if never_ask:
            raise Refused(1, "sudo: a password is required")
        if not ask_stdin:
            raise Refused(1, "sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an "
                          "askpass helper\nsudo: a password is required")
        for left in (2, 1, 0):
            call.err((prompt if prompt is not None else "[sudo] password for %s: " % call.env.get("USER", "user")))
            line = yield READ
            if line is None:
                raise Refused(1, "sudo: no password was provided\nsudo: a password is required")
            if line.rstrip("\n") == password:
                break
            c.refused("sudo: a wrong password", call.host)
            if left == 0:
                raise Refused(1, "sudo: 3 incorrect password attempts")
            call.err("Sorry, try again.\n")
    if check_only:
        return 0
    if not keep_env:
        changes.append("\x01-DEBIAN_FRONTEND")
    while args and "=" in args[0] and args[0].split("=")[0].isidentifier():
        changes.append("\x01" + args.pop(0))
    if not args:
        raise Refused(1, "usage: sudo [-nSEH] [-u user] [VAR=value] command")
    base = os.path.basename(args[0])
    call.run_real(changes + [base if base in c.tools else args[0]] + args[1:])
    return 0
    yield


TOOLS = {name: file_tool for name in READERS + WRITERS}
TOOLS["sudo"] = sudo
