#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A machine that is twenty times slower than this one, such as a board or an emulated one: nothing gives up early there,
# and doctor says the same of it. All services and guests are frozen 190 of 200 ms; this test and systemd are not.

# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"

check "the image is there" cp "$GUEST" /root/slow.virtio
systemctl stop shruthid shruthi-domain.service shruthi-antispoof.service libvirtd polkit 2>/dev/null
rm -f /run/shruthi/probe/result

slices=(/sys/fs/cgroup/{system,unikernel,machine}.slice)
thaw() { for slice in "${slices[@]}"; do echo 0 >"$slice/cgroup.freeze"; done 2>/dev/null; }
# Those slices that are not there yet are made while this runs.
slowly() {
        python3 - "${slices[@]}" <<'END'
import sys, time
def freeze(word):
    for slice in sys.argv[1:]:
        try:
            with open(slice + "/cgroup.freeze", "w") as file:
                file.write(word)
        except OSError:
            pass
while True:
    freeze("1")
    time.sleep(0.19)
    freeze("0")
    time.sleep(0.01)
END
}
# R|U: how many milliseconds the same work in a service takes, or how many of a processor, which is what it would take
# on a machine that has nothing else to do.
printf 'TIMEFORMAT="%%3$1"; time for ((i = 0; i < 100000; i++)); do :; done' >/root/work.bash
work() {
        local took
        took=$(systemd-run --quiet --wait --pipe bash /root/work.bash "$1" 2>&1)
        echo $((10#${took/./}))
}
quick=$(work U)
slowly &
slow=$!
trap 'kill $slow 2>/dev/null; thaw; lib_exit $?' EXIT
check_soon "services are frozen" 60 grep -qx 'frozen 1' "${slices[0]}/cgroup.events"
slowed=$(work R)
check "what takes $quick ms of a processor takes $slowed" test "$slowed" -gt $((quick * 5))

began=$SECONDS
check "create, with an address" shruthictl create slow /root/slow.virtio --network=service:virbr0,address=auto
check "the first start, which tries the host" shruthictl start slow
expect_output "it runs" '^State=running$' shruthictl show --property=State slow
check "restart" shruthictl restart slow
expect_output "doctor finds no failure" '^ok +libvirt' shruthictl doctor
said=$output
for fine in polkit anti-spoofing machine capability-cache fast-start isolation store bridge neighbours; do
        expect_output "… and $fine well" "^ok +$fine:" cat <<<"$said"
done
check "stop" shruthictl stop slow
expect_output "it ended as it was told to" '^Result=stopped$' shruthictl show --property=Result slow
check "remove" shruthictl remove slow
diag "$((SECONDS - began)) s"

kill $slow
wait $slow 2>/dev/null
thaw

finish
