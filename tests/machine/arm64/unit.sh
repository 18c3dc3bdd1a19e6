#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The unit tests of the cross build, on the processor and the kernel that they are meant for: with filters of system calls
# and KVM, which QEMU's emulation of a user's program has not.
# short: one boot is enough for it, with the other short ones.

# A guest of 4G is promised as much as the machine has altogether.
echo 1 >/proc/sys/vm/overcommit_memory
exec python3 /shruthi/source/tests/sandbox.d/whole-tests.py /shruthi/build/cross-arm64 unit "${SLOWNESS:-10}"
