# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for shruthictl(1)

# Of the user's own unikernels, where the line says so.
function __shruthictl_ask
    set -l own
    contains -- --user (commandline -opc); and set own --user
    shruthictl $own --no-pager --no-legend --no-ask-password $argv 2>/dev/null
end

function __shruthictl_names
    __shruthictl_ask list | string split -f1 ' '
end

function __shruthictl_digests
    __shruthictl_ask image list | string split -f1 ' '
end

function __shruthictl_volumes
    __shruthictl_ask volume list | string split -f1 ' '
end

function __shruthictl_fleets
    # Those of others are USER:NAME.
    set -l me (id -un)
    __shruthictl_ask fleet list | string replace -r '^(\S+) +(\S+) .*' '$2:$1' | string replace -r "^$me:" ''
end

function __shruthictl_networks
    __shruthictl_ask network list | string split -f1 ' '
end

set -l verbs list status create start stop restart kill pause resume snapshot restore discard remove enable disable logs wait events statistics analyze console \
    show tree cat edit set update rollback history diff check arguments xml image network volume credential fleet limits doctor import-rhyzome instance
set -l named list status start stop restart kill pause resume snapshot restore discard remove enable disable logs wait events statistics analyze console \
    show tree cat edit set update rollback history diff arguments xml
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c shruthictl -f
complete -c shruthictl -n "$none" -a list -d 'List unikernels and their state'
complete -c shruthictl -n "$none" -a status -d 'Show runtime status'
complete -c shruthictl -n "$none" -a create -d 'Create a unikernel from an image'
complete -c shruthictl -n "$none" -a start -d 'Start unikernels'
complete -c shruthictl -n "$none" -a stop -d 'Stop unikernels'
complete -c shruthictl -n "$none" -a restart -d 'Stop and start unikernels'
complete -c shruthictl -n "$none" -a kill -d 'Send a signal to the supervising process'
complete -c shruthictl -n "$none" -a pause -d 'Pause running guests'
complete -c shruthictl -n "$none" -a resume -d 'Let paused guests continue'
complete -c shruthictl -n "$none" -a snapshot -d 'Save running guests with their memory, and stop them'
complete -c shruthictl -n "$none" -a restore -d 'Let saved guests continue'
complete -c shruthictl -n "$none" -a discard -d 'Remove the snapshots of unikernels'
complete -c shruthictl -n "$none" -a remove -d 'Remove unikernels'
complete -c shruthictl -n "$none" -a enable -d 'Enable start at boot'
complete -c shruthictl -n "$none" -a disable -d 'Disable start at boot'
complete -c shruthictl -n "$none" -a logs -d 'Show console output and messages from the journal'
complete -c shruthictl -n "$none" -a wait -d 'Wait until unikernels are ready, or in another state'
complete -c shruthictl -n "$none" -a events -d 'Show what happens to unikernels, as it happens'
complete -c shruthictl -n "$none" -a statistics -d 'Show the resource usage of running guests'
complete -c shruthictl -n "$none" -a analyze -d 'Show where the time of a start went'
complete -c shruthictl -n "$none" -a console -d 'Connect to the console'
complete -c shruthictl -n "$none" -a show -d 'Show all properties as KEY=VALUE'
complete -c shruthictl -n "$none" -a tree -d 'Show what unikernels depend on'
complete -c shruthictl -n "$none" -a cat -d 'Show the definition'
complete -c shruthictl -n "$none" -a edit -d 'Edit the definition'
complete -c shruthictl -n "$none" -a set -d 'Change settings, effective at the next start'
complete -c shruthictl -n "$none" -a update -d 'Change, restart, and go back if that fails'
complete -c shruthictl -n "$none" -a rollback -d 'Go back to a former generation in the same way'
complete -c shruthictl -n "$none" -a history -d 'List the generations of a definition'
complete -c shruthictl -n "$none" -a diff -d 'Show what differs between two generations'
complete -c shruthictl -n "$none" -a check -d 'Check definition files'
complete -c shruthictl -n "$none" -a arguments -d 'Show the command line that the guest gets'
complete -c shruthictl -n "$none" -a xml -d 'Show the libvirt domain that a start would create'
complete -c shruthictl -n "$none" -a image -d 'Manage stored images'
complete -c shruthictl -n "$none" -a credential -d 'Manage the keys of unikernels'
complete -c shruthictl -n "$none" -a volume -d 'Manage stored volumes'
complete -c shruthictl -n "$none" -a network -d 'Manage networks for unikernels'
complete -c shruthictl -n "$none" -a fleet -d 'Carry out plans of many unikernels'
complete -c shruthictl -n "$none" -a limits -d 'Show your limits and what you use of them'
complete -c shruthictl -n "$none" -a doctor -d 'Check this host and suggest fixes'
complete -c shruthictl -n "$none" -a import-rhyzome -d 'Import a rhyzome.conf'
complete -c shruthictl -n "$none" -a instance -d 'Support rhyzomectl\'s syntax'

complete -c shruthictl -n "__fish_seen_subcommand_from $named; and not __fish_seen_subcommand_from network image volume fleet" \
    -a '(__shruthictl_names)'
complete -c shruthictl -n '__fish_seen_subcommand_from create inspect import import-rhyzome export check' -F
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a list -d 'List stored images with size and users'
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a inspect \
    -d 'Show what an image is and which devices it needs'
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a import -d 'Add images to the store'
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a prune -d 'Remove unused images'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a list -d 'List the names of stored keys'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a set -d 'Store a key read from standard input'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a rotate -d 'Replace an existing key in the same way'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a remove -d 'Remove keys'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -l all -d 'Remove all keys'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a list -d 'List stored volumes with size, owner and users'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a create -d 'Create an empty volume'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a show -d 'Show all properties as KEY=VALUE'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a resize -d 'Enlarge a volume'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a import -d 'Create a volume from a file'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a export -d 'Copy the content of a volume to a file'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a clone -d 'Create a volume with the content of another'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a remove -d 'Remove volumes and all data in them'
complete -c shruthictl -n '__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from show resize export clone remove' \
    -a '(__shruthictl_volumes)'
complete -c shruthictl -n '__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from create import' \
    -l size -x -a '16M 64M 256M 1G' -d 'Set the size'
complete -c shruthictl -n '__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from import' \
    -l raw -d 'Import as is what looks like another format'
set -l fleet '__fish_seen_subcommand_from fleet'
complete -c shruthictl -n $fleet -a check -d 'Check a plan, and show its members and schedule'
complete -c shruthictl -n $fleet -a up -d 'Create and start the members of a plan'
complete -c shruthictl -n $fleet -a run -d 'Carry out a plan, from its members to a folder of results'
complete -c shruthictl -n $fleet -a status -d 'List the members of a fleet'
complete -c shruthictl -n $fleet -a down -d 'Remove all that belongs to a fleet'
complete -c shruthictl -n $fleet -a list -d 'List fleets'
complete -c shruthictl -n $fleet -a exec -d 'Run a program of this host for each member'
complete -c shruthictl -n $fleet -a report -d 'Write the report of a run anew, or compare runs'
complete -c shruthictl -n "$fleet; and __fish_seen_subcommand_from status down exec" -a '(__shruthictl_fleets)'
complete -c shruthictl -n "$fleet; and __fish_seen_subcommand_from check up run status down report" -F
complete -c shruthictl -n $fleet -l members -x -d 'For these members only'
complete -c shruthictl -n $fleet -l jobs -x -d 'So many at a time'
complete -c shruthictl -n $fleet -l html -r -F -d 'Write the report to this file'
complete -c shruthictl -n $fleet -l results -r -F -d 'Write the results to this folder'
set -l network '__fish_seen_subcommand_from network'
complete -c shruthictl -n $network -a create -d 'Create a libvirt network for unikernels'
complete -c shruthictl -n $network -a list -d 'List all libvirt networks and their owners'
complete -c shruthictl -n $network -a show -d 'Show a network and who has which address in it'
complete -c shruthictl -n $network -a remove -d 'Remove unused networks'
complete -c shruthictl -n "$network; and __fish_seen_subcommand_from show remove" -a '(__shruthictl_networks)'
complete -c shruthictl -n $network -l subnet -x -a 'auto none' -d 'Set the subnet'
complete -c shruthictl -n $network -l ipv6-subnet -x -a 'auto none' -d 'Set the IPv6 subnet'
complete -c shruthictl -n $network -l nat -d 'NAT through the host'
complete -c shruthictl -n $network -l isolated -d 'No outside access'
complete -c shruthictl -n $network -l routed -d 'Route its addresses, out and in'
complete -c shruthictl -n $network -l bridge -x -d 'Set the name of its bridge'
complete -c shruthictl -n $network -l emulated -d 'Emulate the links between its guests'
complete -c shruthictl -n '__fish_seen_subcommand_from inspect' -a '(__shruthictl_digests)'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -a create -d 'Create and start'
complete -c shruthictl -n '__fish_seen_subcommand_from set update' -a 'Image= Memory= CPUs= Architecture= Arguments= Autostart= \
    Restart= Activation= StopWhenIdleSec= Ready= ReadyTimeoutSec= Healthy= HealthyIntervalSec= HealthyRetries= Watchdog= UpdateFrom= UpdateVerify= Fleet= \
    RestartSec= RestartSteps= RestartMaxDelaySec= StartLimitIntervalSec= StartLimitBurst= \
    Requires= Wants= BindsTo= After= Before= Conflicts= PartOf= Upholds= OnFailure= \
    CPUWeight= CPUQuota= AllowedCPUs= IOWeight= IOReadBandwidthMax= IOWriteBandwidthMax= \
    IOReadIOPSMax= IOWriteIOPSMax= MemoryHigh= MemoryMax= \
    Group= Owner= Initrd= Network= Volume= Credentials='

complete -c shruthictl -s h -l help -d 'Show help'
complete -c shruthictl -l version -d 'Show the version'
complete -c shruthictl -s H -l host -x -a '(__fish_print_hostnames)' -d 'Operate on another host over ssh'
complete -c shruthictl -l user -d 'Operate on your own unikernels, without any rights'
complete -c shruthictl -l no-pager -d 'Do not pipe output into a pager'
complete -c shruthictl -l no-legend -d 'Omit headers and totals'
complete -c shruthictl -l no-ask-password -d 'Do not prompt for passwords'
complete -c shruthictl -s q -l quiet -d 'Suppress informational output'
complete -c shruthictl -l json -x -a 'pretty short off' -d 'Print JSON'

complete -c shruthictl -n '__fish_seen_subcommand_from show' -s p -l property -x -d 'Print only these properties'
complete -c shruthictl -n '__fish_seen_subcommand_from show' -l value -d 'Print only the values'
complete -c shruthictl -n '__fish_seen_subcommand_from logs status' -s n -l lines -x -a 'all 10 50 100' \
    -d 'Show the last lines'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'Follow new lines'
complete -c shruthictl -n '__fish_seen_subcommand_from console' -s f -l follow -d 'Stay connected after the end of input'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s S -l since -x -a 'today yesterday -1h' \
    -d 'Show entries since this time'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s U -l until -x -a 'today yesterday -1h' \
    -d 'Show entries until this time'
complete -c shruthictl -n '__fish_seen_subcommand_from wait' -s U -l until -x -a 'running ready stopped failed' \
    -d 'Wait for this state'
complete -c shruthictl -n '__fish_seen_subcommand_from wait' -l timeout -x -a '10s 1min 5min infinity' \
    -d 'Give up after this time'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s b -l boot -d 'Show entries of another boot'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s g -l grep -x -d 'Show only messages that match'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s p -l priority -x \
    -a 'emerg alert crit err warning notice info debug' -d 'Show only entries of this priority or higher'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s o -l output -x \
    -a 'short short-iso short-precise short-unix cat json json-pretty' -d 'Set the format'
complete -c shruthictl -n '__fish_seen_subcommand_from create enable disable remove rotate' -l now \
    -d 'Also start, stop or restart'
complete -c shruthictl -n '__fish_seen_subcommand_from create start stop restart enable disable' -l no-block \
    -d 'Do not wait until the operation has finished'
complete -c shruthictl -n '__fish_seen_subcommand_from start' -l time -d 'Show the start timing'
complete -c shruthictl -n '__fish_seen_subcommand_from kill' -s s -l signal -x -a 'SIGTERM SIGINT SIGABRT SIGKILL' \
    -d 'Send this signal'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l memory -x -a '16M 32M 64M 128M 256M' -d 'Set the memory'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l cpus -x -d 'Set the number of virtual CPUs'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l architecture -x -a 'x86_64 aarch64' \
    -d 'Emulate another architecture'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l network -x -d 'Connect a network device'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l volume -x -d 'Connect a block device'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l credentials -x -d 'Provide keys on a block device'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l arguments -x -d 'Pass this string to the guest unchanged'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l autostart -d 'Start at boot'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l restart -x -a 'no on-failure always' \
    -d 'Restart after it ends'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l ready -x -a 'started console: tcp: http: ping:' \
    -d 'Set a check that it is ready by'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l ready-timeout -x -a '30s 90s infinity' \
    -d 'Set the time to become ready'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l healthy -x -a 'tcp: http: ping:' \
    -d 'Set a check of its health'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l healthy-interval -x -a '10s 30s 1min' \
    -d 'Check its health this often'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l healthy-retries -x \
    -d 'Set the failures that make it unhealthy'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l activation -x -a traffic \
    -d 'Have traffic to its ports start it'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l stop-when-idle -x -a '30s 5min' \
    -d 'Stop it after so long without a connection'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l watchdog -x -a console \
    -d 'Have it print a line in each interval'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l update-from -r -F \
    -d 'Update it from this file'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l update-verify -x -a 'minisign: openpgp: sha256sums:' \
    -d 'Verify that file'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l fleet -x \
    -d 'Make it a member of a fleet'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l restart-sec -x \
    -d 'Wait this long before a restart'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l restart-steps -x \
    -d 'Lengthen the wait in this many steps'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l restart-max-delay-sec -x \
    -d 'Set the longest wait before a restart'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l start-limit-interval-sec -x \
    -d 'Count starts in this time'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l start-limit-burst -x \
    -d 'Give up after this many starts'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l cpu-weight -x -a 'idle 10 100 1000' \
    -d 'Set its share of a busy processor'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l cpu-quota -x -a '5% 20% 50% 100%' \
    -d 'Let it use that much of a processor'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l allowed-cpus -x \
    -d 'Let it use only these processors'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l io-weight -x \
    -d 'Set its share of a busy disk'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l io-read-bandwidth-max -x \
    -d 'Let it read that many bytes a second'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l io-write-bandwidth-max -x \
    -d 'Let it write that many bytes a second'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l io-read-iops-max -x \
    -d 'Let it read that many times a second'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l io-write-iops-max -x \
    -d 'Let it write that many times a second'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l memory-high -x \
    -d 'Slow it down beyond this memory'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l memory-max -x \
    -d 'Let it and QEMU use that much memory'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l requires -x -a '(__shruthictl_names)' \
    -d 'Start with it and not without'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l wants -x -a '(__shruthictl_names)' \
    -d 'Start it too'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l binds-to -x -a '(__shruthictl_names)' \
    -d 'Start with it and stop whenever it ends'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l after -x -a '(__shruthictl_names)' \
    -d 'Start when it is ready'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l before -x -a '(__shruthictl_names)' \
    -d 'Be ready before it starts'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l conflicts -x -a '(__shruthictl_names)' \
    -d 'Never run beside it'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l part-of -x -a '(__shruthictl_names)' \
    -d 'Stop and restart with it'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l upholds -x -a '(__shruthictl_names)' \
    -d 'Keep it running'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l on-failure -x -a '(__shruthictl_names)' \
    -d 'Start it on failure'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l group -x -a '(__fish_complete_groups)' \
    -d 'Let the members of this group manage it'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l owner -x -a '(__fish_complete_users)' \
    -d 'Set the owner'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update' -l initrd -r -F -d 'Use an initial RAM disk'
complete -c shruthictl -n '__fish_seen_subcommand_from create set update import' -l verify -x \
    -d 'Require this digest of the image'
complete -c shruthictl -n '__fish_seen_subcommand_from set update' -l image -r -F -d 'Use another image'
complete -c shruthictl -n '__fish_seen_subcommand_from update' -F
complete -c shruthictl -n '__fish_seen_subcommand_from update' -l all -d 'Update all that have UpdateFrom='
complete -c shruthictl -n '__fish_seen_subcommand_from update rollback' -l probation -x -a '0 30s 2min 10min' \
    -d 'How long it must hold once ready'
complete -c shruthictl -n '__fish_seen_subcommand_from update rollback' -l rolling \
    -d 'Start the new one first, and then move its ports'
complete -c shruthictl -n '__fish_seen_subcommand_from update rollback' -l drain -x -a '0 30s 2min 10min' \
    -d 'How long open connections may take to end'
complete -c shruthictl -n '__fish_seen_subcommand_from update rollback' -l dry-run -d 'Show what would change'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l name -x -d 'Set the name'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l kernel -r -F -d 'Set the image'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l kernel-parameters -x -d 'Set the command line'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l server -x -d 'Use --host instead'
