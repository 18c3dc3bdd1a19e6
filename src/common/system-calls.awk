# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the rows of system-calls.c's table out of system-calls.list.

function row(name, argument, rule) {
        printf "#ifdef __NR_%s\n        {__NR_%s, %s, RULE_%s},\n#endif\n", name, name, argument, rule
}

/^#/ || NF == 0 { next }

NF == 2 && $2 ~ /^[0-9]-/ {
        rule = toupper(substr($2, 3))
        gsub("-", "_", rule)
        row($1, substr($2, 1, 1), rule)
        next
}

{
        for (i = 1; i <= NF; i++)
                row($i, 0, "ALLOW")
}
