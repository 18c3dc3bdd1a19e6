#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What SHRUTHI knows because it has looked before, changed behind its back. shruthid is one process throughout.
#
# What is kept, where            what keeps it true                                  what changes it behind its back
# -----------------------------  --------------------------------------------------  ----------------------------------
# definitions (registry.c)       inotify on the three folders, drop-ins and what     here; daemon, definitions
#                                links lead to; runner and helper read them anew
# names of owners, of groups     inotify on /etc/passwd and /etc/group; other        here
# (registry.c, network.c)        sources of users: "systemctl reload shruthid"
# how units are (systemd.c)      systemd's signals, in their order; all is listed    here; daemon, bus (jobs)
#                                again after a reload or re-execution; a job's end
#                                that is not as it should be is asked about
# what is enabled (enabled.c)    read again when systemd says that unit files        here; daemon
#                                changed or it has read them again
# who a caller is (client.c)     the bus never gives a connection's name twice; it   bus
#                                goes with the connection
# shruthi.conf (conf.c)          shruthid: at Reload; runner and helper: each time   here; daemon, domain
# what the host can do           in /run, so for one boot, with the versions, KVM    here; domain
# (probe.c)                      and settings it was found with; anything else in
#                                the file is no result
# connections to libvirt         each is asked something before it is used, and is   domain-service
# (virt.c)                       opened anew when there is no answer
# images (fingerprint.c)         device, inode, size, both times, and no change in   images; unit tests of them
#                                the 2 s before it was hashed, as git's index
# networks (network-registry.c)  records are shruthid's alone; libvirt's side is     here; networks-made
#                                asked for at each list, and put right at Reload
# filters in libvirt (filter.c)  the name counts up with each change of the rules    unit tests of filters
# addresses (lease-file.c)       no copy: the file is locked and read each time      addresses, networks
# a start's moments              kept with the run's invocation, shown for that      bus
# (start-times.c)                alone
# drop-ins of the generator      made anew whenever systemd reads its units          definitions, daemon

# Functions that lib.sh calls by name.
# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"

dest=org.dream.Shruthi
path=/org/dream/Shruthi
etc=/etc/shruthi/unikernels
images=/srv/images

call() { busctl --timeout=60 -- call $dest $path $dest.Manager "$@"; }
get() { busctl get-property $dest "$path/unikernel/$1" $dest.Unikernel "$2"; }
state_is() { [ "$(get "$1" State)" = "s \"$2\"" ]; }
autostart_is() { [ "$(get "$1" Autostart)" = "b $2" ]; }
arguments_are() { call GetUnikernelArguments s "$1" | grep -qF "$2"; }
pid() { systemctl show --property=MainPID --value shruthid; }
helper() { runuser -u shruthi -- /usr/libexec/shruthi/shruthi-domain "$@"; }
conf() {
        { printf '[Shruthi]\nImageDirectories=%s\nIdleExitSec=infinity\n' $images; printf '%s\n' "$@"; } \
                >/etc/shruthi/shruthi.conf
}
# FILE ARGUMENTS
define() { printf '[Unikernel]\nImage=%s/guest-plain.virtio\nArguments=%s\n' $images "$2" >"$1"; }

mkdir -p $images
cp "$BUILD"/tests/guest/guest*.* $images
chmod -R a+rX $images
conf
systemctl stop shruthid
call ListUnikernels >/dev/null
first_pid=$(pid)

# ── Definitions ──────────────────────────────────────────────────────────────────────────────────────────────────────
define /srv/elsewhere.unikernel one
ln -s /srv/elsewhere.unikernel $etc/linked.unikernel
check_soon "a link to a definition is one" 60 arguments_are linked one
define /srv/elsewhere.unikernel two
check_soon "what it leads to is changed in its place" 60 arguments_are linked two
define /srv/elsewhere.new three
mv /srv/elsewhere.new /srv/elsewhere.unikernel
check_soon "… is replaced" 60 arguments_are linked three
define /srv/elsewhere.unikernel four
check_soon "… and is followed from there" 60 arguments_are linked four
ln -s /srv/elsewhere.unikernel $etc/other.unikernel
check_soon "a second link to it" 60 arguments_are other four
define /srv/elsewhere.unikernel five
check_soon "changes with the first" 60 eval 'arguments_are linked five && arguments_are other five'
define /srv/third.unikernel six
ln -sfn /srv/third.unikernel $etc/linked.unikernel
check_soon "a link that leads elsewhere leads there" 60 arguments_are linked six
define /srv/third.unikernel seven
check_soon "… and is followed there" 60 arguments_are linked seven
mkdir $etc/linked.unikernel.d
printf '[Unikernel]\nArguments=eight\n' >/srv/dropin.conf
ln -s /srv/dropin.conf $etc/linked.unikernel.d/10.conf
check_soon "a drop-in that is a link counts" 60 arguments_are linked eight
sed -i s/eight/nine/ /srv/dropin.conf
check_soon "… and is followed" 60 arguments_are linked nine
ln -sfn /dev/null $etc/linked.unikernel.d/10.conf
check_soon "a link to /dev/null switches it off" 60 arguments_are linked seven
rm -r $etc/linked.unikernel.d $etc/other.unikernel
define $etc/plain.unikernel ten
check_soon "a definition" 60 arguments_are plain ten
mv $etc/plain.unikernel $etc/renamed.unikernel
check_soon "is renamed" 60 eval 'arguments_are renamed ten && ! call GetUnikernel s plain'
define /srv/replaced eleven
mv /srv/replaced $etc/renamed.unikernel
check_soon "… and replaced" 60 arguments_are renamed eleven

# ── Users and groups ─────────────────────────────────────────────────────────────────────────────────────────────────
as() {
        local user=$1

        shift
        as_user "$user" busctl --timeout=60 -- call $dest $path $dest.Manager "$@"
}
groupadd team
usermod -aG team alice
usermod -aG team bob
check "alice creates a unikernel" as alice CreateUnikernelFromPath 'ssa{sv}' hers $images/guest-plain.virtio 1 Group s team
check "bob, who is in the same group, manages it" as bob SetUnikernelSettings 'sa{sv}' hers 1 Arguments s bobs
# So that alice owns it by name alone.
gpasswd --delete alice team >/dev/null
uid=$(id -u alice)
usermod -l alicia alice
check_soon "alice, renamed, still manages it" 60 as alicia SetUnikernelSettings 'sa{sv}' hers 1 Arguments s hers
useradd --no-user-group --home-dir / --groups shruthi-users alice
check "another user has the name alice" test "$(id -u alice)" != "$uid"
expect_fail "… and not what is hers" 'Not authorized|Authentication is required' \
        as alice GetUnikernelDefinition s hers
userdel alice 2>/dev/null
groupmod -n crew team
groupadd -f team
usermod -aG team mallory
usermod -aG shruthi-users mallory
expect_fail "a new group has the name of hers" 'Not authorized|Authentication is required' \
        as mallory GetUnikernelDefinition s hers
check "hers is called otherwise, and is hers" as bob SetUnikernelSettings 'sa{sv}' hers 1 Arguments s bobs
usermod -l alice alicia
check_soon "alice has the old name again" 60 as alice SetUnikernelSettings 'sa{sv}' hers 1 Arguments s hers

# ── Units ────────────────────────────────────────────────────────────────────────────────────────────────────────────
check "one is started" call StartUnikernel st renamed 0
check "systemd is re-executed" systemctl daemon-reexec
check_soon "it runs still" 60 state_is renamed running
check "it is stopped" systemctl stop unikernel@renamed
check_soon "… and seen to be" 60 state_is renamed stopped
call StartUnikernel st renamed 0 >/dev/null
systemctl daemon-reexec &
virsh --quiet destroy unikernel-renamed
wait $!
check_soon "one that ends while systemd is re-executed has ended" 60 \
        eval 'unit_is failed unikernel@renamed && state_is renamed failed'
systemctl reset-failed unikernel@renamed 2>/dev/null
check_soon "a failure that is reset is none" 60 state_is renamed stopped
kill -STOP "$first_pid"
systemctl start unikernel@renamed
systemctl start unikernel@hers
systemctl stop unikernel@renamed
kill -CONT "$first_pid"
check_soon "what happens while it sleeps" 60 eval 'state_is hers running && state_is renamed stopped'
is "of the run that there is" "s \"$(unit_show unikernel@hers InvocationID)\"" "$(get hers InvocationID)"
systemctl restart unikernel@hers
check_soon "… also when that is another" 60 \
        eval '[ "$(get hers InvocationID)" = "s \"$(unit_show unikernel@hers InvocationID)\"" ]'
# Answers are about what is, whatever came before them.
wrong=0
for _ in $(seq 10); do
        call StopUnikernel st hers 0 >/dev/null && state_is hers stopped && unit_is inactive unikernel@hers ||
                wrong=$((wrong + 1))
        call StartUnikernel st hers 0 >/dev/null && state_is hers running && unit_is active unikernel@hers ||
                wrong=$((wrong + 1))
        systemctl reset-failed unikernel@hers
done
is "what an answer says is so" 0 $wrong
call StopUnikernel st hers 0 >/dev/null

# ── Enabled ──────────────────────────────────────────────────────────────────────────────────────────────────────────
wants=/etc/systemd/system/unikernels.target.wants
mkdir -p $wants
ln -s /usr/lib/systemd/system/unikernel@.service $wants/unikernel@renamed.service
check "a link made by hand" systemctl daemon-reload
check_soon "… is seen when systemd sees it" 60 autostart_is renamed true
rm $wants/unikernel@renamed.service
check "… and removed" systemctl daemon-reload
check_soon "… is not" 60 autostart_is renamed false
systemctl enable --quiet --runtime unikernel@renamed
check_soon "enabled until the next boot" 60 autostart_is renamed true
systemctl disable --quiet --runtime unikernel@renamed
check_soon "and disabled" 60 autostart_is renamed false
systemctl mask --quiet unikernel@renamed
expect_fail "a masked one does not start" 'masked' call StartUnikernel st renamed 0
systemctl unmask --quiet unikernel@renamed
check "… unmasked it does" call StartUnikernel st renamed 0
check "… and stops" call StopUnikernel st renamed 0

# ── The host and the configuration ───────────────────────────────────────────────────────────────────────────────────
result=/run/shruthi/probe/result
fast=$(fast_start_of_host)
expect_output "the host is tried" "^fast-start=$fast\$" helper probe
known=$(cat $result)
for text in '' junk "$(head -n 3 $result)" "$known"$'\nmore=yes' "${known/fast-start=$fast/fast-start=perhaps}"; do
        printf '%s\n' "$text" >$result
        check "junk is not believed: $(tr '\n' ' ' <<<"$text" | cut -c1-30)" helper probe
        is "… and the truth is written" "$known" "$(cat $result)"
done
rm $result
mkdir $result
expect_output "what cannot be kept is found each time" "^fast-start=$fast\$" helper probe
rmdir $result
conf FastStart=no
expect_output "with other settings it is tried anew" '^fast-start=no$' helper probe
check "a start follows them, with no reload" call StartUnikernel st renamed 0
expect_fail "… in its domain" '' bash -c 'virsh dumpxml unikernel-renamed | grep -F cpu-unavailable-features'
call StopUnikernel st renamed 0 >/dev/null
conf UnikernelsMaxPerUser=1
as alice CreateUnikernelFromPath 'ssa{sv}' more $images/guest-plain.virtio 0 >/dev/null
check "reload" systemctl reload shruthid
expect_fail "limits are those of the last reload" 'UnikernelsMaxPerUser=1' \
        as alice CreateUnikernelFromPath 'ssa{sv}' yet-more $images/guest-plain.virtio 0

# ── Networks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
active_is() { shruthictl --json=short network show lab | jq -e ".Active == $1 or .[0].Active? == $1"; }
check "a network" shruthictl network create lab
check "… is stopped with virsh" virsh --quiet net-destroy lab
check_soon "… and shown so" 60 active_is false
virsh --quiet net-start lab
check_soon "… and started" 60 active_is true
check "remove it" shruthictl network remove lab

is "it was one process all the time" "$first_pid" "$(pid)"
finish
