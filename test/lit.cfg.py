"""lit configuration of both suites: `upg` (text tests by area) and `upg-unit` (the gtest binaries).

Run through `./dev test`; by hand: lit.py build/default/test build/default/test/unit-suite
"""

import os
import shutil
import subprocess
import sys

import lit.formats
import lit.util

TIMEOUT_SECONDS = 600  # of one test; those on a real cluster take minutes, any other that needs it is broken

config.name = config.suite
test_root = os.path.join(config.repository, "test")

# The same surroundings on every machine. Nothing of the caller's HOME, agent or proxies reaches a test.
for name in ("HOME", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "http_proxy", "https_proxy", "UPG_STDLIB"):
    config.environment.pop(name, None)
config.environment.update({
    "NO_COLOR": "1",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "PYTHONDONTWRITEBYTECODE": "1",
    "UPG_SYSTEMD_DIR": "/nonexistent",  # steps on the controller are no units of this machine
    "FILECHECK_OPTS": "--dump-input=fail --allow-unused-prefixes=false",
    "PATH": os.pathsep.join([config.llvm_tools, os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"]),
})
for name in ("UPG_UPDATE", "UPG_TEST_SEED", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
if config.sanitized:
    config.environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    config.available_features.add("sanitized")

supported, _ = lit.util.killProcessAndChildrenIsSupported()
if supported and lit_config.maxIndividualTestTime == 0:
    lit_config.maxIndividualTestTime = TIMEOUT_SECONDS
elif not supported:
    lit_config.note("python3-psutil is missing: no time limit per test")

if config.suite == "upg-unit":
    sys.path.insert(0, test_root)
    from listed_google_test import ListedGoogleTest
    config.test_format = ListedGoogleTest(config.unit_tests)
    config.test_source_root = os.path.join(config.build, "unit")
    config.test_exec_root = os.path.join(config.build, "unit")
else:
    config.test_format = lit.formats.ShTest(execute_external=False)
    config.suffixes = [".test", ".upg"]
    # Inputs: files that tests read. The others hold no lit tests.
    config.excludes = ["Inputs", "unit", "fuzz", "standin", "oracle"]
    config.test_source_root = test_root
    config.test_exec_root = os.path.join(config.build, "test")
    home = os.path.join(config.test_exec_root, "home")
    os.makedirs(home, exist_ok=True)
    config.environment["HOME"] = home

    binaries = os.path.join(config.build, "bin")
    python = sys.executable
    config.substitutions += [
        ("%upg-parse", os.path.join(binaries, "upg-parse")),
        ("%upgc", os.path.join(binaries, "upgc")),
        ("%upgrun", os.path.join(binaries, "upgrun")),
        ("%expect", f"{python} {os.path.join(test_root, 'expect.py')} --repository {config.repository} "
                    f"--build {config.build} --tmp %t"),
        ("%range", os.path.join(test_root, "range", "range")),
        ("%standin", os.path.join(test_root, "standin", "standin")),
        ("%exits", f"{python} {os.path.join(test_root, 'tools', 'exit_code.py')}"),
        ("%python", python),
        ("%{sanitized}", "sanitized" if config.sanitized else ""),
        ("%repository", config.repository),
        ("%build", config.build),
        ("%stdlib", os.path.join(config.repository, "stdlib")),
        ("%examples", os.path.join(config.repository, "examples")),
    ]
    search = config.environment["PATH"]
    for feature, program in (("sshd", "sshd"), ("chromium", "chromium"), ("systemd-analyze", "systemd-analyze"), ("clang-format", "clang-format-14")):
        if shutil.which(program, path=search):
            config.available_features.add(feature)
    # A mount namespace of one's own, where tests may have small disks; not every machine allows it to everybody.
    mounted = subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if mounted.returncode == 0:
        config.available_features.add("userns")
    if os.geteuid() == 0:
        config.available_features.add("root")
        # Hosts in namespaces, found out by making some: mounts, links and cgroups that a container may not allow.
        tried = subprocess.run([os.path.join(test_root, "range", "range"), "check"], capture_output=True, text=True,
                               check=False)
        if tried.returncode == 0:
            config.available_features.add("range")
            if shutil.which("systemd-run", path=search) and os.path.exists("/lib/systemd/systemd"):
                config.available_features.add("systemd")  # a range's hosts can be started with it
            # The image lies in the cache of who started the tests; `range mkimage @cluster` makes it.
            for feature, packages in (("corosync", ["corosync", "pacemaker"]), ("ceph", ["ceph-mon", "ceph-osd", "ceph-mgr"])):
                image = subprocess.run([os.path.join(test_root, "range", "range"), "image"] + packages, capture_output=True,
                                       text=True, check=False)
                if image.returncode == 0:
                    config.available_features.add(feature)
                    config.substitutions.insert(0, ("%image", image.stdout.strip()))
                else:
                    lit_config.note(f"tests on real {feature} are left out: {(image.stdout or image.stderr).strip()}")
        else:
            lit_config.note(f"tests on a range of hosts are left out: {(tried.stdout or tried.stderr).strip()}")
