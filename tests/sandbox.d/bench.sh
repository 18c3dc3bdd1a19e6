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

# JSON: of the benchmarks in $names, with $options. One that fails is told, and the others go on.
bench_run() {
        local json=$1 name failed=() result=$run_dir/bench.result all=$run_dir/bench.all run_limit=$bench_seconds

        : >"$all"
        for name in "${names[@]}"; do
                sandbox_boot
                say "Benchmark $name …"
                if sandbox_run "/shruthi/source/tests/bench/$name" "${options[@]}" </dev/null >"$result"; then
                        cat "$result" >>"$all"
                        [ "$json" = yes ] || bench_report tables <"$result"
                else
                        say "The benchmark $name failed; its journal ends with:"
                        sandbox_journal 20 >&2
                        failed+=("$name")
                fi
                [ "$name" != "${names[-1]}" ] || bench_conclude
                sandbox_end
        done
        [ ${#failed[@]} -eq 0 ] || die "Benchmarks that failed: ${failed[*]}"
}

bench_conclude() {
        [ -s "$all" ] || return 0
        if [ "$json" = yes ]; then bench_report json <"$all"; else bench_report goals <"$all"; fi
}

bench_report() { sandbox_run /usr/bin/python3 /shruthi/source/tests/bench/lib/report.py "$1"; }
