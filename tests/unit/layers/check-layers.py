#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Includes point one way. Takes the root of the source and names each include that does not.

A layer is a folder of src, a room a folder of a layer, a module a header with the .c files that belong to it: those of
its name, and those whose name begins with it and a dash (change.h: change.c, change-work.c). Layers, rooms and modules
include only what stands before them, so there is no circle among any of them. Who speaks D-Bus speaks no libvirt, who
speaks libvirt speaks no D-Bus, and pure layers speak neither."""

import pathlib
import re
import sys

# Each layer and those that it may include.
LAYERS = {
    "common": set(),
    "link": {"common"},
    "image": {"common"},
    "volume": {"common"},
    "unikernel": {"common", "image", "volume"},
    "antispoof": {"common"},
    "switch": {"common", "link", "antispoof"},
    "uplink": {"common", "unikernel"},
    "helper": {"common"},
    "kvm": {"common"},
    "body": {"common", "unikernel", "helper"},
    "domain": {"common", "image", "volume", "unikernel", "antispoof", "uplink", "helper", "kvm", "body"},
    "neighbours": {"common", "image", "unikernel"},
    "seal": {"common"},
    "probe": {"common"},
    "fetch": {"common"},
    "tender": {"common", "image", "unikernel"},
    "run": {"common", "image", "volume", "unikernel", "helper", "kvm", "body", "probe"},
    "demand": {"common", "image", "volume", "unikernel", "antispoof", "helper"},
    "daemon": {"common", "image", "volume", "unikernel", "seal", "fetch", "switch", "helper", "body"},
    "filter": {"common", "link"},
    "fleet": {"common", "unikernel", "link"},
    "ctl": {"common", "image", "unikernel", "switch", "filter", "fleet"},
    "generator": {"common", "image", "unikernel"},
}
# The rooms of a layer, each of which includes only those before it. "": what is in no room.
ROOMS = {
    "daemon": ["core", "access", "state", "change", "bus", ""],
    "domain": ["xml", "host", "plan", "network", "lifecycle", "check", "service", ""],
    "fleet": ["plan", "expansion", "results", ""],
    "ctl": ["cli", "output", "input", "bus", "fleet", "verbs", "remote", ""],
}
# Includes of a later room all the same: file and header.
UPWARD = set()
# Modules that include each other all the same.
RINGS = (
)
PURE = {"common", "image", "volume", "unikernel", "body", "fleet", "link"}
# "common" may know the journal and machine IDs, which are no bus.
BUS = re.compile(r"^(systemd/sd-(bus|event|daemon)\.h|gio/)")
LIBVIRT = re.compile(r"^(libvirt/|libxml/)")
COLUMNS = 109
TYPE = re.compile(r"^(?:typedef )?(?:struct|enum|union) (\w+) \{", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)


def layer_of(name):
    return name.split("/")[0]


def room_of(name):
    return "/".join(name.split("/")[1:-1])


def speech_problems(name, includes):
    layer = layer_of(name)
    bus = [i for i in includes if BUS.match(i)]
    libvirt = [i for i in includes if LIBVIRT.match(i)]
    if bus and libvirt:
        yield f"{name} includes {bus[0]} and {libvirt[0]}"
    if libvirt and layer != "domain":
        yield f"{name} includes {libvirt[0]}; only src/domain does"
    if bus and layer == "domain":
        yield f"{name} includes {bus[0]}; files of src/domain speak to libvirt"
    if layer in PURE and (bus or libvirt):
        yield f"{name} includes {(bus + libvirt)[0]}, and its layer is pure"


def order_problems(name, includes):
    layer, rooms = layer_of(name), ROOMS.get(layer_of(name), [""])
    if layer not in LAYERS:
        yield f"{name} is in a layer that this test does not know"
        return
    if room_of(name) not in rooms:
        yield f"{name} is in a room that this test does not know"
        return
    for include in includes:
        other = layer_of(include)
        if other not in LAYERS or "/" not in include:
            continue
        if other != layer:
            if other not in LAYERS[layer]:
                yield f"{name} includes {include}, and {layer} stands before {other}"
        elif room_of(include) not in rooms:
            yield f"{name} includes {include}, which is in no room"
        elif rooms.index(room_of(include)) > rooms.index(room_of(name)) and (name, include) not in UPWARD:
            yield f"{name} includes {include}, and {room_of(name)} stands before {room_of(include)}"


def module_of(name, headers):
    """That of a file, without its suffix."""
    module = name[:-2]
    while module not in headers and "-" in module.rpartition("/")[2]:
        module = module.rpartition("-")[0]
    module = module if module in headers else name[:-2]
    shared = module.removesuffix("-private")
    return shared if shared in headers else module


def rings_of(files):
    """The sets of modules that include each other, directly or not. files: name → includes."""
    headers = {name[:-2] for name in files if name.endswith(".h")}
    edges = {}
    for name, includes in files.items():
        edges.setdefault(module_of(name, headers), set()).update(
            module_of(i, headers) for i in includes if i in files)

    def reached(start):
        found, todo = set(), [start]
        while todo:
            for other in edges[todo.pop()] - found:
                found.add(other)
                todo.append(other)
        return found

    reach = {module: reached(module) for module in edges}
    rings = {frozenset(other for other in reach[module] if module in reach[other]) for module in edges}
    return [ring for ring in rings if len(ring) > 1]


def ring_problems(files):
    rings = rings_of(files)
    for ring in rings:
        if set(ring) not in RINGS:
            yield f"these include each other: {', '.join(sorted(ring))}"
    for ring in RINGS:
        if ring not in rings:
            yield f"these no longer include each other: {', '.join(sorted(ring))}"


def type_problems(source):
    """A name stands for one type in the whole tree."""
    paths = sorted(source.rglob("*.[ch]"))
    files = {path.relative_to(source).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    yield from double_types(files)


def double_types(files):
    defined = {}
    for name, text in files.items():
        for type_name in TYPE.findall(text):
            defined.setdefault(type_name, []).append(name)
    for type_name, names in sorted(defined.items()):
        if len(names) > 1:
            yield f"{type_name} is a type of {' and of '.join(names)}"


def check(source):
    paths = [path for path in source.rglob("*") if path.suffix in (".c", ".h")]
    files = {path.relative_to(source).as_posix(): INCLUDE.findall(path.read_text(encoding="utf-8")) for path in paths}
    for name, includes in sorted(files.items()):
        yield from speech_problems(name, includes)
        yield from order_problems(name, includes)
    yield from ring_problems(files)
    for name, include in sorted(UPWARD):
        if include not in files.get(name, []):
            yield f"{name} does not include {include}"


def count_problems(source):
    """What the build compiles is what was looked at: neither a file that no build knows, nor one that is looked at by
    nobody."""
    built = set()
    for path in source.rglob("meson.build"):
        folder = path.parent.relative_to(source).as_posix()
        built.update(f"{folder}/{name}" for name in re.findall(r"'([\w/-]+\.c)'", path.read_text(encoding="utf-8")))
    there = {path.relative_to(source).as_posix() for path in source.rglob("*.c")}
    for name in sorted(built ^ there):
        yield f"{name} is {'not there' if name in built else 'in no meson.build'}"


def readme_problems(source):
    """src/README.md names files as they are, by the end of their path."""
    there = ["/" + path.relative_to(source).as_posix() for path in source.rglob("*.[ch]")]
    text = (source / "README.md").read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"`([\w/-]+\.[ch])`", text))):
        if not any(path.endswith("/" + name) for path in there):
            yield f"README.md names {name}, which is not there"


def width_problems(source):
    """Lines have the width of .clang-format."""
    for path in sorted(source.rglob("*.[ch]")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > COLUMNS:
                yield f"{path.relative_to(source).as_posix()}:{number} has {len(line)} columns, more than {COLUMNS}"


def test_itself():
    """The check sees what it should see."""
    assert list(speech_problems("daemon/x.c", ["systemd/sd-bus.h", "libvirt/libvirt.h"]))
    assert list(speech_problems("domain/x.c", ["systemd/sd-bus.h"]))
    assert list(speech_problems("domain/xml/x.c", ["systemd/sd-bus.h"]))
    assert not list(speech_problems("domain/x.c", ["libvirt/libvirt.h", "unikernel/definition.h", "glib.h"]))
    assert list(order_problems("unikernel/x.c", ["daemon/manager.h"]))
    assert list(order_problems("daemon/x.c", ["daemon/elsewhere/x.h"]))
    assert list(order_problems("elsewhere/x.c", []))
    assert list(double_types({"a.c": "typedef struct A {\n} A;\n", "b.c": "struct A {\n};\n"}))
    assert not list(double_types({"a.h": "typedef struct A A;\n", "a.c": "struct A {\n};\n"}))
    assert rings_of({"a/b.h": [], "a/b-c.c": ["a/d.h"], "a/d.h": ["a/b.h"]}) == [{"a/b", "a/d"}]
    assert not rings_of({"a/b.h": ["a/b-private.h"], "a/b-private.h": ["a/b.h"], "a/d.c": ["a/b.h"]})


def main():
    source = pathlib.Path(sys.argv[1]) / "src"
    test_itself()
    print("1..5")
    status = 0
    for number, (what, found) in enumerate((("every file that is built is looked at", count_problems(source)),
                                            ("includes point one way", check(source)),
                                            ("a name stands for one type", type_problems(source)),
                                            ("src/README.md names files that are there", readme_problems(source)),
                                            ("no line of code is too wide", width_problems(source))), 1):
        found = list(found)
        for problem in found:
            print(f"# {problem}")
        print(f"{'not ok' if found else 'ok'} {number} - {what}")
        status = status or bool(found)
    return status


if __name__ == "__main__":
    sys.exit(main())
