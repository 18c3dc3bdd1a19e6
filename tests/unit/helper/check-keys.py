#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/helper/keys.h lists each line that shruthi-domain says, and who reads it. Takes the root of the source and names
what is said or read otherwise."""

import pathlib
import re
import sys

ROW = re.compile(r'\b(KEY|FIELD)\((\w+), "([\w-]+)", (RUNNER|DAEMON|BOTH|NOBODY), "([^"]+)"\)')
MENTION = re.compile(r"\bDOMAIN_(KEY|FIELD)_(\w+)")
READERS = {"RUNNER": {"run"}, "DAEMON": {"daemon"}, "BOTH": {"run", "daemon"}, "NOBODY": set()}
# What it reads it reads for both.
SHARED = "body"


def mentions(source, layer):
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((source / layer).rglob("*.[ch]")))
    return set(MENTION.findall(text)), text


def check(source):
    rows = ROW.findall((source / "helper/keys.h").read_text(encoding="utf-8"))
    listed = {(kind, name) for kind, name, _, _, _ in rows}
    if len(rows) < 50 or len(listed) != len(rows):
        yield f"{len(rows)} rows are found, {len(listed)} of them different"
    said, text = mentions(source, "domain")
    for kind, name in sorted(said ^ listed):
        yield f"DOMAIN_{kind}_{name} is {'listed, but never said' if (kind, name) in listed else 'not listed'}"
    for key in re.findall(r'protocol_emit\w*\(\s*"([^"]*)', text):
        yield f"'{key}' is said without being listed"
    shared, _ = mentions(source, SHARED)
    for layer in ("run", "daemon"):
        read, text = mentions(source, layer)
        expected = {(kind, name) for kind, name, _, readers, _ in rows if layer in READERS[readers]}
        for kind, name in sorted(read - expected):
            yield f"src/{layer} reads DOMAIN_{kind}_{name}, and is not listed for it"
        for kind, name in sorted(expected - read - shared):
            yield f"src/{layer} is listed for DOMAIN_{kind}_{name}, and does not read it"
        for name in sorted(name for kind, name in read if kind == "FIELD"):
            yield f"src/{layer} reads DOMAIN_FIELD_{name}; src/{SHARED} does that for it"
        for name in re.findall(r'g_str_equal\((?:owned_)?key, "([^"]*)', text):
            if name in {string for _, _, string, _, _ in rows}:
                yield f"src/{layer} compares a key with '{name}'"


def main():
    found = list(check(pathlib.Path(sys.argv[1]) / "src"))
    print("1..1")
    for problem in found:
        print(f"# {problem}")
    print(f"{'not ok' if found else 'ok'} 1 - keys are said and read as they are listed")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
