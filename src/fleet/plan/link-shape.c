/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shapes of several lines. */

#include "fleet/plan/link-shape.h"

#include <glib.h>

static int shape_set_jitter(Shape *shape, const char *value, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(value, " ", 2);
        int r;

        r = shape_set(shape, "distribution", words[0] && words[1] ? words[1] : "uniform", ret_error);
        if (r >= 0)
                r = shape_set(shape, "jitter", words[0] ?: "", ret_error);
        return r;
}

int fleet_shape_set(FleetShape *shape, const char *key, const char *value, Error *ret_error)
{
        Shape changed = shape->shape;
        int r;

        if (g_str_equal(key, "jitter"))
                r = shape_set_jitter(&changed, value, ret_error);
        else if (g_str_equal(key, "burst")) {
                g_autofree char *burst = g_strdelimit(g_strdup(value), " ", ':');

                r = shape_set(&changed, key, burst, ret_error);
        } else
                r = shape_set(&changed, key, value, ret_error);
        if (r < 0)
                return r;

        for (unsigned i = 0; shape_keys[i]; i++)
                if (g_str_equal(shape_keys[i], key) ||
                                (g_str_equal(key, "jitter") && g_str_equal(shape_keys[i], "distribution")))
                        shape->said |= 1u << i;
        shape->shape = changed;
        return 0;
}

void fleet_shape_merge(FleetShape *shape, const FleetShape *over)
{
        Shape *to = &shape->shape;
        const Shape *from = &over->shape;

        for (unsigned i = 0; shape_keys[i]; i++) {
                const char *key = shape_keys[i];

                if (!(over->said & 1u << i))
                        continue;
                if (g_str_equal(key, "latency"))
                        to->latency_usec = from->latency_usec;
                else if (g_str_equal(key, "jitter"))
                        to->jitter_usec = from->jitter_usec;
                else if (g_str_equal(key, "distribution"))
                        to->distribution = from->distribution;
                else if (g_str_equal(key, "order"))
                        to->free_order = from->free_order;
                else if (g_str_equal(key, "loss"))
                        to->loss = from->loss;
                else if (g_str_equal(key, "duplicate"))
                        to->duplicate = from->duplicate;
                else if (g_str_equal(key, "reorder"))
                        to->reorder = from->reorder;
                else if (g_str_equal(key, "corrupt"))
                        to->corrupt = from->corrupt;
                else if (g_str_equal(key, "rate"))
                        to->rate = from->rate;
                else if (g_str_equal(key, "queue"))
                        to->queue = from->queue;
                else {
                        to->burst_to_bad = from->burst_to_bad;
                        to->burst_to_good = from->burst_to_good;
                        to->burst_bad = from->burst_bad;
                        to->burst_good = from->burst_good;
                }
        }
        shape->said |= over->said;
}
