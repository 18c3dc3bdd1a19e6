#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a guest may use: that systemd has the limits of a definition for the slice of its guest, who may set which, what
# is refused, and what is said where they have no effect. Here, in a container, there are no controllers: what the limits
# hold is tested by the group limits of a whole machine.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

alice=$(id -u alice) bob=$(id -u bob)
web=unikernel-$alice-web.slice
state=/var/lib/shruthi/unikernels
generated=/run/systemd/generator
set_by() { as_user "$1" shruthictl --no-ask-password set "${@:2}"; }
limit() { unit_show "$web" "$1"; }
doctor() { shruthictl doctor || :; }
status_of() { shruthictl status "$1" || :; }

# --- They are settings of the slice.

check "alice limits one of hers" as_user alice shruthictl create web $GUESTS/guest-plain.virtio --memory=16M \
        --cpu-weight=50 --cpu-quota=20% --allowed-cpus=0 --io-weight=30 --io-read-bandwidth-max=10M \
        --io-write-bandwidth-max=5M --io-read-iops-max=500 --io-write-iops-max=2K --memory-high=100M --memory-max=128M \
        -- --tick=500
is "systemd has the weight" 50 "$(limit CPUWeight)"
is "… the quota" 200ms "$(limit CPUQuotaPerSecUSec)"
is "… the processors" 0 "$(limit AllowedCPUs)"
is "… the weight of the disk" 30 "$(limit IOWeight)"
is "… the bytes" '/var/lib/shruthi/volumes 10000000' "$(limit IOReadBandwidthMax)"
is "… in both directions" '/var/lib/shruthi/volumes 5000000' "$(limit IOWriteBandwidthMax)"
is "… the operations" '/var/lib/shruthi/volumes 500' "$(limit IOReadIOPSMax)"
is "… in both directions" '/var/lib/shruthi/volumes 2000' "$(limit IOWriteIOPSMax)"
is "… the memory" "$((100 << 20)) $((128 << 20))" "$(limit MemoryHigh) $(limit MemoryMax)"
expect_output "systemctl cat shows whose they are" "limits of $state/web.unikernel" systemctl cat "$web"
expect_output "… and with the unit, where" "are in $web" systemctl cat "$(unit web)"
is "the slice is in that of its owner" "unikernel-$alice.slice" "$(limit Slice)"
is "details have them" '20% 134217728' "$(as_user alice shruthictl show web --json=short |
        jq -r '"\(.CPUQuota) \(.MemoryMax)"')"
expect_output "status, too" 'Limits: CPUWeight=50, CPUQuota=20%, AllowedCPUs=0, .*IOReadBandwidthMax=10M.*MemoryMax=128M' \
        status_of web

before=$(reloads)
check "it starts" as_user alice shruthictl start web
check "… and stops" as_user alice shruthictl stop web
is "without a reload of systemd" "$before" "$(reloads)"
check "she changes a limit" set_by alice web CPUQuota=30%
is "… which systemd has at once" 300ms "$(limit CPUQuotaPerSecUSec)"
is "… by one reload" $((before + 1)) "$(reloads)"
check "what an administrator sets" systemctl set-property "$web" CPUQuota=7%
is "… counts" 70ms "$(limit CPUQuotaPerSecUSec)"
check "… also when she changes hers" set_by alice web CPUQuota=40%
is "… as before" 70ms "$(limit CPUQuotaPerSecUSec)"
check "it is taken back" systemctl revert "$web"
is "hers counts again" 400ms "$(limit CPUQuotaPerSecUSec)"
check "she takes one away" set_by alice web MemoryMax=
is "… in systemd, too" infinity "$(limit MemoryMax)"
check "a limit of all of hers together" systemctl set-property "unikernel-$alice.slice" MemoryMax=2G
is "… is set" $((2 << 30)) "$(unit_show "unikernel-$alice.slice" MemoryMax)"
systemctl revert "unikernel-$alice.slice"

# --- Who may set what.

expect_fail "a path is not hers to name" 'IOReadBandwidthMax=/ 1M: only an administrator may name a path' \
        set_by alice web IOReadBandwidthMax='/ 1M'
check "root names it" shruthictl set web IOReadBandwidthMax='/ 1M'
is "… and systemd has it" '/ 1000000' "$(limit IOReadBandwidthMax)"
check "she can change all else then" set_by alice web CPUWeight=60
expect_fail "… but not take it away" 'only an administrator may remove or change the limit of a path' \
        set_by alice web IOReadBandwidthMax=
expect_fail "… nor loosen it" 'only an administrator may name a path' set_by alice web IOReadBandwidthMax='/ 100M'
check "root takes it away" shruthictl set web IOReadBandwidthMax=
printf '[Shruthi]\nStrictLimits=yes\n' >/etc/shruthi/shruthi.conf.d/60-limits.conf
systemctl reload shruthid
for value in CPUQuota=50% CPUQuota= MemoryHigh=200M IOWeight=; do
        expect_fail "by StrictLimits= $value is not hers" "${value%%=*}=: only an administrator .*StrictLimits=" \
                set_by alice web "$value"
done
expect_fail "… nor at a create" '--cpu-quota=: only an administrator' as_user alice shruthictl --no-ask-password create more \
        $GUESTS/guest-plain.virtio --cpu-quota=5%
expect_fail "a whole definition is no way around it" 'CPUQuota=: only an administrator' as_user alice \
        bash -c 'shruthictl cat web | sed "/^CPUQuota=/d" >/tmp/web.new &&
                EDITOR="cp /tmp/web.new" shruthictl --no-ask-password edit web </dev/null'
check "all else is" set_by alice web Autostart=yes
check "… also back" set_by alice web Autostart=no
check "an administrator can" shruthictl set web CPUQuota=25%
rm /etc/shruthi/shruthi.conf.d/60-limits.conf
systemctl reload shruthid

# --- What is refused.

for value in CPUWeight=0 CPUWeight=10001 CPUQuota=20 CPUQuota=0% AllowedCPUs=3-1 AllowedCPUs=x IOWeight=idle \
        IOReadBandwidthMax=fast IOWriteBandwidthMax=0 IOReadIOPSMax=-1 IOWriteIOPSMax=1001T; do
        expect_fail "refused: $value" "${value%%=*}=.*: (not|out of range|'(3-1|x)' is neither)" set_by alice web "$value"
done
for value in MemoryHigh=50% MemoryMax=lots; do
        expect_fail "refused: $value" "${value%%=*}.* (cannot be|not a size)" set_by alice web "$value"
done
expect_fail "an unknown key is refused" "CPUQota.*CPUQuota" set_by alice web CPUQota=5%
expect_fail "a processor that is not there, too" "AllowedCPUs=0,8191 names a processor that this host does not have" \
        set_by alice web AllowedCPUs=0,8191
expect_fail "less memory than the guest and QEMU need, with the figure" \
        'MemoryMax=40M is too little: .* 16M, .* 32M .*write 48M or more' set_by alice web MemoryMax=40M
check "that figure is right" set_by alice web MemoryHigh= MemoryMax=48M
expect_fail "more memory for the guest does not fit then" 'MemoryMax=48M is too little.*write 64M or more' \
        set_by alice web Memory=32M
expect_fail "a limit that would never be reached is refused" 'MemoryHigh= is more than MemoryMax=' \
        set_by alice web MemoryHigh=64M
expect_fail "a line of its own is refused" 'control character' set_by alice web $'CPUWeight=5\nOwner=0'

# --- Another owner, and none.

is "there is a drop-in" "$generated/$web.d/00-shruthi-limits.conf" "$(echo $generated/unikernel-*-web.slice.d/*)"
check "it gets another owner, by name" shruthictl set web Owner=bob
is "… kept as a number" "Owner=$bob" "$(grep ^Owner= $state/web.unikernel)"
is "the limits are those of the other's slice" "$generated/unikernel-$bob-web.slice.d/00-shruthi-limits.conf" \
        "$(echo $generated/unikernel-*-web.slice.d/*)"
is "… as systemd has them" 250ms "$(unit_show "unikernel-$bob-web.slice" CPUQuotaPerSecUSec)"
check "it is removed" shruthictl remove web
is_none "and they are gone" "$(ls -d $generated/unikernel-*-web.slice.d $generated/unikernel@web.service.d 2>/dev/null)"

# --- By hand.

define 1000 --tick=500 CPUQuota=5% MemoryMax=48M
systemctl daemon-reload
is "a name that is a number is no owner" 50ms "$(unit_show unikernel-0-1000.slice CPUQuotaPerSecUSec)"
is "… whose slice has no limit" infinity "$(unit_show unikernel-1000.slice CPUQuotaPerSecUSec)"
define named --tick=500 Owner=alice CPUQuota=5%
systemctl daemon-reload
expect_output "an owner by name is told to be a number" 'Owner= is a name, .*write the number' status_of named
expect_fail "… also at a start" 'Owner= is a name' shruthictl start named
define little --tick=500 MemoryMax=20M
expect_fail "too little memory is refused at a start" 'MemoryMax=20M is too little: .*write 48M or more' \
        shruthictl start little
define lost --tick=500 AllowedCPUs=8191
expect_fail "so are processors that are not there" 'AllowedCPUs=8191 names a processor' shruthictl start lost

# --- Without effect, as here.

if [ -e /sys/fs/cgroup/cgroup.controllers ] && grep -qw cpu /sys/fs/cgroup/cgroup.controllers; then
        skip "there are controllers: nothing is without effect"
else
        expect_output "status says what has no effect" 'No effect: CPUQuota=5% \(/etc/shruthi/unikernels/1000\.unikernel\)' \
                status_of 1000
        expect_output "so does doctor" 'guest-limits: Limits of .* are without effect: [A-Z]' doctor
        check "it starts all the same" systemctl start "$(unit 1000)"
        check_soon "… and says so in its journal" 60 said 1000 'cannot apply these limits of the guest.*CPUQuota=5%'
        systemctl stop "$(unit 1000)"
fi
is_none "systemd has nothing to remark" "$(remarks unikernel)"

finish
