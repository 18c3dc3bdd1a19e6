#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# QEMU's -kernel takes a 64-bit ELF as a Multiboot kernel only where its Multiboot header repeats the addresses that the
# ELF headers have already, and puts the kernel's path before the command line.
#
# Multiboot 1 lets a kernel be an ELF file, of which the loader reads the program headers; the address fields of its
# header (flag 16, "a.out kludge") are for other formats. GRUB loads a 64-bit ELF that is entered in 32 bit by its
# program headers. QEMU does so for 32-bit ELF alone, and refuses a 64-bit one, unless flag 16 is set: then it goes by
# the five address fields and does not look at the ELF headers at all. What is given with -append comes behind the path
# of the file and one space, so that a kernel which drops its first word gets a piece of the path as an argument where
# the path has a space in it.
#
# Seen with qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3:
#   without flag 16: qemu-system-x86_64: Cannot load x86-64 image, give a 32bit one.
#   with it: /tmp/a kernel --answer=42
# What follows: images are refused before a start where the flag is missing, and stored below a path without spaces.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 python3-minimal

cat >"$root/tmp/kernel.py" <<'END'
# kernel.py FLAGS FILE: an ELF64 at 1 MiB that writes its command line to the first serial port and ends QEMU
import struct, sys

BASE, HEADER, ENTRY = 0x100000, 0x100, 0x140
flags = int(sys.argv[1], 0)
code = bytes.fromhex(
    '8b7310'    # mov esi, [ebx + 16]: cmdline of the boot information
    '66baf803'  # mov dx, 0x3f8
    'ac'        # next: lodsb
    '84c0'      # test al, al
    '7403'      # jz done
    'ee'        # out dx, al
    'ebf8'      # jmp next
    '66ba0105'  # done: mov dx, 0x501: isa-debug-exit
    'ee'        # out dx, al
    'ebfe')     # jmp here
size = ENTRY + len(code)
elf = struct.pack('<4sBBBB8xHHIQQQIHHHHHH', b'\x7fELF', 2, 1, 1, 0, 2, 62, 1, BASE + ENTRY, 64, 0,
                  0, 64, 56, 1, 0, 0, 0)
elf += struct.pack('<IIQQQQQQ', 1, 5, 0, BASE, BASE, size, size, 0x1000)
magic = 0x1BADB002
multiboot = struct.pack('<IIIIIIII', magic, flags, -(magic + flags) & 0xFFFFFFFF,
                        BASE + HEADER, BASE, 0, 0, BASE + ENTRY)
open(sys.argv[2], 'wb').write(elf.ljust(HEADER, b'\0') + multiboot.ljust(ENTRY - HEADER, b'\0') + code)
END
# FLAGS: what QEMU says, or the kernel.
boot() {
        finding_run python3 /tmp/kernel.py "$1" '/tmp/a kernel'
        finding_run qemu-system-x86_64 -accel tcg -display none -nodefaults -no-reboot -m 16 -serial stdio \
                -device isa-debug-exit -kernel '/tmp/a kernel' -append --answer=42 2>&1 </dev/null || :
}

finding_is "without flag 16" "qemu-system-x86_64: Cannot load x86-64 image, give a 32bit one." "$(boot 0)"
finding_is "with it" "/tmp/a kernel --answer=42" "$(boot 0x10000)"
