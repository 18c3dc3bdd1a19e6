# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The benchmarks: each in a fresh sandbox, one after the other, and what they found together. Read by
# tests/sandbox.

bench_seconds=1800

bench_list() {
        local file

        for file in "$source_dir"/tests/bench/*; do
                [ ! -f "$file" ] || [ ! -x "$file" ] || basename "$file"
        done
}

# FORMAT (text, json, markdown): of the benchmarks in $names, with $options. One that fails is told, and the
# others go on.
bench_run() {
        local format=$1 name failed=() result=$run_dir/bench.result all=$run_dir/bench.all run_limit=$bench_seconds

        : >"$all"
        for name in "${names[@]}"; do
                bench_layers "$name"
                bench_boot
                say "Benchmark $name …"
                if sandbox_run "/shruthi/source/tests/bench/$name" "${options[@]}" </dev/null >"$result"; then
                        cat "$result" >>"$all"
                        [ "$format" != text ] || bench_report tables <"$result"
                else
                        say "The benchmark $name failed; its journal ends with:"
                        sandbox_journal 20 >&2
                        failed+=("$name")
                fi
                sandbox_end
        done
        bench_conclude "$format"
        [ ${#failed[@]} -eq 0 ] || die "Benchmarks that failed: ${failed[*]}"
}

# NAME: what it sets beside SHRUTHI that no other benchmark needs. It says so in a line of its head, "# Packages: NAME…",
# and has a layer of its own then.
bench_layers() {
        local packages

        read -r -a packages < <(sed -n 's/^# Packages: //p' "$source_dir/tests/bench/$1") || :
        if [ ${#packages[@]} -gt 0 ]; then
                layer_prepare "${suite:-host}-bench-$1" "${packages[@]}"
        else
                layer_prepare
        fi
}

# With a folder that is on the machine's disk, if the cache is: all else in a sandbox is in memory.
bench_boot() {
        rm -rf --one-file-system "$run_dir/disk"
        mkdir "$run_dir/disk"
        bind_options=("--bind=$run_dir/disk:/srv/disk")
        sandbox_boot
}

# In a sandbox of its own: the last one may have been driven to its limits.
bench_conclude() {
        [ -s "$all" ] || return 0
        sandbox_boot
        if [ "$1" = text ]; then bench_report goals <"$all"; else bench_report "$1" <"$all"; fi
        sandbox_end
}

bench_report() { sandbox_run /usr/bin/python3 /shruthi/source/tests/bench/lib/report.py "$1"; }
