#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# "journalctl --lines=N" shows the first lines and not the last ones with --since=, and too few with --until=.
#
# journalctl(1) says of --lines= that it shows the most recent entries. Alone it does. With --since= journalctl goes to
# that time and prints N entries from there, the oldest ones. With --until= it goes N entries back from the end of the
# journal, and ends at that time: what is later counts and is not shown. With --reverse or --grep=, which implies that,
# it is right.
#
# Seen with systemd and systemd-journal-remote 252.39-1~deb12u2, in a journal of five entries, one a second, with
# --lines=2:
#   alone: 4 5; since the first: 1 2; until the fourth: 4; since the first, in reverse: 5 4; until the fourth, in
#   reverse: 4 3
# What follows: shruthictl logs does not hand a number of lines on together with a time, and keeps the last ones itself.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages systemd=252.39-1~deb12u2 systemd-journal-remote=252.39-1~deb12u2

# The journal's export format, https://systemd.io/JOURNAL_EXPORT_FORMATS.
for n in 1 2 3 4 5; do
        printf '%s\n' "__REALTIME_TIMESTAMP=170000000${n}000000" "__MONOTONIC_TIMESTAMP=${n}000000" \
                _BOOT_ID=00000000000000000000000000000001 _MACHINE_ID=00000000000000000000000000000002 \
                _HOSTNAME=host PRIORITY=6 "MESSAGE=$n" ''
done >"$root/tmp/export"
finding_run /lib/systemd/systemd-journal-remote --output=/tmp/one.journal /tmp/export 2>/dev/null

# OPTION…: the messages that are shown.
shown() { finding_run journalctl --file=/tmp/one.journal --output=cat --lines=2 "$@" | xargs; }

finding_is "the last two" "4 5" "$(shown)"
finding_is "since the first" "1 2" "$(shown --since=@1700000001)"
finding_is "until the fourth" "4" "$(shown --until=@1700000004)"
finding_is "since the first, in reverse" "5 4" "$(shown --since=@1700000001 --reverse)"
finding_is "until the fourth, in reverse" "4 3" "$(shown --until=@1700000004 --reverse)"
