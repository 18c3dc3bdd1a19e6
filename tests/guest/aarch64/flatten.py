#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ELF FILE: writes what an ELF file has loaded, as it lies in memory, to a flat file. GNU ld for AArch64 has no
--oformat=binary, and objcopy has another name for each compiler."""

import pathlib
import struct
import sys

PT_LOAD = 1


def main():
    elf = pathlib.Path(sys.argv[1]).read_bytes()
    table, size, count = struct.unpack_from("<32xQ14xHH", elf)
    pieces = {}
    for i in range(count):
        kind, offset, address, length = struct.unpack_from("<I4xQ8xQQ", elf, table + i * size)
        if kind == PT_LOAD and length > 0:
            pieces[address] = elf[offset : offset + length]
    flat = bytearray()
    for address in sorted(pieces):
        at = address - min(pieces)
        flat[len(flat) : at] = bytes(at - len(flat))
        flat += pieces[address]
    pathlib.Path(sys.argv[2]).write_bytes(flat)


main()
