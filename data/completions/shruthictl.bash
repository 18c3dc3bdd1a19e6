# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for shruthictl(1)

# Of the user's own unikernels, where the line says so.
_shruthictl_ask() {
        local own=()

        [[ " ${COMP_WORDS[*]} " != *' --user '* ]] || own=(--user)
        shruthictl "${own[@]}" --no-pager --no-legend --no-ask-password "$@" 2>/dev/null
}

_shruthictl_names() {
        _shruthictl_ask list | while read -r name _; do
                printf '%s\n' "$name"
        done
}

_shruthictl_digests() {
        _shruthictl_ask image list | while read -r digest _; do
                printf '%s\n' "$digest"
        done
}

# Those of the unikernel that the line names.
_shruthictl_keys() {
        _shruthictl_ask credential list "${COMP_WORDS[3]}"
}

_shruthictl_volumes() {
        _shruthictl_ask volume list | while read -r name _; do
                printf '%s\n' "$name"
        done
}

# [USER]: own fleets by their names and those of others as USER:NAME, or the names of that user's.
_shruthictl_fleets() {
        local me owner

        me=$(id -un)
        _shruthictl_ask fleet list | while read -r name owner _; do
                if [[ -n ${1-} ]]; then
                        [[ $owner != "$1" ]] || printf '%s\n' "$name"
                elif [[ $owner == "$me" ]]; then
                        printf '%s\n' "$name"
                else
                        printf '%s:%s\n' "$owner" "$name"
                fi
        done
}

_shruthictl_networks() {
        _shruthictl_ask network list | while read -r name _; do
                printf '%s\n' "$name"
        done
}

_shruthictl_bridges() {
        local path

        for path in /sys/class/net/*/bridge; do
                [[ -d $path ]] || continue
                path=${path%/bridge}
                printf '%s\n' "${path##*/}"
        done
}

# The value of an option. Returns 1 when cur is none.
_shruthictl_value() {
        local option=$1 cur=$2

        case $option in
        --json) mapfile -t COMPREPLY < <(compgen -W 'pretty short off' -- "$cur") ;;
        --restart) mapfile -t COMPREPLY < <(compgen -W 'no on-failure always' -- "$cur") ;;
        --ready) mapfile -t COMPREPLY < <(compgen -W 'started console: tcp: http: ping:' -- "$cur") ;;
        --healthy) mapfile -t COMPREPLY < <(compgen -W 'tcp: http: ping:' -- "$cur") ;;
        --healthy-interval) mapfile -t COMPREPLY < <(compgen -W '10s 30s 1min' -- "$cur") ;;
        --activation) mapfile -t COMPREPLY < <(compgen -W 'traffic' -- "$cur") ;;
        --stop-when-idle) mapfile -t COMPREPLY < <(compgen -W '30s 5min' -- "$cur") ;;
        --watchdog) mapfile -t COMPREPLY < <(compgen -W 'console' -- "$cur") ;;
        --ready-timeout) mapfile -t COMPREPLY < <(compgen -W '30s 90s infinity' -- "$cur") ;;
        --requires | --wants | --binds-to | --after | --before | --conflicts | --part-of | --upholds | --on-failure)
                mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_names)" -- "$cur")
                ;;
        --cpu-weight) mapfile -t COMPREPLY < <(compgen -W '1 10 100 1000 10000 idle' -- "$cur") ;;
        --cpu-quota) mapfile -t COMPREPLY < <(compgen -W '5% 20% 50% 100% 200%' -- "$cur") ;;
        --memory-high | --memory-max) mapfile -t COMPREPLY < <(compgen -W '64M 128M 256M 512M' -- "$cur") ;;
        --allowed-cpus | --io-weight | --io-read-bandwidth-max | --io-write-bandwidth-max | --io-read-iops-max | --io-write-iops-max) ;;
        --restart-sec | --restart-steps | --restart-max-delay-sec | --start-limit-interval-sec | --start-limit-burst) ;;
        --architecture) mapfile -t COMPREPLY < <(compgen -W 'x86_64 aarch64' -- "$cur") ;;
        --autostart) mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$cur") ;;
        --signal | -s) mapfile -t COMPREPLY < <(compgen -W 'SIGTERM SIGINT SIGABRT SIGKILL' -- "$cur") ;;
        --group) mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
        --owner) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
        --host | -H) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
        --since | -S) mapfile -t COMPREPLY < <(compgen -W 'today yesterday -1h -10min' -- "$cur") ;;
        --until | -U)
                if [[ " ${COMP_WORDS[*]} " == *' wait '* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W 'running ready stopped failed' -- "$cur")
                else
                        mapfile -t COMPREPLY < <(compgen -W 'today yesterday -1h -10min' -- "$cur")
                fi
                ;;
        --timeout) mapfile -t COMPREPLY < <(compgen -W '10s 1min 5min infinity' -- "$cur") ;;
        --boot) mapfile -t COMPREPLY < <(compgen -W '-1 -2 all' -- "$cur") ;;
        --priority) mapfile -t COMPREPLY < <(compgen -W 'emerg alert crit err warning notice info debug' -- "$cur") ;;
        --output | -o) mapfile -t COMPREPLY < <(compgen -W 'short short-iso short-precise short-unix cat json json-pretty' -- "$cur") ;;
        --grep | -g) ;;
        --lines | -n) mapfile -t COMPREPLY < <(compgen -W 'all 10 50 100' -- "$cur") ;;
        --probation | --drain) mapfile -t COMPREPLY < <(compgen -W '0 30s 2min 10min' -- "$cur") ;;
        --memory) mapfile -t COMPREPLY < <(compgen -W '16M 32M 64M 128M 256M' -- "$cur") ;;
        --property | -p)
                mapfile -t COMPREPLY < <(compgen -W 'Name UUID Unit State Owner Autostart CutOff Result ExitStatus
                        InvocationID StateChangeTimestamp ActiveEnterTimestamp InactiveEnterTimestamp Image ImageTarget
                        BootMethod Arguments Memory CPUs Architecture Group Restart Ready ReadyTimeoutSec Healthy HealthyIntervalSec
                        HealthyRetries Watchdog Activation StopWhenIdleSec UpdateFrom UpdateVerify Fleet Health Generation Devices DefinitionPath DropIns Origin
                        DomainName SubState Reason Problem' -- "$cur")
                ;;
        --image | --initrd | --kernel | --update-from) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        --update-verify) mapfile -t COMPREPLY < <(compgen -W 'minisign: openpgp: sha256sums:' -- "$cur") ;;
        --size) mapfile -t COMPREPLY < <(compgen -W '16M 64M 256M 1G' -- "$cur") ;;
        --results) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        --subnet | --ipv6-subnet) mapfile -t COMPREPLY < <(compgen -W 'auto none' -- "$cur") ;;
        --bridge | --fleet | --healthy-retries | --verify | --cpus | --network | --volume | --credentials | --arguments | --name | --kernel-parameters | --server) ;;
        *) return 1 ;;
        esac
}

_shruthictl() {
        local any='--help --version --host --user --no-pager --no-legend --no-ask-password --quiet --json'
        local settings='--memory --cpus --architecture --network --volume --credentials --arguments --autostart --restart --activation --stop-when-idle --ready --ready-timeout --healthy --healthy-interval --healthy-retries --watchdog --update-from --update-verify --fleet --restart-sec --restart-steps --restart-max-delay-sec --start-limit-interval-sec --start-limit-burst --requires --wants --binds-to --after --before --conflicts --part-of --upholds --on-failure --cpu-weight --cpu-quota --allowed-cpus --io-weight --io-read-bandwidth-max --io-write-bandwidth-max --io-read-iops-max --io-write-iops-max --memory-high --memory-max --group --owner --initrd'
        local -A options=(
                [create]="$settings --verify --now --no-block" [set]="$settings --image --verify"
                [update]="$settings --image --verify --probation --rolling --drain --dry-run --all"
                [rollback]='--probation --rolling --drain --dry-run'
                [start]='--no-block --time' [stop]='--no-block' [restart]='--no-block' [kill]='--signal' [remove]='--now'
                [enable]='--now --no-block' [disable]='--now --no-block' [logs]='--lines --follow --since --until --boot --grep --priority --output' [wait]='--until --timeout' [console]='--follow' [status]='--lines'
                [show]='--property --value' [import]='--verify' [rotate]='--now'
                [network-show]='--property --value'
                [network-create]='--subnet --ipv6-subnet --nat --isolated --routed --bridge --emulated --group --owner'
        )
        local verbs='list status create start stop restart kill pause resume snapshot restore discard remove enable disable logs wait events statistics analyze console show tree cat edit
                set update rollback history diff check arguments xml image network volume credential fleet limits doctor import-rhyzome instance'
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' noun='' word i operands=0 user

        COMPREPLY=()

        # readline takes words apart at ':' too: what follows one is a bridge, a fleet of the user before it, or the
        # digits of a digest.
        if [[ $cur == ':' || $prev == ':' ]]; then
                user=$prev
                [[ $prev != ':' ]] || user=${COMP_WORDS[COMP_CWORD-2]}
                [[ $cur != ':' ]] || cur=
                if [[ ${COMP_WORDS[*]} == *' inspect '* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_digests | cut -d: -f2)" -- "$cur")
                elif [[ ${COMP_WORDS[*]} == *' fleet '* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_fleets "$user")" -- "$cur")
                else
                        mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_bridges)" -- "$cur")
                fi
                return
        fi

        # And "--option=value" at the '='.
        if [[ $prev == '=' ]]; then
                _shruthictl_value "${COMP_WORDS[COMP_CWORD-2]}" "$cur" && return
        elif [[ $cur == '=' ]]; then
                _shruthictl_value "$prev" '' && return
        elif [[ $prev == -* && $prev != --autostart ]]; then
                _shruthictl_value "$prev" "$cur" && return
        fi

        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                case $word in
                -H | -p | -n | -s | -S | -U | -g | -o) ((i++)) ;;
                =) ((i++)) ;;
                -*) ;;
                image | network | volume | credential | fleet | instance) if [[ -z $verb && -z $noun ]]; then noun=$word; else ((operands++)); fi ;;
                *) if [[ -z $verb ]]; then verb=$word; else ((operands++)); fi ;;
                esac
        done

        if [[ $cur == -* ]]; then
                [[ $noun != volume ]] || options=([create]='--size --group --owner' [import]='--size --raw --group --owner'
                        [clone]='--group --owner' [show]='--property --value')
                [[ $noun != credential ]] || options=([rotate]='--now' [remove]='--all')
                [[ $noun != network ]] || verb=network-$verb
                [[ $noun != fleet ]] || options=([run]='--results' [report]='--html' [exec]='--members --jobs --timeout')
                [[ $noun != instance ]] || any+=' --name --kernel --kernel-parameters --server'
                mapfile -t COMPREPLY < <(compgen -W "$any ${options[${verb:-none}]-}" -- "$cur")
                return
        fi

        if [[ -z $verb ]]; then
                case $noun in
                image) mapfile -t COMPREPLY < <(compgen -W 'list inspect import prune' -- "$cur") ;;
                credential) mapfile -t COMPREPLY < <(compgen -W 'list set rotate remove' -- "$cur") ;;
                volume)
                        mapfile -t COMPREPLY < <(compgen -W 'list create show resize import export remove' -- "$cur")
                        ;;
                network) mapfile -t COMPREPLY < <(compgen -W 'create list show remove' -- "$cur") ;;
                fleet) mapfile -t COMPREPLY < <(compgen -W 'check up run status down list report exec' -- "$cur") ;;
                instance) mapfile -t COMPREPLY < <(compgen -W 'create' -- "$cur") ;;
                *) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
                esac
                return
        fi

        case "$noun $verb" in
        'image inspect')
                mapfile -t COMPREPLY < <(compgen -f -- "$cur"; compgen -W "$(_shruthictl_digests)" -- "$cur")
                ;;
        'credential list' | 'credential set' | 'credential rotate' | 'credential remove')
                if ((operands == 0)); then
                        mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_names)" -- "$cur")
                elif [[ $verb != list ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_keys)" -- "$cur")
                fi
                ;;
        'network show' | 'network remove')
                mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_networks)" -- "$cur")
                ;;
        'fleet status' | 'fleet down' | 'fleet exec')
                mapfile -t COMPREPLY < <(compgen -f -- "$cur"; compgen -W "$(_shruthictl_fleets)" -- "$cur")
                ;;
        'image import' | ' import-rhyzome' | ' check' | 'fleet check' | 'fleet up' | 'fleet run') mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        'fleet report') mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        'volume list' | 'volume show' | 'volume remove')
                mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_volumes)" -- "$cur")
                ;;
        'volume clone') ((operands > 0)) || mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_volumes)" -- "$cur") ;;
        'volume resize' | 'volume export' | 'volume import')
                if ((operands == 0)); then
                        [[ $verb == import ]] ||
                                mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_volumes)" -- "$cur")
                elif [[ $verb != resize ]]; then
                        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                fi
                ;;
        ' limits') mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
        ' create') if ((operands == 1)); then mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi ;;
        ' set' | ' update')
                if ((operands == 1)) && [[ $verb == update ]]; then
                        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                elif ((operands == 0)); then
                        mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_names)" -- "$cur")
                else
                        mapfile -t COMPREPLY < <(compgen -S = -W 'Image Memory CPUs Architecture Arguments Autostart
                                Restart Activation StopWhenIdleSec Ready ReadyTimeoutSec Healthy HealthyIntervalSec HealthyRetries Watchdog
                                UpdateFrom UpdateVerify Fleet
                                RestartSec RestartSteps RestartMaxDelaySec StartLimitIntervalSec StartLimitBurst
                                Requires Wants BindsTo After Before Conflicts PartOf Upholds OnFailure
                                CPUWeight CPUQuota AllowedCPUs IOWeight IOReadBandwidthMax IOWriteBandwidthMax
                                IOReadIOPSMax IOWriteIOPSMax MemoryHigh MemoryMax
                                Group Owner Initrd Network Volume Credentials' -- "$cur")
                        compopt -o nospace
                fi
                ;;
        ' list' | ' status' | ' start' | ' stop' | ' restart' | ' kill' | ' pause' | ' resume' | ' snapshot' | ' restore' | ' discard' | \
                ' remove' | ' enable' | ' disable' | ' logs' | ' wait' | ' events' | ' statistics' | ' analyze' | ' console' | ' show' | ' tree' | ' cat' | ' edit' | ' arguments' | ' xml' | \
                ' rollback' | ' history' | ' diff')
                mapfile -t COMPREPLY < <(compgen -W "$(_shruthictl_names)" -- "$cur")
                ;;
        esac
}

complete -o filenames -F _shruthictl shruthictl
