# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for shruthictl(1)

function __shruthictl_names
    shruthictl --no-pager --no-legend --no-ask-password list 2>/dev/null | string split -f1 ' '
end

function __shruthictl_digests
    shruthictl --no-pager --no-legend --no-ask-password image list 2>/dev/null | string split -f1 ' '
end

function __shruthictl_volumes
    shruthictl --no-pager --no-legend --no-ask-password volume list 2>/dev/null | string split -f1 ' '
end

function __shruthictl_networks
    shruthictl --no-pager --no-legend --no-ask-password network list 2>/dev/null | string split -f1 ' '
end

set -l verbs list status create start stop restart kill remove enable disable logs statistics analyze console show cat \
    edit set check arguments xml image network volume credential limits doctor import-rhyzome instance
set -l named list status start stop restart kill remove enable disable logs statistics analyze console show cat edit \
    set arguments xml
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c shruthictl -f
complete -c shruthictl -n "$none" -a list -d 'All unikernels with their state'
complete -c shruthictl -n "$none" -a status -d 'How they are and how they got there'
complete -c shruthictl -n "$none" -a create -d 'Make one from an image'
complete -c shruthictl -n "$none" -a start -d Start
complete -c shruthictl -n "$none" -a stop -d Stop
complete -c shruthictl -n "$none" -a restart -d 'Stop, and start again'
complete -c shruthictl -n "$none" -a kill -d 'Send a signal to the process that looks after it'
complete -c shruthictl -n "$none" -a remove -d 'Remove the definition'
complete -c shruthictl -n "$none" -a enable -d 'Start at boot from now on'
complete -c shruthictl -n "$none" -a disable -d 'No longer start at boot'
complete -c shruthictl -n "$none" -a logs -d 'Console and messages, from the journal'
complete -c shruthictl -n "$none" -a statistics -d 'What running guests use'
complete -c shruthictl -n "$none" -a analyze -d 'Where the time of its start went'
complete -c shruthictl -n "$none" -a console -d 'Connect to the console'
complete -c shruthictl -n "$none" -a show -d 'All facts as KEY=VALUE'
complete -c shruthictl -n "$none" -a cat -d 'The definition'
complete -c shruthictl -n "$none" -a edit -d 'Edit the definition'
complete -c shruthictl -n "$none" -a set -d 'Change some of it, from the next start'
complete -c shruthictl -n "$none" -a check -d 'Look at definitions in files'
complete -c shruthictl -n "$none" -a arguments -d 'The command line that the guest gets'
complete -c shruthictl -n "$none" -a xml -d 'The libvirt domain that a start would make'
complete -c shruthictl -n "$none" -a image -d 'Stored images'
complete -c shruthictl -n "$none" -a credential -d 'Keys that unikernels read'
complete -c shruthictl -n "$none" -a volume -d 'Stored volumes'
complete -c shruthictl -n "$none" -a network -d 'Networks for unikernels'
complete -c shruthictl -n "$none" -a limits -d 'What you have used of your limits'
complete -c shruthictl -n "$none" -a doctor -d 'Is this host fit, and what would make it so'
complete -c shruthictl -n "$none" -a import-rhyzome -d 'Take over a rhyzome.conf'
complete -c shruthictl -n "$none" -a instance -d 'As rhyzomectl had it'

complete -c shruthictl -n "__fish_seen_subcommand_from $named; and not __fish_seen_subcommand_from network image volume" \
    -a '(__shruthictl_names)'
complete -c shruthictl -n '__fish_seen_subcommand_from create inspect import import-rhyzome export check' -F
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a list -d 'Stored images with size and users'
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a inspect \
    -d 'What an image is and which devices it wants'
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a import -d 'Take images into the store'
complete -c shruthictl -n '__fish_seen_subcommand_from image' -a prune -d 'Remove the images that nobody uses'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a list -d 'The names of the keys that were set'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a set -d 'Set a key to what standard input says'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a rotate -d 'The same for a key that is there'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -a remove -d 'Remove keys, or all of them'
complete -c shruthictl -n '__fish_seen_subcommand_from credential' -l all -d 'All keys'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a list -d 'Stored volumes with size, owner and users'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a create -d 'Make an empty one'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a show -d 'All facts as KEY=VALUE'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a resize -d 'Make it larger'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a import -d 'Make one of a file'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a export -d 'Copy its content to a file'
complete -c shruthictl -n '__fish_seen_subcommand_from volume' -a remove -d 'Remove it, with all that is in it'
complete -c shruthictl -n '__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from show resize export remove' \
    -a '(__shruthictl_volumes)'
complete -c shruthictl -n '__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from create import' \
    -l size -x -a '16M 64M 256M 1G' -d 'How large it is'
complete -c shruthictl -n '__fish_seen_subcommand_from volume; and __fish_seen_subcommand_from import' \
    -l raw -d 'Take what looks like another format as it is'
set -l network '__fish_seen_subcommand_from network'
complete -c shruthictl -n $network -a create -d 'Make a libvirt network for unikernels'
complete -c shruthictl -n $network -a list -d 'All of libvirt, and whose they are'
complete -c shruthictl -n $network -a show -d 'What one is, and who has which address in it'
complete -c shruthictl -n $network -a remove -d 'Remove one that nobody uses'
complete -c shruthictl -n "$network; and __fish_seen_subcommand_from show remove" -a '(__shruthictl_networks)'
complete -c shruthictl -n $network -l subnet -x -a 'auto none' -d 'Its addresses'
complete -c shruthictl -n $network -l ipv6-subnet -x -a 'auto none' -d 'Its IPv6 addresses'
complete -c shruthictl -n $network -l nat -d 'Out behind the address of the host'
complete -c shruthictl -n $network -l isolated -d 'Not out at all'
complete -c shruthictl -n $network -l routed -d 'Out, and in, by its own addresses'
complete -c shruthictl -n $network -l bridge -x -d 'What its bridge is called'
complete -c shruthictl -n '__fish_seen_subcommand_from inspect' -a '(__shruthictl_digests)'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -a create -d 'Create and start'
complete -c shruthictl -n '__fish_seen_subcommand_from set' -a 'Image= Memory= CPUs= Architecture= Arguments= Autostart= \
    Restart= Group= Owner= Initrd= Network= Volume= Credentials='

complete -c shruthictl -s h -l help -d 'Show help'
complete -c shruthictl -l version -d 'Show the version'
complete -c shruthictl -s H -l host -x -a '(__fish_print_hostnames)' -d 'Work on another host, over ssh'
complete -c shruthictl -l no-pager -d 'Do not pipe output into a pager'
complete -c shruthictl -l no-legend -d 'Leave out headers and sums'
complete -c shruthictl -l no-ask-password -d 'Do not ask for passwords'
complete -c shruthictl -s q -l quiet -d 'Say nothing but errors and what was asked for'
complete -c shruthictl -l json -x -a 'pretty short off' -d 'Facts as JSON'

complete -c shruthictl -n '__fish_seen_subcommand_from show' -s p -l property -x -d 'Only these'
complete -c shruthictl -n '__fish_seen_subcommand_from show' -l value -d 'The bare values'
complete -c shruthictl -n '__fish_seen_subcommand_from logs status' -s n -l lines -x -a 'all 10 50 100' \
    -d 'The last lines'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'Go on with new lines'
complete -c shruthictl -n '__fish_seen_subcommand_from console' -s f -l follow -d 'Go on after the end of the input'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s S -l since -x -a 'today yesterday -1h' \
    -d 'Not what was before'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s U -l until -x -a 'today yesterday -1h' \
    -d 'Not what came after'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s b -l boot -d 'Of another boot'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s g -l grep -x -d 'Only messages that match'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s p -l priority -x \
    -a 'emerg alert crit err warning notice info debug' -d 'Nothing less important'
complete -c shruthictl -n '__fish_seen_subcommand_from logs' -s o -l output -x \
    -a 'short short-iso short-precise short-unix cat json json-pretty' -d 'In which form'
complete -c shruthictl -n '__fish_seen_subcommand_from create enable disable remove rotate' -l now \
    -d 'Start, stop or restart it too'
complete -c shruthictl -n '__fish_seen_subcommand_from create start stop restart enable disable' -l no-block \
    -d 'Do not wait until it is done'
complete -c shruthictl -n '__fish_seen_subcommand_from start' -l time -d 'Show where the time went'
complete -c shruthictl -n '__fish_seen_subcommand_from kill' -s s -l signal -x -a 'SIGTERM SIGINT SIGABRT SIGKILL' \
    -d 'Which signal'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l memory -x -a '16M 32M 64M 128M 256M' -d Memory
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l cpus -x -d 'Virtual CPUs'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l architecture -x -a 'x86_64 aarch64' \
    -d 'Emulate an image for another one than the host has'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l network -x -d 'Connect a network device'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l volume -x -d 'Connect a block device'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l credentials -x -d 'Put key material on a block device'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l arguments -x -d 'The command line as one string'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l autostart -d 'Start at boot'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l restart -x -a 'no on-failure always' \
    -d 'Start again when it ended'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l group -x -a '(__fish_complete_groups)' \
    -d 'Whose members manage it too'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l owner -x -a '(__fish_complete_users)' \
    -d 'Whose it is'
complete -c shruthictl -n '__fish_seen_subcommand_from create set' -l initrd -r -F -d 'An initial RAM disk'
complete -c shruthictl -n '__fish_seen_subcommand_from create set import' -l verify -x \
    -d 'The digest that the image must have'
complete -c shruthictl -n '__fish_seen_subcommand_from set' -l image -r -F -d 'Another image'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l name -x -d 'The name'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l kernel -r -F -d 'The image'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l kernel-parameters -x -d 'The command line'
complete -c shruthictl -n '__fish_seen_subcommand_from instance' -l server -x -d 'Use --host instead'
