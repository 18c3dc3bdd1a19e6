#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything that crosses the bus is documented: members, keys and errors in org.dream.Shruthi(5), actions there and in
the policy, each with the annotation without which every check fails. Takes the source directory."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

OWNER = "org.freedesktop.policykit.owner"


def members(source):
    for path in sorted(source.glob("dbus/*.xml")):
        for interface in ElementTree.parse(path).getroot().iter("interface"):
            for element in interface:
                if element.tag in ("method", "signal", "property"):
                    yield element.get("name")


def undocumented(source):
    """Members without a comment of their own above them: "NAME:"."""
    for path in sorted(source.glob("dbus/*.xml")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"<(method|signal|property)\b[^>]*\bname=\"(\w+)\"", text):
            comment = text[: match.start()].rsplit("<!--", 1)[-1]
            if not re.match(rf"\s*{match[2]}:", comment) or "-->" not in comment:
                yield match[2]


def keys(source):
    """Keys of dictionaries, as the comments write them: "Memory" t, or "Since" and "Until" t."""
    type_of_key = r"(?:[a-z]\b|a[a-z({][\w{}()]*)"
    for path in sorted(source.glob("dbus/*.xml")):
        for comment in re.findall(r"<!--(.*?)-->", path.read_text(encoding="utf-8"), re.DOTALL):
            yield from re.findall(rf'"([A-Z]\w+)"\s+{type_of_key}(?=[\s,;.)]|$)', comment)
            yield from re.findall(r'"([A-Z]\w+)" and "\w+"', comment)


def report(number, what, missing):
    for one in missing:
        print(f"# {one}")
    print(f"{'not ok' if missing else 'ok'} {number} - {what}")
    return bool(missing)


def main():
    source = pathlib.Path(sys.argv[1])
    page = (source / "data/man/org.dream.Shruthi.5").read_text(encoding="utf-8").replace("\\-", "-")
    words = set(re.findall(r"[\w.-]+", page))
    names = (source / "src/common/names.h").read_text(encoding="utf-8")
    errors = (source / "src/common/error.c").read_text(encoding="utf-8")
    actions = {"org.dream.Shruthi." + a for a in re.findall(r'SHRUTHI_ACTION_PREFIX "([\w-]+)"', names)}
    policy = {
        action.get("id"): [a.text for a in action.findall("annotate") if a.get("key") == OWNER]
        for action in ElementTree.parse(source / "polkit/org.dream.Shruthi.policy").getroot().iter("action")
    }
    named = set(members(source))
    own_errors = set(re.findall(r'SHRUTHI_ERROR_PREFIX "(\w+)"', errors))
    in_dictionaries = set(keys(source))
    assert len(named) > 40 and len(actions) > 10 and len(own_errors) > 20 and len(in_dictionaries) > 60

    print("1..6")
    failed = [
        report(1, "each member has a comment in the XML", sorted(undocumented(source))),
        report(2, "each member stands in the manual page", sorted(named - words)),
        report(3, "each error stands in the manual page", sorted(own_errors - words)),
        report(4, "each action stands in the manual page and the policy",
               sorted((actions - words) | (actions ^ set(policy)))),
        report(5, "each action belongs to our user",
               sorted(a for a, owners in policy.items() if owners != ["unix-user:shruthi"])),
        report(6, "each key of a dictionary stands in the manual page, in quotes",
               sorted(in_dictionaries - set(re.findall(r"\\\(lq(\w+)\\\(rq", page)))),
    ]
    return any(failed)


if __name__ == "__main__":
    sys.exit(main())
