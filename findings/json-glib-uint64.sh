#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# json-glib writes D-Bus' uint64 as a signed number, and reads numbers out of range without an error.
#
# JSON's numbers have no size, and GVariant's "t" goes to 2^64-1, which is systemd's way of saying "no limit" in
# MemoryMax, TasksMax and all its other properties. json_gvariant_serialize() has nothing but 64-bit signed integers and
# doubles to put them in, so that "no limit" is written as -1. Its parser wraps in the same manner where others keep a
# double or refuse: 18446744073709551615 is read as -1, and -9223372036854775809 as a large positive number. A check
# "at least 0" or "at most N" behind it looks at another number than the one that stands in the file. Doubles that need
# an exponent are written with a ".0" behind it, which is not JSON.
#
# Seen with libjson-glib-1.0-0 1.6.6-1:
#   <uint64 18446744073709551615>: -1          "18446744073709551615": -1
#   <1e22>: 1e+22.0                            "-9223372036854775809": 9223372036854775807
# What follows: shruthictl puts numbers above 2^63-1 into JSON as null, which there means "no limit", by hand.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages libjson-glib-1.0-0=1.6.6-1 gir1.2-json-1.0=1.6.6-1 python3-gi=3.42.2-3+b1

cat >"$root/tmp/look.py" <<'END'
import gi
gi.require_version('Json', '1.0')
from gi.repository import GLib, Json

def written(value):
    return Json.gvariant_serialize_data(value)[0]

def read(text):
    parser = Json.Parser()
    parser.load_from_data(text, -1)
    return parser.get_root().get_int()

print(written(GLib.Variant('t', 2**64 - 1)))
print(written(GLib.Variant('t', 2**63)))
print(written(GLib.Variant('d', 1e22)))
print(read('18446744073709551615'))
print(read('-9223372036854775809'))
END
mapfile -t seen < <(finding_run python3 /tmp/look.py)
finding_is "uint64 2^64-1 is written as" -1 "${seen[0]}"
finding_is "uint64 2^63 is written as" -9223372036854775808 "${seen[1]}"
finding_is "double 1e22 is written as" 1e+22.0 "${seen[2]}"
finding_is "18446744073709551615 is read as" -1 "${seen[3]}"
finding_is "-9223372036854775809 is read as" 9223372036854775807 "${seen[4]}"
