#!/usr/bin/env python3
"""Input that is no plan at all: one clear diagnostic each, in little time and memory, and never a crash."""

import pathlib
import resource
import subprocess
import sys

MEMORY = 2 << 30
CASES = {
    # name: (content, exit code, code, words of the message)
    "binary": (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40, 1, "E0117", "binary"),
    "utf16": ("role web { serial }\n".encode("utf-16"), 1, "E0117", "UTF-16"),
    "nul": (b"role web { \0 serial }\n", 1, "E0117", "NUL"),
    "latin1": ("// überall\n".encode("latin-1"), 1, "E0117", "UTF-8"),
    "bidi": ("role web { serial } // \u202e }\n".encode(), 1, "E0119", "U+202E"),
    "one-line": (b"upgrade u of lab { let x = \"" + b"a" * 100_000_000 + b"\" }\n", 2, "E0001", "larger than"),
    "blocks": (b"upgrade u of lab {\n" + b"phase a { " * 50_000 + b"}" * 50_000 + b"\n}\n", 1, "E0116", "nested"),
    "parentheses": (b"upgrade u of lab {\n let x = " + b"(" * 50_000 + b"1" + b")" * 50_000 + b"\n}\n", 1, "E0116", "nested"),
    "open-blocks": (b"upgrade u of lab {\n" + b"phase a { " * 50_000, 1, "E0116", "nested"),
    "minus": (b"upgrade u of lab {\n let x = " + b"- " * 50_000 + b"1\n}\n", 1, "E0116", "deeper"),
    "cycle": (b"module cycle\nuse cycle\n", 1, "E0203", "uses itself"),
}


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main():
    upgc, folder = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    limited = sys.argv[3:] != ["sanitized"]
    folder.mkdir(parents=True, exist_ok=True)
    bad = 0
    for name, (content, exit_code, code, words) in CASES.items():
        path = folder / f"{name}.upg"
        path.write_bytes(content)
        result = subprocess.run([upgc, "check", path.name], cwd=folder, capture_output=True, timeout=120, check=False,
                                preexec_fn=limit if limited else None)
        text = result.stderr.decode()  # valid UTF-8, whatever the input was
        errors = [line for line in text.splitlines() if line.startswith("error[")]
        good = (result.returncode == exit_code and len(errors) == 1 and errors[0].startswith(f"error[{code}]")
                and words in text and len(text) < 5000 and not any(ord(c) < 32 and c != "\n" for c in text))
        if not good:
            bad += 1
            print(f"{name}: exit {result.returncode}, wanted {exit_code} and one {code} with `{words}`:\n{text[:2000]}")
        path.unlink()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
