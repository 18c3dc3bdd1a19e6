/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd's rules for names of units, from its unit-name.c. */

#include "common/unit-name.h"

#include <glib.h>
#include <string.h>

#define UNIT_CHARACTERS    G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS ":-_.\\@"
#define PATTERN_CHARACTERS UNIT_CHARACTERS "*?[]!"

bool unit_name_is_valid(const char *unit)
{
        static const char *const suffixes[] = {".service", ".socket", ".device", ".mount", ".automount",
                        ".swap", ".target", ".path", ".timer", ".slice", ".scope"};
        const char *dot = strrchr(unit, '.'), *at = strchr(unit, '@');
        bool known = false;

        for (size_t i = 0; dot && i < G_N_ELEMENTS(suffixes); i++)
                known = known || g_str_equal(dot, suffixes[i]);

        return known && dot > unit && strlen(unit) <= UNIT_NAME_MAX &&
               strspn(unit, UNIT_CHARACTERS) == strlen(unit) && at != unit && (!at || at + 1 != dot);
}

bool unit_pattern_is_valid(const char *pattern)
{
        return unit_name_is_valid(pattern) ||
               (strpbrk(pattern, "*?[") && strlen(pattern) <= UNIT_NAME_MAX &&
                               strspn(pattern, PATTERN_CHARACTERS) == strlen(pattern));
}
