#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Coming from rhyzome: its configuration is taken over, and its command works as it was written.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

image=$BUILD/tests/guest/guest.virtio
dropin=/etc/shruthi/shruthi.conf.d/50-rhyzome.conf

cat >/tmp/rhyzome.conf <<'END'
{
  "BridgeInterface": "virbr0",
  "Hostname": "node1.example.org",
  "Bind": "0.0.0.0:8080"
}
END
rm -f /etc/shruthi/shruthi.conf.d/50-sandbox.conf
expect_fail "only root takes it over" 'sudo shruthictl import-rhyzome' \
        as_user alice shruthictl import-rhyzome /tmp/rhyzome.conf
expect_output "it is taken over" "Wrote $dropin" shruthictl import-rhyzome /tmp/rhyzome.conf
expect_output "… with a word on Hostname" 'Hostname.*hostnamectl' printf '%s\n' "$output"
expect_output "… and on Bind" 'Bind.*shruthictl -H' printf '%s\n' "$output"
expect_output "the bridge is in shruthi.conf.d" '^BridgeInterface=virbr0$' cat $dropin
is "… for all to read" 644 "$(stat -c %a $dropin)"
check "it can come through a pipe" bash -c 'shruthictl --quiet import-rhyzome - </tmp/rhyzome.conf'

expect_output "the predecessor's command works as it was written" 'Created and started msgrouter' \
        as_user alice shruthictl instance create --name msgrouter --kernel "$image" \
        --kernel-parameters "--ipv4=192.168.122.30/24 --ipv4-gateway=192.168.122.1 --hello"
expect_output "… on the bridge that was taken over" 'network service → (default bridge|bridge virbr0)' \
        as_user alice shruthictl status msgrouter
expect_output "… with its parameters unchanged" \
        '^--ipv4=192\.168\.122\.30/24 --ipv4-gateway=192\.168\.122\.1 --hello$' \
        as_user alice shruthictl arguments msgrouter
expect_output "… which give it its address" '^Address=192\.168\.122\.30/24$' as_user alice shruthictl cat msgrouter
check_soon "… and it answers" 60 ping -c1 -W1 192.168.122.30
check "it is removed" as_user alice shruthictl remove --now msgrouter

expect_fail "--server is answered with what replaces it" 'shruthictl -H USER@HOST' \
        shruthictl instance create --server=http://node1:8080 --name a --kernel "$image"
expect_fail "another verb is answered with today's" 'is now: shruthictl list' shruthictl instance list
expect_fail "… an unknown one too" 'instance create' shruthictl instance migrate
expect_fail "missing options are said" '--kernel FILE' shruthictl instance create --name a

printf '{"BridgeInterface": "br0\\nLibvirtURI=test:///default"}' >/tmp/hostile.conf
expect_fail "a hostile bridge is refused" 'BridgeInterface' shruthictl import-rhyzome /tmp/hostile.conf
printf 'BridgeInterface=virbr0' >/tmp/hostile.conf
expect_fail "what is no JSON is refused" 'not JSON' shruthictl import-rhyzome /tmp/hostile.conf
expect_output "… and the drop-in is as it was" '^BridgeInterface=virbr0$' cat $dropin

finish
