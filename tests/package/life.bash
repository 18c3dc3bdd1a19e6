# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The package in its versions, and unikernels to live through them. Read by life.sh.

DEBS=/var/tmp/debs
# Those that run all the time.
# shellcheck disable=SC2034
NAMES=(router plain)

deb_version() { dpkg-deb -f /shruthi/build/debs/shruthi_*.deb Version; }

# VERSION [FORMAT]: the package once more under that version, as one that knows another format of what is on disk.
# There is none before the first release, and a tree of its own for it would need the history of this one.
deb_make() {
        local dir=$DEBS/$1

        mkdir -p "$DEBS"
        dpkg-deb --raw-extract /shruthi/build/debs/shruthi_[0-9]*.deb "$dir"
        sed -i "s/^Version: .*/Version: $1/" "$dir/DEBIAN/control"
        if [ $# -gt 1 ]; then
                sed -i "s/^format=.*/format=$2/; s/echo 1 >/echo $2 >/" "$dir/DEBIAN/preinst" "$dir/DEBIAN/postinst"
        fi
        dpkg-deb --root-owner-group -Znone --build "$dir" "$DEBS/shruthi_$1.deb" >/dev/null
        rm -rf "$dir"
}

# VERSION UNIT EXPRESSION…: of sed, for a unit of that version.
deb_change() {
        local deb=$DEBS/shruthi_$1.deb dir=$DEBS/$1 unit=$2

        shift 2
        dpkg-deb --raw-extract "$deb" "$dir"
        find "$dir" -path "*/systemd/system/$unit" -exec sed -i "$@" {} +
        dpkg-deb --root-owner-group -Znone --build "$dir" "$deb" >/dev/null
        rm -rf "$dir"
}

# NAME…: since when the sockets of shruthid and the like listen.
sockets_since() {
        local name

        for name in "$@"; do
                [ "$name" = shruthid ] || name=shruthi-$name
                unit_show "$name.socket" ActiveEnterTimestampMonotonic
        done
}

# VERSION: that version is installed over whatever there is, without a question.
deb_install() {
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --allow-downgrades \
                "$DEBS/shruthi_$1.deb" </dev/null
}

installed() { dpkg-query -W -f '${Version}' shruthi; }

# NAME: what must not change while it runs: QEMU, the unit's run, since when, the console's FIFO.
run_facts() {
        pgrep -f "guest=unikernel-$1," | tr '\n' ' '
        systemctl show -p InvocationID -p ActiveEnterTimestampMonotonic -p ActiveState -p NRestarts "unikernel@$1"
        virsh domuuid "unikernel-$1"
        stat -c %i "/run/shruthi/unikernels/$1/"*
}

# What shruthictl says about all that there is, as whoever reads it sees it: results, leases, sizes.
all_facts() {
        shruthictl list --no-legend
        shruthictl volume list --no-legend
        shruthictl network list --no-legend
        shruthictl image list --no-legend
        shruthictl credential list router
        shruthictl cat router
        shruthictl show bad -p Result -p ExitStatus
        systemctl is-enabled shruthid.socket unikernels.target
}

guest_says() { journalctl --unit="unikernel@$1" --output=cat --no-pager; }
# N NAME PATTERN
said() { [ "$(guest_says "$2" | grep -cE "$3")" -ge "$1" ]; }

make_things() {
        cp /shruthi/build/guests/guest-keys.virtio /root/router.virtio &&
                cp /shruthi/build/guests/guest-plain.virtio /root/plain.virtio &&
                head -c 32 /dev/urandom >/root/router.key &&
                shruthictl network create office &&
                shruthictl create router /root/router.virtio --network=service:network=office --credentials=keys \
                        --volume=storage:size=16M --autostart -- '--ipv4={service.address}' --boots \
                        --prove=router.key:challenge &&
                shruthictl credential set router router.key </root/router.key &&
                shruthictl create plain /root/plain.virtio -- --tick=100 &&
                shruthictl create bad /root/plain.virtio -- --exit=7 &&
                shruthictl start router plain &&
                { shruthictl start bad || :; } &&
                shruthictl volume create spare --size=1M
}

# What the runner of NAME has as its program: "old" after an upgrade.
runner_program() {
        local exe
        exe=$(readlink "/proc/$(systemctl show -p MainPID --value "unikernel@$1")/exe")
        case $exe in *' (deleted)') echo old ;; *) echo new ;; esac
}

# NAME: every line that it has counted up to now is in the journal.
ticks_missing() {
        guest_says "$1" | sed -n 's/^tick \([0-9]*\)$/\1/p' | sort -nu | awk '$1 != ++n { print "before " $1; n = $1 }'
}
