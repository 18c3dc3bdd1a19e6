#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How many instructions shruthid needs for a call, with 1000 unikernels defined: no more and no fewer than
# tests/bench/instructions.txt says. Runs shruthid by hand, under callgrind.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

expected=$SRC/tests/bench/instructions.txt
client=$BUILD/tests/bench/bench-client
name=org.dream.Shruthi
work=/tmp/callgrind
margin=3
found=$work/found

as_shruthi() { runuser --user shruthi -- "$@"; }
instrument() { as_shruthi callgrind_control --vgdb-prefix=$work/vgdb --instr="$1" "$pid" >>$work/log 2>&1; }
owns_name() { busctl --no-pager call "$name" /org/dream/Shruthi org.freedesktop.DBus.Peer Ping; }
answers() { [ "$(busctl get-property "$name" /org/dream/Shruthi "$name.Manager" UnikernelCount)" = "u 1000" ]; }

# COUNT KIND ARGUMENT: the instructions of so many calls.
count() {
        rm -f $work/out*
        instrument on
        "$client" calls --count="$1" "$2" "$3" $name >/dev/null
        instrument off
        as_shruthi callgrind_control --vgdb-prefix=$work/vgdb --dump "$pid" >>$work/log 2>&1
        sed -n 's/^totals: //p' $work/out* | tail -n 1
}

# COUNT KIND ARGUMENT: of one call. A client's coming and going costs the same whatever it asks.
per_call() { echo $((($(count $(($1 * 2)) "$2" "$3") - $(count "$1" "$2" "$3")) / $1)); }

versions() {
        printf 'gcc %s, libsystemd %s, glib %s\n' "$(gcc -dumpversion | cut -d. -f1)" \
                "$(pkg-config --modversion libsystemd)" "$(pkg-config --modversion glib-2.0 | cut -d. -f1,2)"
}

install -d -o shruthi $work
mkdir -p /etc/shruthi/unikernels
for i in {1..1000}; do
        printf '[Unikernel]\nImage=sha256:%064d\n' "$i" >"/etc/shruthi/unikernels/defined-$i.unikernel"
done
systemctl stop shruthid.socket shruthid.service
systemctl mask --quiet --runtime shruthid.service
as_shruthi valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=$work/out \
        --vgdb-prefix=$work/vgdb /usr/libexec/shruthi/shruthid >$work/log 2>&1 &
check_soon "shruthid is there under callgrind" 120 owns_name
check_soon "and has read all definitions" 120 answers
# Not "busctl status", which from systemd 257 on fails where it cannot say all of a process, as under valgrind.
pid=$(busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetConnectionUnixProcessID s $name)
pid=${pid#u }

# The first of each kind fills what is kept: symbols, tables.
for call in "list -" "managed -" "get defined-500" "property defined-500"; do
        # shellcheck disable=SC2086
        count 1 $call >/dev/null
done
{
        echo "list $(per_call 5 list -)"
        echo "managed $(per_call 2 managed -)"
        echo "get $(per_call 200 get defined-500)"
        echo "property $(per_call 200 property defined-500)"
} >$found
kill "$pid"
wait
diag "$(cat $found)"

# Nobody has counted with these versions yet: that says less, and is still a limit.
known=$(versions)
if ! grep -qxF "versions $known" "$expected"; then
        diag "tests/bench/instructions.txt has no figures of $known"
        known='' margin=30
fi

# KIND: what was counted with these versions; else the most that was with others.
figure() {
        awk -v known="$known" -v kind="$1" '
                $1 == "versions" { of = substr($0, 10) }
                $1 == kind && (known == "" || of == known) && $2 > most { most = $2 }
                END { print most + 0 }' "$expected"
}

while read -r kind now; do
        before=$(figure "$kind")
        if [ $((now * 100)) -gt $((before * (100 + margin))) ]; then
                fail "instructions of '$kind': $now instead of $before; find out why it became slower" || :
        elif [ $((now * 100)) -lt $((before * (100 - margin))) ]; then
                fail "instructions of '$kind': $now instead of $before; it became faster, so write '$kind $now' into" \
                        "tests/bench/instructions.txt" || :
        else
                ok "instructions of '$kind': within $margin% of $before"
        fi
done <$found
is "each kind was counted" 4 "$(wc -l <$found)"
finish
