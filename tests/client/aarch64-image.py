#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the smallest guest for aarch64 that there is, without a compiler for it: by Linux's boot protocol (the
kernel's Documentation/arch/arm64/booting.rst), it prints a line on the PL011 of QEMU's virt, and then powers off,
resets, or stays for good. Takes the file, the line, and off, reset or stay."""

import struct
import sys

HEADER_SIZE = 64
UART = 0x09000000
PSCI = {"off": 0x84000008, "reset": 0x84000009}  # SYSTEM_OFF and SYSTEM_RESET of Arm's DEN0022


def mov(register, value):
    """movz and movk: a constant of 32 bits."""
    return [0xD2800000 | (value & 0xFFFF) << 5 | register, 0xF2A00000 | (value >> 16) << 5 | register]


def code(line, ending):
    begin = mov(1, UART)
    loop = [
        0x38401443,  # ldrb w3, [x2], #1
        0x34000063,  # cbz w3, behind the loop
        0xB9000023,  # str w3, [x1]
        0x17FFFFFD,  # b, to the ldrb
    ]
    end = mov(0, PSCI[ending]) + [0xD4000002] if ending in PSCI else []  # hvc #0
    end += [0xD503205F, 0x17FFFFFF]  # wfe, and again
    behind = (1 + len(loop) + len(end)) * 4  # from the adr to the text
    words = begin + [0x10000002 | (behind >> 2) << 5] + loop + end  # adr x2, text
    return struct.pack(f"<{len(words)}I", *words) + line.encode() + b"\r\n\0"


def main():
    path, line, ending = sys.argv[1:]
    body = code(line, ending)
    header = struct.pack("<IIQQQQQQ4sI", 0x14000000 | HEADER_SIZE // 4, 0, 0, 4096, 0xA, 0, 0, 0, b"ARM\x64", 0)
    assert len(header) == HEADER_SIZE and len(body) <= 4096 - HEADER_SIZE
    with open(path, "wb") as file:
        file.write(header + body)


if __name__ == "__main__":
    main()
