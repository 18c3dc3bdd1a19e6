#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# What a start depends on: how often there may be one, and what has to be there before it.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# NAME: what is told of one that does not run.
status_of() { shruthictl status "$1" || [ $? = 3 ]; }

if [ "$STAGE" = late ]; then
        check_soon "one whose bridge comes late starts when it is there" 60 running bridged
        check "since it was waited for" said bridged "'brlate'.*waiting for it"
        check_soon "one whose image is mounted late starts when it is there" 60 running late
        is_none "and began after that" "$(journalctl -q -b -o cat -u unikernel@late | grep -E 'Failed (with result|to start)')"
        check_soon "one that is defined on what is mounted late starts, too" 60 running mended
        check "shruthid was not needed for it" unit_is inactive shruthid.service
        is "where a mount does not come, it does not start" inactive "$(unit_show unikernel@lost ActiveState)"
        expect_fail "and the mount is named" 'it requires srv-lost.mount' shruthictl start lost
        check "a unit that waits for none is not after any" \
                test -z "$(unit_show unikernel@mended RequiresMountsFor)"
        finish
fi

bus=(busctl --timeout=60 call -- org.dream.Shruthi)
manager=(/org/dream/Shruthi org.dream.Shruthi.Manager)

# COUNT COMMAND…: so often, one after the other, until one fails.
times() {
        local i
        for ((i = 0; i < $1; i++)); do "${@:2}" || return; done
}

# --- How often: what somebody asks for by name is not counted, what systemd restarts by itself is.

cp "$GUESTS/guest-plain.virtio" "$GUESTS/guest-keys.virtio" /home/alice
check "alice creates one and starts it" as_user alice shruthictl create --now often guest-plain.virtio -- --tick=20
check "it may be restarted as often as alice asks" times 7 as_user alice shruthictl restart often
check "over the bus too" times 6 "${bus[@]}" "${manager[@]}" RestartUnikernel st often 0
check "it runs" running often
# Referred to by another unit, it is not unloaded when it has stopped, and systemd goes on counting.
mkdir -p /run/systemd/system/multi-user.target.wants
ln -s /usr/lib/systemd/system/unikernel@.service /run/systemd/system/multi-user.target.wants/unikernel@often.service
systemctl daemon-reload
stop_and_start() { as_user alice shruthictl stop often && as_user alice shruthictl start often; }
check "and be stopped and started" times 7 stop_and_start
rm /run/systemd/system/multi-user.target.wants/unikernel@often.service
as_user alice shruthictl stop often

define again "--exit=5" Restart=always
# Five in ten seconds are too many for a slow machine.
printf '[Unit]\nStartLimitIntervalSec=1h\n' |
        install -D -m 644 /dev/stdin /run/systemd/system/unikernel@again.service.d/slow.conf
systemctl daemon-reload
systemctl start unikernel@again
check_soon "one that systemd restarts reaches the limit" 60 unit_is failed unikernel@again
expect_output "the end of the last run is told" 'exited with status 5; it was started too often' status_of again
expect_output "since when it is down" "since $(date +%F) [0-9:]{8} systemd does not restart it" status_of again
expect_output "and how to go on" "use 'shruthictl start again'" status_of again
systemctl stop shruthid
expect_output "by one who was not there, too" 'it was started too often' status_of again
limited=$(unit_show unikernel@again InvocationID)
shruthictl start again >/dev/null 2>&1
check "which is so" test "$(unit_show unikernel@again InvocationID)" != "$limited"
shruthictl stop again

# --- What systemd must know before: found out from the facts, not from who was told.

state=/var/lib/shruthi/unikernels
generated=/run/systemd/generator
as_user alice shruthictl create mended guest-keys.virtio --network=service --volume=storage:size=1M --credentials=keys
loads_keys() { grep -q LoadCredential "$generated"/unikernel@mended.service.d/50-shruthi-credentials.conf; }
check "systemd knows that one has keys" loads_keys
# What is left when shruthid is killed between its file and the reload.
systemctl stop shruthid
mv $state/mended.unikernel /tmp
systemctl daemon-reload
mv /tmp/mended.unikernel $state
expect_fail "(it would not start)" '' systemctl start unikernel@mended
shruthictl list >/dev/null
check_soon "shruthid finds out when it comes" 60 loads_keys
check "and it starts" as_user alice shruthictl start mended
as_user alice shruthictl stop mended
mv $state/mended.unikernel /tmp
systemctl daemon-reload
mv /tmp/mended.unikernel $state
check "its owner's next change mends it, too" as_user alice shruthictl set mended --memory=24M
check "at once" loads_keys

# --- Root's programs and user shruthi's files.

mkdir /root/secret
printf 'secret-word\n' | tee /root/secret/b.conf >/root/secret/a
chmod 644 /root/secret/*
ln -s /root/secret/a $state/linked.unikernel
ln -s /root/secret $state/mended.unikernel.d
# Where there is no /dev/kmsg, as here, it says that there.
generate() { mkdir -p /tmp/generated && /usr/lib/systemd/system-generators/shruthi-generator /tmp/generated; }
expect_output "the generator says whom it has passed over" 'Skipping linked: ' generate
is_none "and nothing that user shruthi could not read" "$(grep -e secret -e b.conf <<<"$output")"
rm $state/linked.unikernel $state/mended.unikernel.d
systemctl daemon-reload

# --- What administrators wrote for the unit.

as_user alice shruthictl start often
for property in CPUQuota=5% MemoryMax=20M; do systemctl set-property unikernel@often.service $property; done
printf '[Service]\nMemoryDenyWriteExecute=no\nMemoryAccounting=yes\nIOSchedulingPriority=5\n' \
        >/etc/systemd/system.control/unikernel@often.service.d/60-others.conf
expect_fail "status says so of limits alone" '' \
        bash -c 'shruthictl status often | grep -E "DenyWrite|Accounting|Scheduling"'
rm /etc/systemd/system.control/unikernel@often.service.d/60-others.conf
expect_output "status says that a limit of the unit holds no guest" 'No effect: CPUQuota=5.*% \(/etc/systemd/' \
        as_user alice shruthictl status often
expect_output "and that another does not" 'MemoryMax=20971520 \(/etc/systemd/' as_user alice shruthictl status often
systemctl set-property unikernel-often.slice CPUWeight=7
expect_output "nor one of the slice that it once was in" 'CPUWeight=7 \(/etc/.*unikernel-often\.slice' \
        as_user alice shruthictl status often
systemctl revert unikernel-often.slice
as_user alice shruthictl restart often
check_soon "the journal says so at the start" 60 said often 'settings do not apply to the guest.*CPUQuota='
as_user alice shruthictl remove --now often
mkdir -p /etc/shruthi/unikernels/often.unikernel.d
printf '[Unikernel]\nMemory=20M\n' >/etc/shruthi/unikernels/often.unikernel.d/of-the-old.conf
slice=unikernel-$(id -u alice)-often.slice
systemctl set-property "$slice" CPUWeight=9
systemctl enable --quiet unikernel@often
expect_output "who is created under a name that had them is told" \
        'existing drop-in applies to often: /etc/systemd/system.control/unikernel@often.service.d/50-CPUQuota.conf' \
        as_user alice shruthictl create often guest-plain.virtio
warned=$output
is "of those of the slice of its guest, too" 1 \
        "$(grep -c ": /etc/systemd/system.control/$slice.d/50-CPUWeight.conf$" <<<"$warned")"
link=/etc/systemd/system/unikernels.target.wants/unikernel@often.service
is "and that systemd starts it by an existing link" 1 "$(grep -c "has systemd start often: $link; .*disable" <<<"$warned")"
is "of those of the definition, too" 1 \
        "$(grep -c ': /etc/shruthi/unikernels/often.unikernel.d/of-the-old.conf$' <<<"$warned")"
expect_output "so is the journal" "'often' uses files that already existed.*50-CPUQuota.conf" \
        journalctl -q -b -o cat SHRUTHI_UNIKERNEL=often
expect_output "with the link" "'often' uses files that already existed.*$link" \
        journalctl -q -b -o cat SHRUTHI_UNIKERNEL=often
systemctl revert unikernel@often.service "$slice"
systemctl disable --quiet unikernel@often
rm -r /etc/shruthi/unikernels/often.unikernel.d
systemctl mask --quiet unikernel@covered
expect_output "where the name is masked, that is told" 'covered does not start, because its unit is masked: systemctl unmask' \
        as_user alice shruthictl create covered guest-plain.virtio
systemctl unmask --quiet unikernel@covered
expect_output "another is told of nothing" '^Created other.*' as_user alice shruthictl create other guest-plain.virtio
is "at all" 1 "$(wc -l <<<"$output")"
# Removed by hand, it has left how it ended.
define by-hand "--exit=5"
shruthictl start by-hand
check_soon "one ends" 60 ended by-hand
rm $DEFINITIONS/by-hand.unikernel
as_user alice shruthictl create by-hand guest-plain.virtio
is "a new one of that name has not" '0 0' \
        "$(shruthictl show -p Result,InactiveEnterTimestamp,StateChangeTimestamp --value by-hand | xargs)"

# --- A unit that another requires.

cat >/run/systemd/system/needed.service <<'END'
[Unit]
Description=What is needed
[Service]
Type=oneshot
ExecStart=/bin/false
END
# NAME UNIT
require() {
        mkdir -p "/run/systemd/system/unikernel@$1.service.d"
        printf '[Unit]\nRequires=%s\nAfter=%s\n' "$2" "$2" >"/run/systemd/system/unikernel@$1.service.d/require.conf"
        systemctl daemon-reload
}
define needy "--exit=0"
check "one that requires nothing runs" shruthictl start needy
wait_for 60 ended needy
require needy needed.service
expect_fail "where what it requires fails, the answer names that" \
        'Cannot start needy: it requires needed.service \(What is needed\), which is failed' shruthictl start needy
expect_output "so does status" 'it requires needed.service' status_of needy
check_soon "and what its owner is shown of the journal" 60 bash -c \
        "journalctl --boot SHRUTHI_UNIKERNEL=needy SHRUTHI_OWNER=0 --output=cat | grep 'was not started: it requires'"
expect_output "for which that is the last result" '^.*Result.*dependency' shruthictl show needy
require needy nothere.service
expect_fail "one that is not there is named" 'nothere.service' shruthictl start needy
require needy unikernel@needed.service
define needed "" Image=nothere.virtio
expect_fail "another unikernel's reason is told" \
        'requires unikernel@needed.service .*, which is failed: .*nothere.virtio' shruthictl start needy
require needed needed.service
systemctl reset-failed unikernel@needed.service
expect_fail "and what that requires is looked for, too" 'it requires needed.service .*failed' shruthictl start needy
rm -r /run/systemd/system/unikernel@need*.service.d
systemctl daemon-reload
check "when it has been mended" shruthictl start needy
wait_for 60 ended needy
expect_output "the run is the last result again" 'exited with status 0' status_of needy
require needy needed.service
systemctl start unikernel@needy 2>/dev/null
check_soon "systemctl's starts are seen too" 60 eval 'status_of needy | grep -q "requires needed.service"'

# --- A network that is missing.

define missing "" Restart=always "[Network service]" Bridge=brlate "[Volume storage]" Path=/tmp/missing
sed -i "s,guest-plain,guest-disk,; /^Arguments=/d" $DEFINITIONS/missing.unikernel
truncate -s 1M /tmp/missing && chmod 666 /tmp/missing
systemctl daemon-reload
expect_status "who starts one whose bridge is not there is told so at once" 1 shruthictl start missing
is_none "with a reason that names it" "$(grep -v -e brlate <<<"$output")"
waiting() { [ "$(unit_show unikernel@missing StatusText)" = "Waiting for a network" ]; }
check_soon "systemd, which tries again, waits for it" 60 waiting
check "a stop ends that" systemctl stop unikernel@missing
check_soon "and it is over" 60 unit_is inactive unikernel@missing
shruthictl start missing 2>/dev/null
wait_for 60 waiting
ip link add brlate type bridge
ip link set brlate up
check_soon "when the bridge comes, it starts" 60 running missing
check "once for all these attempts" test "$(unit_show unikernel@missing NRestarts)" -le 2
systemctl stop unikernel@missing
ip link del brlate
rm $DEFINITIONS/missing.unikernel

# --- A boot at which file systems come late.

# WHERE WHAT TYPE OPTION: a mount unit that takes its time, or never comes where WHAT is not there.
mount_late() {
        local unit
        unit=$(systemd-escape --path --suffix=mount "$1")
        mkdir -p "$1"
        cat >"/etc/systemd/system/$unit" <<END
[Unit]
After=take-time.service
Wants=take-time.service
[Mount]
What=$2
Where=$1
Type=$3
Options=$4
[Install]
WantedBy=multi-user.target
END
        systemctl enable "$unit"
}
cat >/etc/systemd/system/take-time.service <<'END'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sleep 2
END
mkdir -p /var/late/images
cp "$GUESTS/guest-plain.virtio" /var/late/images
mount_late /srv/late /var/late/images none bind
mount_late /srv/lost /var/late/nothing ext4 ro
for name in late lost; do
        define $name "--tick=20" Autostart=yes
        sed -i "s,^Image=.*,Image=/srv/$name/guest-plain.virtio," "$DEFINITIONS/$name.unikernel"
done
define bridged "" Autostart=yes "[Network service]" Bridge=brlate "[Volume storage]" Path=/var/late/volume
sed -i "s,guest-plain,guest-disk,; /^Arguments=/d" $DEFINITIONS/bridged.unikernel
truncate -s 1M /var/late/volume
chmod 666 /var/late/volume
cat >/etc/systemd/system/bridge-late.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sleep 4
ExecStart=ip link add brlate type bridge
ExecStart=ip link set brlate up
[Install]
WantedBy=multi-user.target
END
systemctl enable bridge-late
as_user alice shruthictl enable mended
systemctl stop shruthid.socket shruthid unikernel-host.target shruthi-domain.socket shruthi-domain
mv /var/lib/shruthi /var/late/shruthi
mount_late /var/lib/shruthi /var/late/shruthi none bind
sandbox_reboot late
