#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the interface of a running object (introspection XML on standard input) with the documented one: members,
types, directions, names of arguments, annotations. Prints what differs."""

import sys
import xml.etree.ElementTree as ElementTree


def annotations(element):
    return sorted((a.get("name"), a.get("value")) for a in element.findall("annotation"))


def argument(arg, default):
    return (arg.get("type"), arg.get("name"), arg.get("direction", default))


def member(element):
    default = "out" if element.tag == "signal" else "in"
    return (
        element.tag,
        element.get("name"),
        element.get("type"),
        element.get("access"),
        tuple(argument(arg, default) for arg in element.findall("arg")),
        tuple(annotations(element)),
    )


def interface(root, name):
    found = root.find(f"interface[@name='{name}']")
    if found is None:
        sys.exit(f"there is no interface {name}")
    return {member(e) for e in found if e.tag in ("method", "signal", "property")}, annotations(found)


def main():
    file, name = sys.argv[1:]
    documented = interface(ElementTree.parse(file).getroot(), name)
    running = interface(ElementTree.fromstring(sys.stdin.read()), name)
    for one in sorted(documented[0] - running[0], key=str):
        print("documented only:", one)
    for one in sorted(running[0] - documented[0], key=str):
        print("running only:", one)
    if documented[1] != running[1]:
        print("annotations differ:", documented[1], running[1])
    print(len(documented[0]), "members compared")
    return documented != running


if __name__ == "__main__":
    sys.exit(main())
