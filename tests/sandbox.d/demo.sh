#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a sandbox: a unikernel's life from its image to its end, with an address, a key and storage of its
# own, and the commands shown as anybody would type them. Called by "tests/sandbox demo", and by the test of the Debian
# package.

set -euo pipefail

bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

heading() { printf '\n%s── %s%s\n' "$bold" "$*" "$plain"; }

# Shows the command as it is typed, and runs it.
show() {
        printf '%s$ %s%s\n' "$bold" "$1" "$plain"
        eval "$1"
}

# The same of one that has to fail.
show_failure() {
        printf '%s$ %s%s\n' "$bold" "$1" "$plain"
        if eval "$1" 2>&1; then
                echo "This should have failed." >&2
                return 1
        fi
}

# A host beside this one, which reaches it as 192.0.2.1.
outside() {
        ip netns add outside
        ip link add to-outside type veth peer name host netns outside
        ip address add 192.0.2.1/24 dev to-outside
        ip link set to-outside up
        ip -n outside address add 192.0.2.2/24 dev host
        ip -n outside link set host up
}

# N PATTERN: waits until the guest has said so many such lines.
said() {
        for _ in {1..100}; do
                [ "$(journalctl --unit=unikernel@hello --output=cat --no-pager | grep -cE "$2")" -lt "$1" ] || return 0
                sleep 0.1
        done
        echo "The guest has not said '$2' $1 times." >&2
        return 1
}

# The test guest is made where the compiler makes x86 code.
image=${SHRUTHI_DEMO_IMAGE:-/shruthi/build/tests/guest/guest-keys.virtio}
[ -e "$image" ] || { echo "The test guest was not built." >&2; exit 1; }
cp "$image" /tmp/hello.virtio
cp "${image%/*}/guest.virtio" /tmp/service.virtio
cd /tmp
export SYSTEMD_PAGER=

heading "A unikernel is a file; this one says of itself what it needs"
show "shruthictl image inspect hello.virtio"

heading "A network of one's own"
show "shruthictl network create lab"
show "shruthictl network list"

create='shruthictl create hello hello.virtio --network=service:network=lab \
      --credentials=keys --volume=storage:size=16M \
      -- --ipv4={service.address} --boots --prove=hello.key:challenge'

heading "It becomes a unit and a domain, with an address there, a volume of its own, and a device for its keys"
show "$create"
show "shruthictl arguments hello"

heading "It is given a key, which is stored encrypted"
show "head -c 32 /dev/urandom > hello.key"
show "shruthictl credential set hello hello.key < hello.key"

heading "It runs"
show "shruthictl start hello"
show "shruthictl status hello --lines=0"
show "systemctl list-units 'unikernel@*' --no-legend"
show "virsh list"

heading "Its console is in the journal: its address, its first boot, and a proof that it has the key"
said 1 '^proof'
show "journalctl --output=short --unit=unikernel@hello"

heading "Whoever has the key comes to the same proof"
prove='python3 -c "import hmac; print(hmac.new(open('"'hello.key', 'rb').read(), b'challenge', 'sha256'"').hexdigest())"'
show "$prove"

heading "It answers"
address=$(shruthictl arguments hello)
address=${address#--ipv4=} address=${address%%/*}
show "ping -c 3 -i 0.2 -W 5 $address"

heading "Another key: from the next start on, which is now"
show "head -c 32 /dev/urandom > hello.key"
show "shruthictl credential rotate hello hello.key --now < hello.key"
said 2 '^proof'
show "journalctl --output=cat --unit=unikernel@hello --grep='^boot|^proof'"
show "$prove"

heading "It is removed, and its keys with it; its volume stays, and a new one finds it as it was"
show "shruthictl remove --now hello"
show "shruthictl volume list"
show "$create"
show "shruthictl start hello"
said 3 '^boot'
show "journalctl --output=cat --unit=unikernel@hello --grep='^boot|^keys'"

heading "A service: web waits for store, each is ready when its port answers, and one is published by the host"
addresses='--ipv4={service.address} --ipv4-gateway={service.gateway}'
show "shruthictl create store service.virtio --network=service:network=lab --ready=tcp:service:5432 \\
      -- $addresses --serve=5432"
show "shruthictl create web service.virtio --network=service:network=lab,publish=8080:80 --requires=store --after=store \\
      --ready=http:service:80/ --ready-timeout=4s -- $addresses --serve=80"
show "shruthictl start web"
show "shruthictl tree web"

heading "It is reached from outside, at a port of the host"
outside
fetch="ip netns exec outside python3 -c 'import urllib.request
print(urllib.request.urlopen(\"http://192.0.2.1:8080/\").status)'"
show "$fetch"

heading "Stopped, it waits for traffic, which is held until it is ready"
show "shruthictl set web Activation=traffic"
show "shruthictl stop web"
for _ in {1..100}; do
        if nft list map inet shruthi_publish tcp4 2>/dev/null | grep -q 8080; then break; fi
        sleep 0.1
done
show "$fetch"
show "journalctl --output=cat --unit=shruthi-demand.service SHRUTHI_UNIKERNEL=web"

heading "An update that is not ready in time goes back by itself"
show_failure "shruthictl update web --probation=2s -- $addresses --serve=81"
show "$fetch"

heading "One that is ready and holds stays"
show "shruthictl update web --memory=24M --probation=2s"
show "shruthictl history web"
show "$fetch"

heading "All of it goes, and nothing is left"
show "shruthictl remove --now web store hello"
show "shruthictl volume remove hello-storage"
show "shruthictl network remove lab"
show "shruthictl list"
show "virsh list"
