/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules of emulated links. */

#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "link/fate.h"
#include "link/rules.h"

#define SHAPES_LOOKED_AT 8

static void fuzz_shape(const Shape *shape)
{
        g_autofree char *text = shape_format(shape);
        const LinkKey key = {{1, 2}};
        LinkState state = {};
        Shape again;

        if (!shape->blocked &&
                        (shape_parse(text, &again, NULL) < 0 || memcmp(shape, &again, sizeof again) != 0))
                abort();
        for (uint64_t n = 0; n < 4; n++) {
                const uint64_t now = UINT64_C(1) << 60;
                Fate fate;

                fate_decide(shape, &key, &state, n, 65549, now, &fate);
                if (fate.packet.end == FATE_DELIVERED && fate.packet.due_nsec < now)
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Rules) rules = NULL;
        unsigned line = 0;

        if (rules_parse((const char *) data, size, &rules, &line, &error) < 0) {
                if (!error.message || line == 0 || !g_utf8_validate(error.message, -1, NULL))
                        abort();
                return 0;
        }
        for (uint32_t i = 0; i < MIN(rules->n_shapes, SHAPES_LOOKED_AT); i++)
                fuzz_shape(&rules->shapes[i]);
        for (guint i = 0; i < MIN(rules->members->len, SHAPES_LOOKED_AT); i++) {
                const char *name = g_array_index(rules->members, RulesMember, i).name;

                if (rules_find_member(rules, name) != i || !rules_shape(rules, i, 0) ||
                                !rules_shape(rules, RULES_NONE, i))
                        abort();
        }
        return 0;
}
