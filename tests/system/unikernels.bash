# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of the runner and its units share: definitions, and looking at what became of them. Read after lib.sh.

GUESTS=$BUILD/tests/guest
DEFINITIONS=/etc/shruthi/unikernels

# NAME ARGUMENTS [LINE…]: a definition of the test guest without devices; lines of IMAGE= and the like may follow.
define() {
        local name=$1 arguments=$2 image=$GUESTS/guest-plain.virtio line lines=()
        shift 2
        for line in "$@"; do
                case $line in
                Image=*) image=$GUESTS/${line#Image=} ;;
                *) lines+=("$line") ;;
                esac
        done
        mkdir -p $DEFINITIONS
        {
                printf '[Unikernel]\nImage=%s\nArguments=%s\nMemory=16M\n' "$image" "$arguments"
                [ ${#lines[@]} -eq 0 ] || printf '%s\n' "${lines[@]}"
        } >"$DEFINITIONS/$name.unikernel"
}

# NAME…: shruthid has read their definitions, which it notices a moment after they were written.
are_read() { wait_for 60 shruthictl list "$@" || fail "the definitions of $* are read"; }

# NAME
unit() { printf 'unikernel@%s.service' "$1"; }
# Never 0, which to kill(1) means everybody here.
main_pid() { unit_show "$(unit "$1")" MainPID | grep -v '^0$'; }
qemu_pid() { pgrep -f "guest=unikernel-$1,"; }
running() { unit_is active "$(unit "$1")"; }
ended() { unit_is inactive "$(unit "$1")" || unit_is failed "$(unit "$1")"; }
no_domain() { ! virsh --quiet domstate "unikernel-$1" 2>/dev/null && ! qemu_pid "$1"; }
# Nothing is left to be swept.
is_swept() { [ ! -e "/run/shruthi/lives/$1" ]; }

# NAME: the lines of its console, in order.
console_lines() {
        journalctl --sync
        journalctl --quiet --no-pager --output=cat --all SYSLOG_IDENTIFIER="$1" _SYSTEMD_UNIT="$(unit "$1")"
}

# NAME TEXT: a whole line of the console.
printed() { console_lines "$1" | grep -qxF -e "$2"; }

# NAME REGEX: SHRUTHI's own words about it.
said() {
        journalctl --sync
        journalctl --quiet --no-pager --output=cat SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL="$1" |
                grep -qE -e "$2"
}

# NAME FIELD: of how it ended last.
outcome() { sed -n "s/^$2=//p" "/run/shruthi/results/$1"; }

# NAME WORD: prints nothing when the numbers behind WORD in its lines go up by one from 1 in each of its lives, else
# what is missing. A line may stand there twice, as after the death of a runner.
gaps() {
        console_lines "$1" | sed -n -e 's/^SHRUTHI test guest$/0/p' -e "s/^$2 0*\([0-9][0-9]*\).*/\1/p" |
                awk '$1 > 0 && $1 != last && $1 != last + 1 { print "after " last " comes " $1 } { last = $1 }'
}

# NAME WORD: the last such number. Looked for from the end: of a guest that prints much, all of it is read by gaps() alone.
last_number() {
        journalctl --sync
        journalctl --quiet --no-pager --output=cat --all --reverse SYSLOG_IDENTIFIER="$1" _SYSTEMD_UNIT="$(unit "$1")" |
                sed -n -e "s/^$2 0*\([0-9][0-9]*\).*/\1/" -e T -e p -e q
}

# NAME WORD NUMBER
counted_to() { [ "$(last_number "$1" "$2")" -ge "$3" ]; }

# KEY=VALUE…: shruthi.conf.
configure() { printf '[Shruthi]\n' >/etc/shruthi/shruthi.conf; printf '%s\n' "$@" >>/etc/shruthi/shruthi.conf; }

# NAME COMMAND…: in the background; what it says and its status go to /run/NAME.
in_background() { rm -f "/run/$1.status"; { "${@:2}" >"/run/$1.out" 2>&1; echo $? >"/run/$1.status"; } & }
# NAME
background_ended() { [ -s "/run/$1.status" ]; }
