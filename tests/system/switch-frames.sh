#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shruthi-switch by itself: what it does with the frames of members that are taps, and with what its clients ask for. The
# taps are in a network of their own, and tests/client/switch.py is whom the switch speaks with.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need python3

check "it says its version" /usr/libexec/shruthi/shruthi-switch --version
expect_fail "it is started by its socket" 'is started by shruthi-switch.socket' \
        env -u LISTEN_FDS RUNTIME_DIRECTORY=/tmp /usr/libexec/shruthi/shruthi-switch

timeout 240 python3 "$SRC/tests/client/switch.py" /usr/libexec/shruthi/shruthi-switch >/tmp/switch.tap 2>/tmp/switch.err
while read -r line; do
        case $line in
        "ok "*) ok "${line#* - }" ;;
        "not ok "*) fail "${line#* - }" || : ;;
        "# "*) diag "${line#??}" ;;
        esac
done </tmp/switch.tap
check "and that was all" grep -q '^1\.\.' /tmp/switch.tap
[ $tests_failed -eq 0 ] || diag "$(tail -n 20 /tmp/switch.err)"

finish
