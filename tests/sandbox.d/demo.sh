#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a sandbox: a unikernel's life, from its image to an answered ping and its end, with the
# commands shown as anybody would type them. Called by "tests/sandbox demo".

set -euo pipefail

image=/tmp/hello.virtio

bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

heading() { printf '\n%s── %s%s\n' "$bold" "$*" "$plain"; }

show() {
        printf '%s$ %s%s\n' "$bold" "$*" "$plain"
        "$@"
}

# The test guest is made where the compiler makes x86 code.
[ -e /shruthi/build/tests/guest/guest.virtio ] || { echo "The test guest was not built." >&2; exit 1; }
cp /shruthi/build/tests/guest/guest.virtio $image

heading "A unikernel is a file; this one says of itself what it needs"
show shruthictl image inspect $image

heading "It becomes a unit and a domain"
show shruthictl create hello $image --network=service:virbr0 -- '--ipv4={service.address}'

heading "It was given an address"
show shruthictl arguments hello
address=$(shruthictl arguments hello)
address=${address#--ipv4=} address=${address%/*}

heading "It runs"
show shruthictl start hello
show shruthictl status hello --no-pager
show systemctl list-units 'unikernel@*' --no-pager --no-legend
show virsh list

heading "Its console is in the journal, from the first line on"
show journalctl --no-pager --output=short --unit=unikernel@hello

heading "It answers"
show ping -c 3 -i 0.3 -W 5 $address

heading "It stops, and leaves nothing running"
show shruthictl stop hello
show shruthictl list
show shruthictl remove hello
show virsh list
