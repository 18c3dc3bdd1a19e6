/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Members of targets. */

#include "fleet/expansion/draw.h"

#include <math.h>

static int compare_numbers(gconstpointer a, gconstpointer b)
{
        guint x = *(const guint *) a, y = *(const guint *) b;

        return x < y ? -1 : x > y;
}

void fleet_draw(const FleetTarget *target, GArray *members, FleetRandom *random)
{
        guint wanted;

        switch (target->amount) {
        case FLEET_COUNT:
                wanted = (guint) target->number;
                break;
        case FLEET_PERCENT: /* of the group, not of those that are left */
                wanted = (guint) floor(target->group->count * target->number / 100 + 0.5);
                wanted = MAX(wanted, target->number > 0 ? 1u : 0u);
                break;
        default:
                wanted = members->len;
        }

        wanted = MIN(wanted, members->len);
        fleet_random_draw(random, members, wanted);
        g_array_set_size(members, wanted);
        g_array_sort(members, compare_numbers);
}

int fleet_draw_all(const FleetExpansion *expansion, const GArray *targets, bool *taken, FleetRandom *random,
                GArray **ret_members, guint *ret_taken)
{
        g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autofree bool *seen = g_new0(bool, expansion->members->len + 1);

        for (guint i = 0; i < targets->len; i++) {
                const FleetTarget *target = &g_array_index(targets, FleetTarget, i);
                g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(guint));
                guint first = target->group->first, n = target->group->count;

                if (target->amount == FLEET_NAMED) {
                        first += target->member;
                        n = 1;
                        if (taken && taken[first] && !seen[first]) {
                                *ret_taken = first;
                                return -EEXIST;
                        }
                }
                for (guint member = first; member < first + n; member++)
                        if (!seen[member] && !(taken && taken[member]))
                                g_array_append_val(members, member);
                if (target->amount != FLEET_NAMED)
                        fleet_draw(target, members, random);
                for (guint k = 0; k < members->len; k++) {
                        guint member = g_array_index(members, guint, k);

                        seen[member] = true;
                        if (taken)
                                taken[member] = true;
                        g_array_append_val(all, member);
                }
        }

        g_array_sort(all, compare_numbers);
        *ret_members = g_steal_pointer(&all);
        return 0;
}
