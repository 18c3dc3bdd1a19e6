#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests of Solo5's hvt target on a whole machine, of which the processor has KVM for sure: the same as in a sandbox.
# short: one boot is enough for it, with the other short ones.

exec bash "$(dirname "$0")/../system/hvt.sh"
