#!/usr/bin/env python3
"""patch.py IN OUT EDIT...: a changed copy of a plan file, for tests that such files are refused.

truncate=N   keep the first N bytes (negative: all but the last -N)
append=TEXT  add bytes at the end
byte=AT:HEX  overwrite from AT (negative: from the end) with these bytes
flip=AT      flip the lowest bit of one byte
sub=A:B      replace every A by B, of the same length; \\x1b and the like stand for bytes
seal         mend size and digest, as somebody would who knows the format
"""

import hashlib
import sys

DIGEST, TABLE = 24, 56


def edit(data, what):
    name, _, value = what.partition("=")
    if name == "truncate":
        return data[:int(value)]
    if name == "append":
        return data + value.encode()
    if name in ("byte", "flip"):
        at, _, digits = value.partition(":")
        at = int(at) % len(data)
        new = bytes.fromhex(digits) if name == "byte" else bytes([data[at] ^ 1])
        return data[:at] + new + data[at + len(new):]
    if name == "sub":
        old, new = (part.encode().decode("unicode_escape").encode("latin-1") for part in value.split(":"))
        if len(old) != len(new) or old not in data:
            sys.exit(f"cannot replace {old} by {new}")
        return data.replace(old, new)
    if name == "seal":
        data = data[:16] + len(data).to_bytes(8, "little") + data[DIGEST:]
        return data[:DIGEST] + hashlib.sha256(data[:DIGEST] + data[TABLE:]).digest() + data[TABLE:]
    sys.exit(f"unknown edit {what}")


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    for what in sys.argv[3:]:
        data = edit(data, what)
    with open(sys.argv[2], "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
