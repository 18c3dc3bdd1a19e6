#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""whole-files.py PACKAGE…: prints the files of this system (from "/", each ended by a NUL) that belong to these
packages, to what they depend on, and to what every system has; what their scripts made; and the configuration. The
machine that the sandbox was made on may have a hundred times as much."""

import functools
import glob
import os
import re
import subprocess
import sys

# Made by the packages' scripts, or kept for them.
FOLDERS = ("etc", "var/lib/dpkg", "var/lib/libvirt", "var/lib/polkit-1", "var/lib/dbus", "var/lib/pam",
           "var/lib/swtpm-localca", "usr/lib/modules", "usr/share/dbus-1", "usr/share/polkit-1")
VOLATILE = ("proc/", "sys/", "dev/", "run/")
# Of no use to a system that only runs.
UNUSED = re.compile(r"usr/share/(doc|locale|info|lintian|bug|gtk-doc|vim|icons)/.|usr/include/.|.*\.a$")


def installed():
    """name → (names of what it needs, as groups of alternatives; whether every system has it)."""
    query = ["dpkg-query", "-W", "-f",
             "${Package}\t${Essential}\t${Priority}\t${Provides}\t${Depends}, ${Pre-Depends}\n"]
    packages, providers = {}, {}
    for line in subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines():
        name, essential, priority, provides, depends = line.split("\t")
        groups = [[re.split(r"[ :(]", one.strip())[0] for one in group.split("|")]
                  for group in depends.split(",") if group.strip()]
        packages[name] = (groups, essential == "yes" or priority == "required")
        for one in filter(None, provides.split(",")):
            providers.setdefault(re.split(r"[ :(]", one.strip())[0], []).append(name)
    return packages, providers


def closure(wanted):
    packages, providers = installed()
    seen, todo = set(), [name for name, (_, always) in packages.items() if always] + list(wanted)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in packages:
            todo += providers.get(name, [])
            continue
        for group in packages[name][0]:
            todo += [one for one in group if one in packages] or group
    return seen & packages.keys()


@functools.cache
def real_folder(path):
    return os.path.realpath(path)


def of_packages(names):
    # As "dpkg-query -L" would say, without a process for each.
    for listing in glob.glob("/var/lib/dpkg/info/*.list"):
        if os.path.basename(listing)[:-len(".list")].split(":")[0] not in names:
            continue
        for path in open(listing).read().splitlines():
            if path.startswith("/") and path != "/.":
                # /lib and its like are links into /usr.
                folder, base = os.path.split(path)
                yield os.path.join(real_folder(folder), base)[1:]


def links_of_alternatives():
    for folder in ("/usr/bin", "/usr/sbin"):
        for entry in os.scandir(folder):
            if entry.is_symlink() and os.readlink(entry).startswith("/etc/alternatives/"):
                yield entry.path[1:]


def below(folder):
    yield folder
    for top, folders, files in os.walk("/" + folder):
        for name in folders + files:
            yield os.path.join(top, name)[1:]


def main():
    paths = set(links_of_alternatives())
    for path in of_packages(closure(sys.argv[1:])):
        paths.add(path)
    for folder in [path for path in paths if path.startswith("usr/lib/python3") and path.endswith(".py")]:
        cache = os.path.join(os.path.dirname(folder), "__pycache__")
        if cache not in paths and os.path.isdir("/" + cache):
            paths.update(below(cache))
    for folder in FOLDERS:
        if os.path.isdir("/" + folder):
            paths.update(below(folder))
    for path in sorted(paths):
        if os.path.lexists("/" + path) and not UNUSED.match(path) and not path.startswith(VOLATILE):
            sys.stdout.write(path + "\0")


main()
