#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shruthi-domain against the real libvirt and QEMU: what a domain is, whose it is, how it ends, what the host can do.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

HELPER=/usr/libexec/shruthi/shruthi-domain
IMAGES=$BUILD/tests/guest

as_shruthi() { setpriv --reuid=shruthi --regid=shruthi --init-groups "$@"; }
helper() { as_shruthi $HELPER "$@"; }
helper_start() { timeout 60 setpriv --reuid=shruthi --regid=shruthi --init-groups $HELPER start "$1"; }

# The helper with the walls that our units put around it.
sandboxed() {
        local options=()
        mapfile -t options < <(sed -n -e '/^NoNewPrivileges=/,/^UMask=/s/^/--property=/p' \
                -e '/^SystemCallFilter=/s/^/--property=/p' /usr/lib/systemd/system/unikernel@.service | grep -v '=#')
        [ ${#options[@]} -gt 20 ] || return 1
        systemd-run --quiet --pipe --wait --collect --uid=shruthi \
                --property="ReadWritePaths=/run/shruthi -/var/lib/shruthi" \
                "${options[@]}" $HELPER "$@"
}

# NAME LINE…
define() {
        local name=$1
        shift
        printf '%s\n' '[Unikernel]' "$@" >"/etc/shruthi/unikernels/$name.unikernel"
}

# NAME: the console's FIFOs, as the runner makes them, with somebody who reads.
consoles=()
console() {
        local dir=/run/shruthi/unikernels/$1 fd
        install -d -o shruthi -g libvirt-qemu -m 0711 "$dir"
        rm -f "$dir"/console.*
        mkfifo -m 666 "$dir/console.in" "$dir/console.out"
        exec {fd}<>"$dir/console.out"
        consoles+=("$fd")
}

no_domain() { [ -z "$(virsh --quiet list --all --name | grep . || :)" ]; }
has_domain() { virsh --quiet list --name | grep -qx "unikernel-$1"; }

mkdir -p /etc/shruthi/unikernels

# What the host can do is tried once.
rm -f /run/shruthi/probe/result
expect_output "without KVM it says so, with the reason" '^kvm-reason=libvirt does not support KVM' helper probe
fast=$(fast_start_of_host)
expect_output "the fast start was tried" "^fast-start=$fast\$" helper probe
expect_output "by what libvirt asks QEMU with it and without" \
        '^fast-start-reason=libvirt sends QEMU [0-9]+ queries at a start with it, and [0-9]+ without$' helper probe
check "what was found is remembered" test -s /run/shruthi/probe/result
before=$(stat -c %i /run/shruthi/probe/result)
check "asking again asks nobody" helper probe
is "what is remembered was not written anew" "$before" "$(stat -c %i /run/shruthi/probe/result)"
check "it tries anew when told so" helper probe --again
before=$(cat /run/shruthi/probe/result)
expect_output "the walls of our units change nothing" "^fast-start=$fast\$" sandboxed probe
is "and inside of them the same is remembered" "$before" "$(cat /run/shruthi/probe/result)"
sed -i 's/libvirt=[0-9]*/libvirt=1/' /run/shruthi/probe/result
check "with another version of libvirt it tries anew" helper probe
is "and remembers that" "$before" "$(cat /run/shruthi/probe/result)"
sed -i 's/qemu=[0-9]*/qemu=1/; s/^fast-start=.*/fast-start=planted/' /run/shruthi/probe/result
check "with another version of QEMU it does, too" helper probe
is "and remembers what it finds" "$before" "$(cat /run/shruthi/probe/result)"
# One guest after the other has the same name, which libvirt gives back a moment after it has told of an end.
hogs=()
for _ in {1..4}; do
        while :; do :; done &
        hogs+=($!)
done
for _ in {1..5}; do
        check "on a busy machine it tries anew" helper probe --again
        is "and finds the same" "$before" "$(cat /run/shruthi/probe/result)"
done
kill "${hogs[@]}"
check "no domain of the trial is left" no_domain
check "no kernel of the trial is left" test ! -e /run/shruthi/probe/kernel

# What a domain is. The definition's order is not the manifest's.
disk=/var/lib/libvirt/images/domain-test.img
truncate -s 1M $disk
chmod 666 $disk
define shape "Image=$IMAGES/guest-two.virtio" "Arguments=a \"b\" <c> &amp; it's" Memory=48M \
        '[Volume config]' Path=$disk ReadOnly=yes '[Network private]' Network=default \
        '[Volume storage]' Path=$disk ReadOnly=yes '[Network service]' Bridge=virbr0 MACAddress=02:00:00:00:00:07
helper xml shape >/tmp/shape.xml
check "the XML is valid" virt-xml-validate /tmp/shape.xml domain
helper xml shape >/tmp/shape-again.xml
check "the same definition gives the same bytes" cmp /tmp/shape.xml /tmp/shape-again.xml
sandboxed xml shape >/tmp/shape-sandboxed.xml
check "also inside of our units' walls" cmp /tmp/shape.xml /tmp/shape-sandboxed.xml
console shape
expect_output "it starts" '^started=tcg$' helper start shape
virsh dumpxml unikernel-shape >/tmp/live.xml
# What libvirt has to say against it, in words of its own; without the element that is nothing.
messages() { virsh dominfo unikernel-shape | sed -n '/^Messages:/,$ { s/^Messages: *//; s/^ *//; /./ p }'; }
if [ "$fast" = no ]; then
        is_none "where the fast start gains nothing, libvirt finds nothing tainted" "$(messages)"
fi
# XPATH EXPECTED
live() { is "$1" "$2" "$(xmllint --xpath "$1" /tmp/live.xml)"; }
live 'string(/domain/os/cmdline)' "a \"b\" <c> &amp; it's"
live 'starts-with(/domain/os/type/@machine, "pc")' true
live 'starts-with(/domain/os/type/@machine, "pc-q35")' false
live 'string(/domain/memory)' 49152
for device in 'interface[mac/@address="02:00:00:00:00:07"]:0x02' 'interface[source/@network="default"]:0x03' \
        'disk[target/@dev="vda"]:0x04' 'disk[target/@dev="vdb"]:0x05'; do
        live "string(//${device%:*}/address/@slot)" "${device##*:}"
        live "string(//${device%:*}/address/@bus)" 0x00
done
live 'count(//graphics|//video|//channel|//rng|//tpm|//hub|//sound)' 0
live 'string(//controller[@type="usb"]/@model)' none
live 'string(//memballoon/@model)' none
live 'count(//controller[@type="pci"])' 1
live 'string(//serial/@type)' pipe
live 'concat(/domain/on_poweroff,/domain/on_reboot,/domain/on_crash)' destroydestroydestroy
live 'string(//*[local-name()="unikernel"]/@name)' shape
digest=$(sha256sum "$IMAGES/guest-two.virtio" | cut -d' ' -f1)
live 'string(//*[local-name()="unikernel"]/@image)' "sha256:$digest"
is "libvirt has left the stored image's owner and mode alone" "shruthi:libvirt-qemu 440" \
        "$(stat -c '%U:%G %a' "/var/lib/shruthi/images/$digest")"
for pattern in '^cpu-time-usec=[1-9]' "^memory=$((48 << 20))$" '^network.0.name=service$' '^network.1.name=private$' \
        '^network.1.tx-bytes=[0-9]+$' '^volume.0.name=storage$' '^volume.1.name=config$' \
        '^volume.1.rd-bytes=[0-9]+$'; do
        expect_output "statistics: $pattern" "$pattern" helper statistics shape
done
expect_output "it is seen to be alive" '^alive=yes$' helper watch shape
expect_output "what is left of an earlier start is ended by the next" '^notice=.*earlier start' helper start shape
expect_output "and the new one runs" '^alive=yes$' helper watch shape
expect_output "it stops" '^stopped=yes$' helper stop shape
check "no domain is left" no_domain
expect_output "to stop what does not run is success" '^stopped=no$' helper stop shape
expect_fail "statistics of what does not run" 'Error.NotRunning' helper statistics shape

# FastStart= and Acceleration= do what they say.
mkdir -p /etc/shruthi/shruthi.conf.d
is "by default its element is where it gains something" "$([ "$fast" = yes ] && echo 1 || echo 0)" \
        "$(helper xml shape | grep -c qemu:del)"
printf '[Shruthi]\nFastStart=yes\n' >/etc/shruthi/shruthi.conf.d/test.conf
is "FastStart=yes: its element is there" 1 "$(helper xml shape | grep -c qemu:del)"
console shape
expect_output "it starts with it" '^started=tcg$' helper start shape
is "which libvirt calls tainted" 'tainted: hypervisor feature autodetection override' "$(messages)"
expect_output "it stops" '^stopped=yes$' helper stop shape
printf '[Shruthi]\nFastStart=no\n' >/etc/shruthi/shruthi.conf.d/test.conf
is "FastStart=no: its element is gone" 0 "$(helper xml shape | grep -c qemu:del)"
printf '[Shruthi]\nAcceleration=kvm\n' >/etc/shruthi/shruthi.conf.d/test.conf
expect_output "Acceleration=kvm is obeyed" 'type="kvm"' helper xml shape
expect_fail "a start is refused where there is none, with the value, the reason and the way out" \
        '^error=shruthi.conf has Acceleration=kvm, but this host cannot use KVM \(libvirt does not support KVM.*\): set Acceleration=auto' \
        helper start shape
expect_status "as a failure of the host" 62 helper start shape
rm /etc/shruthi/shruthi.conf.d/test.conf

# Whose it is.
sed '/<metadata>/,/<.metadata>/d' /tmp/shape.xml | sed '/<serial/,/<.serial>/d' >/tmp/foreign.xml
check "somebody makes a domain of that name and UUID" virsh create /tmp/foreign.xml
expect_fail "a foreign domain is refused" '^error-name=org.dream.Shruthi.Error.ForeignDomain$' helper start shape
expect_status "for the host to mend" 62 helper start shape
expect_output "it is not ours" '^alive=no$' helper watch shape
expect_output "and not touched by a stop" '^stopped=no$' helper stop shape
check "it still runs" has_domain shape
virsh --quiet destroy unikernel-shape
sed '/<uuid>/d' /tmp/foreign.xml >/tmp/foreign-uuid.xml
check "somebody defines one of that name, which is off" virsh define /tmp/foreign-uuid.xml
expect_fail "that is refused too" 'ForeignDomain' helper start shape
virsh --quiet undefine unikernel-shape
sed 's,<name>.*,<name>other</name>,' /tmp/foreign.xml >/tmp/foreign-name.xml
check "somebody gives another one our UUID" virsh create /tmp/foreign-name.xml
expect_fail "that is refused too, by its name" "ForeignDomain|'other'" helper start shape
virsh --quiet destroy other
sed "s,name=\"shape\" owner,name=\"twin\" owner," /tmp/shape.xml | sed '/<serial/,/<.serial>/d' >/tmp/twin.xml
check "somebody copies the metadata of another unikernel" virsh create /tmp/twin.xml
expect_fail "that is not ours either" 'ForeignDomain' helper start shape
virsh --quiet destroy unikernel-shape

# What is missing is named.
define shape "Image=$IMAGES/guest.virtio" '[Network service]' Bridge=nobr0
expect_fail "a bridge that is not there" "^error=.*there is no bridge 'nobr0'" helper start shape
expect_fail "also where only libvirt can see it" "^error=.*nobr0" sandboxed start shape
define shape "Image=$IMAGES/guest.virtio" '[Network service]' Network=nonet
expect_fail "a libvirt network that is not there" 'Error.NoSuchNetwork' helper start shape
define shape "Image=$IMAGES/guest.virtio"
expect_fail "a device that the manifest asks for" "Error.DeviceMismatch" helper start shape
expect_status "as a failure of the devices" 62 helper start shape
define shape "Image=$IMAGES/guest.muen" '[Network service]' Bridge=virbr0
expect_fail "an image for another target" 'Error.UnsupportedImage' helper start shape
expect_status "as a failure of the image" 61 helper start shape
define shape "Image=$IMAGES/guest.multiboot" '[Volume a]' Path=/nonexistent/a.img
expect_fail "a volume that is not there" '/nonexistent/a.img' helper start shape
expect_status "no definition" 60 helper start nothing
expect_status "no name" 60 helper start ../etc
check "no domain is left by failures" no_domain

# How it ends, told to whom it concerns: a guest without last words.
define plain "Image=$IMAGES/guest.multiboot"
# ENDED COMMAND…
witness() {
        local expected=$1 pid ends
        shift
        console plain
        rm -f /tmp/witness
        helper_start plain >/tmp/witness &
        pid=$!
        wait_for 60 grep -q '^started=' /tmp/witness
        "$@" >/dev/null 2>&1
        ends=$(timeout 120 tail --pid=$pid -f /dev/null; grep '^ended=' /tmp/witness)
        is "witness: $*" "ended=$expected" "$ends"
}
virsh_destroy() { virsh --quiet destroy unikernel-plain; }
kill_qemu() { kill -KILL "$(cat /run/libvirt/qemu/unikernel-plain.pid)"; }
kill_libvirtd() { systemctl kill --kill-who=main --signal=KILL libvirtd; }
# That the witness has met the new libvirtd, whose client it is then.
witness_is_back() {
        local id witness
        witness=$(pgrep -x -u shruthi -f '.*shruthi-domain start plain') || return
        for id in $(virt-admin client-list libvirtd | awk '$1 ~ /^[0-9]+$/ { print $1 }'); do
                virt-admin client-info libvirtd "$id" | grep -qE "^unix_process_id *: $witness\$" && return
        done
        return 1
}
kill_libvirtd_then_destroy() { kill_libvirtd; sleep 1; wait_for 60 has_domain plain; wait_for 60 witness_is_back; sleep 1; virsh_destroy; }
stop_libvirtd_then_kill_qemu() {
        local qemu
        qemu=$(cat /run/libvirt/qemu/unikernel-plain.pid)
        systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
        kill -KILL "$qemu"
        sleep 1
        systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
}
witness destroyed virsh_destroy
witness failed kill_qemu
witness destroyed helper stop plain
witness destroyed kill_libvirtd_then_destroy
witness unknown stop_libvirtd_then_kill_qemu
define plain "Image=$IMAGES/guest.multiboot" Arguments='--quiet-poweroff --exit-after=1'
witness shutdown true
define plain "Image=$IMAGES/guest.pvh" Arguments='--quiet-poweroff --exit-after=1'
witness shutdown true

# libvirt restarted, killed or away.
define plain "Image=$IMAGES/guest-plain.virtio"
console plain
systemctl stop libvirtd.service 2>/dev/null
expect_output "a libvirtd that sleeps is woken by its socket" '^started=' helper start plain
kill_libvirtd
expect_output "a stop waits for a libvirtd that has just died" '^stopped=' helper stop plain
check "and leaves no domain" no_domain
systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
expect_fail "without libvirt a start fails in words" '^error-name=org.dream.Shruthi.Error.LibvirtUnavailable$' \
        timeout 120 setpriv --reuid=shruthi --regid=shruthi --init-groups $HELPER start plain
is "as one that may be tried again" 75 $status
expect_output "doctor's check says it" '^check=libvirt.failed.' helper check
systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
expect_fail "who is not in libvirt's group is not let in" 'LibvirtUnavailable' \
        setpriv --reuid=nobody --regid=nogroup --clear-groups $HELPER networks

# What doctor and the bus ask.
expect_output "networks: libvirt's" '^network=default$' helper networks
expect_output "networks: bridges" '^bridge=virbr0$' helper networks
expect_output "networks: bridges are seen through our units' walls" '^bridge=virbr0$' sandboxed networks
for name in libvirt machine capability-cache store console; do
        expect_output "check: $name is well" "^check=${name}[|]ok[|]" helper check
        expect_output "check: $name is well behind our units' walls" "^check=${name}[|]ok[|]" sandboxed check
done
expect_output "check: there is no KVM here" '^check=kvm.warning.*modprobe' helper check
chmod 0700 /var/lib/shruthi/images
expect_output "check: a store that QEMU cannot enter" '^check=store.failed.*systemd-tmpfiles' helper check
systemd-tmpfiles --create
expect_output "check: and the command mends it" '^check=store.ok' helper check
printf '[Shruthi]\nBridgeInterface=nobr0\n' >/etc/shruthi/shruthi.conf.d/test.conf
expect_output "check: a bridge that is not there" '^check=bridge.failed.*nobr0' helper check
rm /etc/shruthi/shruthi.conf.d/test.conf
expect_status "without a verb it explains itself" 2 $HELPER
check "no domain is left at the end" no_domain

finish
