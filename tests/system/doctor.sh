#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# doctor: each verdict is about the host as it is now, and names what is wrong and not what suffers from it. Each fault
# is provoked, and gone when it is mended. (Others are where the thing itself is tested: anti-spoofing, filters, keys, volumes'
# room, made networks, a broken shruthi.conf.)

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2086
. "$(dirname "$0")/lib.sh"

HELPER=/usr/libexec/shruthi/shruthi-domain
result=/run/shruthi/probe/result
dropin=/etc/shruthi/shruthi.conf.d/70-doctor.conf

# DESC REGEX…: doctor says each of these; its exit status is another matter.
says() {
        local desc=$1 regex
        shift
        status=0
        output=$(shruthictl doctor 2>&1) || :
        for regex; do
                grep -qE -e "$regex" <<<"$output" || {
                        lib_fail "$desc" "doctor should say: $regex" shruthictl doctor
                        return
                }
        done
        ok "$desc"
}
# DESC REGEX: the last of them did not say that.
nor() { if grep -qE -e "$2" <<<"$output"; then lib_fail "$1" "doctor should not say: $2" -; else ok "$1"; fi; }

says "all is well" '^ok +polkit' '^ok +configuration' '^ok +libvirt' '^ok +machine' '^ok +capability-cache' \
        '^ok +own-name' \
        '^warning +kvm: Unikernels run under emulation' '^ok +fast-start' '^ok +isolation' '^ok +store' '^ok +console' \
        '^ok +volumes' '^ok +bridge' '^ok +neighbours' '^ok +probes' '^ok +demand' '^ok +links' '^(ok|warning) +limits: .*slices'
well=$(sed -nE 's/^(ok|warning) +([a-z-]+):.*/\1 \2/p' <<<"$output")

# --- what is remembered ---

sed -i 's/^kvm-reason=.*/kvm-reason=planted/; s/^fast-start-reason=.*/fast-start-reason=planted/' $result
says "what was remembered is not repeated" '^warning +kvm: .*libvirt does not support KVM'
nor "… in any line" planted
expect_output "and starts go by what doctor has found" '^kvm-reason=libvirt does not support KVM' cat $result

offered=/run/kvm-is-offered
probe() {
        runuser -u shruthi -- env OFFER_KVM=$offered LD_PRELOAD="$BUILD/tests/client/offer-kvm.so" $HELPER probe
}
expect_output "a start finds the same" '^kvm-reason=libvirt does not support KVM' probe
touch $offered
check_soon "when libvirt comes to offer KVM, the next start tries it" 60 \
        eval 'probe | grep "^kvm-reason=KVM exists, but"'
rm $offered
expect_output "… once" '^kvm-offered=yes$' cat $result
sed -i 's/^kvm-reason=.*/kvm-reason=planted/' $result
expect_output "… and not at each start" '^kvm-reason=planted$' probe

# --- settings that this host cannot keep ---

printf '[Shruthi]\nAcceleration=kvm\n' >$dropin
says "Acceleration=kvm without KVM is a failure, with the reason" \
        '^failed +kvm: No unikernel can start: Acceleration=kvm is set in shruthi.conf, and libvirt does not support KVM' \
        'Acceleration=auto'
nor "… and nothing is said of starts that take longer" 'fast-start'
rm $dropin
says "mended, starts are as before" '^warning +kvm: Unikernels run under emulation' '^ok +fast-start'

printf '[Shruthi]\nAllowedNetworks=default\nAllowedBridges=virbr0 nobr0\n' >$dropin
virsh --quiet net-destroy default
says "a network that is off, and bridges that are not there" "^failed +network: .*'default'.*not active" \
        "^failed +bridge: .*'virbr0'.*does not exist" "^failed +bridge: .*'nobr0'" 'virsh net-start default'
virsh --quiet net-start default
rm $dropin
chmod 0700 /var/lib/shruthi
says "folders that QEMU cannot enter" '^failed +store: .*cannot enter /var/lib/shruthi' '^failed +volumes' \
        'systemd-tmpfiles --create'
systemd-tmpfiles --create

# --- what is nearly full ---

mkdir -p /run/systemd/system/libvirtd.service.d
printf '[Service]\nLimitNOFILE=128\n' >/run/systemd/system/libvirtd.service.d/files.conf
systemctl daemon-reload
ip link add brfull type bridge
for i in {1..385}; do
        printf 'link add fa%d type veth peer name fb%d\nlink set fa%d master brfull\nlink set fb%d master brfull\n' \
                $i $i $i $i
done | ip -batch -
says "descriptors of libvirtd, and ports of a bridge" '^warning +libvirtd-files: .* 128 files' 'LimitNOFILE=65536' \
        "^warning +bridge-ports: .*'brfull' has 770 of at most 1023 ports"
ip link delete brfull
rm -r /run/systemd/system/libvirtd.service.d
systemctl daemon-reload

# This host's table of neighbours, which containers do not see, as one with four places would be.
mkdir -p /run/ipv4/neigh/default /run/systemd/system/shruthi-neighbours.service.d
echo 4 >/run/ipv4/neigh/default/gc_thresh3
printf '[Service]\nBindReadOnlyPaths=/run/ipv4:/proc/sys/net/ipv4\n' \
        >/run/systemd/system/shruthi-neighbours.service.d/table.conf
systemctl daemon-reload
systemctl stop shruthi-neighbours.service
for i in 1 2 3; do
        check "an address is given" shruthictl create near$i "$GUEST" --memory=8M --network=service:virbr0,address=auto
done
says "a table of neighbours that guests fill" \
        '^warning +neighbour-table: .* at most 4 neighbours of IPv4 .*guests have 3 addresses' \
        'sysctl -w net.ipv4.neigh.default.gc_thresh2=8 net.ipv4.neigh.default.gc_thresh3=16'
check "one more" shruthictl create near4 "$GUEST" --memory=8M --network=service:virbr0,address=auto
says "… and one that is full" '^failed +neighbour-table: .*guests have 4 addresses'
check "they go" shruthictl remove near1 near2 near3 near4
rm -r /run/systemd/system/shruthi-neighbours.service.d
systemctl daemon-reload
systemctl stop shruthi-neighbours.service

# --- what libvirt rests on ---

systemctl mask --quiet --runtime --now polkit.service
says "without polkit it is polkit that is blamed" '^failed +polkit: .*polkit.service' \
        '^failed +libvirt: .*polkit does not answer'
nor "… and not libvirt's group or its sockets" 'usermod|libvirtd.socket'
systemctl unmask --quiet --runtime polkit.service
sockets=(libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket)
systemctl stop "${sockets[@]}" libvirtd.service
says "without libvirt it is libvirt" '^ok +polkit' '^failed +libvirt: Cannot connect' 'libvirtd.socket'
nor "… and nothing is said of what was not asked" '^[a-z]+ +(machine|kvm|isolation|confinement)'
systemctl start "${sockets[@]}"
mv /usr/bin/qemu-system-x86_64 /usr/bin/qemu-elsewhere
systemctl restart libvirtd
says "without QEMU it is QEMU" '^failed +(libvirt|machine): .*(QEMU|qemu)'
mv /usr/bin/qemu-elsewhere /usr/bin/qemu-system-x86_64
systemctl restart libvirtd
says "with it again, all is well" '^ok +libvirt' '^ok +machine' '^ok +fast-start'

# --- passwords ---

# polkit 127 and later have it compared by a socket unit; with an older one a stand-in is as good for who looks at it.
passwords=polkit-agent-helper.socket
if ! systemctl cat $passwords >/dev/null 2>&1; then
        printf '[Socket]\nListenStream=/run/stand-in\nAccept=yes\n' >/run/systemd/system/$passwords
        printf '[Service]\nExecStart=/bin/true\n' >"/run/systemd/system/${passwords%.socket}@.service"
        systemctl daemon-reload
fi
systemctl stop $passwords
says "where polkit could compare no password, that is told" "^warning +passwords: $passwords is not active" \
        "systemctl enable --now $passwords"
systemctl start $passwords
says "started, it is well"
nor "… and nothing is said" passwords

# --- the host's own name ---

# A resolver that is silent: it takes questions and answers none. What is long depends on
# how long other answers take, on a busy machine some milliseconds: it has to be longer than a thousand of those.
cp /etc/hosts /root/hosts
sed 's/ sandbox//' /root/hosts >/etc/hosts
says "a name that only DNS knows is found" "^warning +own-name: .*'sandbox'.*only DNS" 'libnss-myhostname.*/etc/hosts'
cp /etc/resolv.conf /root/resolv.conf 2>/dev/null
socat -u UDP-RECV:53,bind=127.0.0.9 OPEN:/dev/null &
silent=$!
listens() { ss -Hlun | grep -q '127\.0\.0\.9:53'; }
check_soon "a resolver takes questions" 60 listens
rm -f /etc/resolv.conf
printf 'nameserver 127.0.0.9\noptions timeout:5 attempts:3\n' >/etc/resolv.conf
says "… and what it costs now" "^failed +own-name: .*'sandbox'.* took [0-9.]+ s"
check "a start takes as long" shruthictl create named "$BUILD/tests/guest/guest-plain.virtio" --now
expect_output "… and analyze names it" "own name, 'sandbox'.*shruthictl doctor" shruthictl analyze named
check "remove" shruthictl remove --now named
kill $silent
rm /etc/resolv.conf
mv /root/resolv.conf /etc/resolv.conf 2>/dev/null
cp /root/hosts /etc/hosts
says "mended, the name is known" '^ok +own-name'

# --- a connection that breaks while doctor looks ---

# Over a dead one everything is missing: the filters, the networks, KVM.
checker() { pgrep -f '^shruthi-domain check'; }
probing() { pgrep -f guest=unikernel-PROBE; }
shruthictl doctor >/tmp/doctor 2>&1 &
doctor=$!
check_soon "doctor tries a guest" 60 probing
mapfile -t checkers < <(checker)
kill -STOP "${checkers[@]}"
systemctl restart libvirtd
kill -CONT "${checkers[@]}"
wait $doctor
is "cut off in the middle, it ends as well as before" 0 $?
is "… with the same verdicts" "$well" "$(sed -nE 's/^(ok|warning|failed) +([a-z-]+):.*/\1 \2/p' /tmp/doctor)"
expect_output "… and nothing wrong is remembered" "^fast-start=$(fast_start_of_host)\$" cat $result
check_soon "no guest of a few bytes is left" 60 eval '! probing'

finish
