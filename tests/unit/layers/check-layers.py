#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layers point one way: who speaks D-Bus speaks no libvirt, who speaks libvirt speaks no D-Bus, pure modules neither,
and each layer includes only what stands before it. Takes the source directory; says each file that does otherwise."""

import pathlib
import re
import sys

# Each layer and those that it may include.
LAYERS = {
    "common": set(),
    "image": {"common"},
    "volume": {"common"},
    "unikernel": {"common", "image", "volume"},
    "domain": {"common", "image", "volume", "unikernel", "antispoof", "helper"},
    "antispoof": {"common"},
    "helper": {"common"},
    "neighbours": {"common", "image", "unikernel"},
    "seal": {"common"},
    "run": {"common", "image", "volume", "unikernel", "helper"},
    "daemon": {"common", "image", "volume", "unikernel", "seal", "helper"},
    "ctl": {"common", "image", "unikernel"},
    "generator": {"common", "image", "unikernel"},
}
PURE = {"common", "image", "volume", "unikernel"}
# "common" may know the journal and machine IDs, which are no bus.
BUS = re.compile(r"^(systemd/sd-(bus|event|daemon)\.h|gio/)")
LIBVIRT = re.compile(r"^(libvirt/|libxml/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)


def problems(layer, name, includes):
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
    for include in includes:
        other = include.split("/")[0]
        if "/" in include and other in LAYERS and other != layer and other not in LAYERS[layer]:
            yield f"{name} includes {include}, and {layer} stands below {other}"


def check(source):
    found, files = [], 0
    for path in sorted(source.glob("src/*/*.[ch]")):
        layer = path.parent.name
        name = path.relative_to(source)
        files += 1
        if layer not in LAYERS:
            found.append(f"{name} is in a layer that this test does not know")
            continue
        found += problems(layer, name, INCLUDE.findall(path.read_text(encoding="utf-8")))
    return found, files


def main():
    source = pathlib.Path(sys.argv[1])
    # The check itself can fail: it sees what it should see.
    assert list(problems("daemon", "x.c", ["systemd/sd-bus.h", "libvirt/libvirt.h"]))
    assert list(problems("unikernel", "x.c", ["daemon/manager.h"]))
    assert list(problems("domain", "x.c", ["systemd/sd-bus.h"]))
    assert not list(problems("domain", "x.c", ["libvirt/libvirt.h", "unikernel/definition.h", "glib.h"]))

    found, files = check(source)
    print("1..2")
    print("ok 1 - there are files to look at" if files > 50 else "not ok 1 - there are files to look at")
    for problem in found:
        print(f"# {problem}")
    print("not ok 2 - layers point one way" if found else "ok 2 - layers point one way")
    return 1 if found or files <= 50 else 0


if __name__ == "__main__":
    sys.exit(main())
