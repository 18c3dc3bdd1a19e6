/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks which units the definition being made may name, and how often it may be started. What the
 * definition already has may stay. Runs in the thread of a change.
 *
 * A user's definition may name the user's own unikernels, those of their groups, and units that an
 * administrator allows. It never stops or delays a unit of the host, allowed or not. And a user cannot
 * create a unikernel whose name other users' definitions already mention. */

#include <fnmatch.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "common/users.h"
#include "daemon/change/change-work-private.h"
#include "unikernel/order.h"

/* systemd's defaults if the definition does not set them (systemd-system.conf(5)), and how many starts per
 * second users may allow. */
#define START_LIMIT_INTERVAL_USEC (10 * G_USEC_PER_SEC)
#define START_LIMIT_BURST         5
#define STARTS_PER_SECOND_MAX     1

/* Another unikernel is allowed only by a pattern for unikernels. */
static bool order_unit_is_allowed(const Draft *draft, const char *unit)
{
        for (char **pattern = draft->conf->allowed_dependencies; *pattern; pattern++)
                if (fnmatch(*pattern, unit, 0) == 0 &&
                                (!g_str_has_prefix(unit, SHRUTHI_UNIT_PREFIX) ||
                                                g_str_has_prefix(*pattern, SHRUTHI_UNIT_PREFIX)))
                        return true;

        return false;
}

/* Keys that stop another unit, delay it, or keep it from being stopped. */
static bool order_key_reaches_out(OrderKey key)
{
        return key == ORDER_BEFORE || key == ORDER_CONFLICTS || key == ORDER_UPHOLDS;
}

/* Whether the caller may manage that unikernel too. 0 if not. */
static int order_is_callers(const Draft *draft, const char *name)
{
        const Call *call = draft->request->call;
        g_autoptr(Definition) other = NULL;

        return definition_load(name, &other, NULL) >= 0 &&
               (other->owner == call->uid ||
                               (other->group != GID_INVALID && call_in_group(call, other->group)));
}

static int draft_check_name(const Draft *draft, OrderKey key, const char *name)
{
        const char *word = order_key_to_string(key);
        g_autofree char *unit = order_name_unit(name);
        bool allowed;

        if (order_name_is_unikernel(name) && order_is_callers(draft, name))
                return 0;

        allowed = order_unit_is_allowed(draft, unit);
        if (allowed && !order_key_reaches_out(key))
                return 0;
        if (allowed)
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "%s=%s: only an administrator may stop, delay or keep up a unit of the "
                                "host's for a unikernel; AllowedDependencies= of shruthi.conf is for the "
                                "other keys",
                                word, name);
        if (order_name_is_unikernel(name))
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "%s=%s: there is no unikernel of that name that you own or that belongs to "
                                "one of your groups, and only an administrator may name others",
                                word, name);

        return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                        "%s=%s: only an administrator may name a unit that AllowedDependencies= of "
                        "shruthi.conf does not list",
                        word, name);
}

int draft_check_order(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        OrderKey key = (OrderKey) (setting - &setting_table[SETTING_REQUIRES]);
        g_auto(GStrv) names = order_names(draft->definition, key);
        int r = 0;

        if (draft_may_administer(draft))
                return 0;

        for (char **name = names; r >= 0 && *name; name++)
                if (!draft->old || !order_list_has(draft->old->order[key], *name))
                        r = draft_check_name(draft, key, *name);

        return r;
}

/* Definitions that mention the name may mean another unikernel: whoever reuses the name of a removed one
 * would be affected by their dependencies, or affect them. */
int draft_check_own_name(const Draft *draft)
{
        const ChangeRequest *request = draft->request;

        if (request->kind != CHANGE_CREATE || draft_may_administer(draft))
                return 0;

        for (guint i = 0; i < request->orders->len; i++) {
                const OrderNode *node = request->orders->pdata[i];

                if (node->owner == request->call->uid ||
                                (node->group != GID_INVALID && call_in_group(request->call, node->group)))
                        continue;
                for (OrderKey key = 0; key < _ORDER_KEY_MAX; key++)
                        if (order_list_has(node->lists[key], request->name))
                                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                                "'%s' of another user names '%s' in %s=: only an "
                                                "administrator may give it that name; choose another",
                                                node->name, request->name, order_key_to_string(key));
        }

        return 0;
}

/* Only this limit stops a loop of restarts, or of units that start each other. */
int draft_check_start_limit(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        const Definition *definition = draft->definition, *before = draft->old;
        uint64_t interval = START_LIMIT_INTERVAL_USEC, burst = START_LIMIT_BURST;

        if (draft_may_administer(draft) ||
                        (before &&
                                        g_strcmp0(before->start_limit_interval_sec,
                                                        definition->start_limit_interval_sec) == 0 &&
                                        g_strcmp0(before->start_limit_burst,
                                                        definition->start_limit_burst) == 0))
                return 0;

        if (definition->start_limit_interval_sec)
                (void) time_span_parse(definition->start_limit_interval_sec, &interval);
        if (definition->start_limit_burst)
                burst = g_ascii_strtoull(definition->start_limit_burst, NULL, 10);
        if (burst <= interval / G_USEC_PER_SEC * STARTS_PER_SECOND_MAX)
                return 0;

        return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                        "StartLimitBurst=%" G_GUINT64_FORMAT
                        " starts in StartLimitIntervalSec=%s are more than %d a "
                        "second, which only an administrator may allow",
                        burst, definition->start_limit_interval_sec ?: "10s", STARTS_PER_SECOND_MAX);
}

/* Whether its After= or Before= has changed. */
static bool draft_order_differs(const Draft *draft)
{
        for (OrderKey key = ORDER_AFTER; key <= ORDER_BEFORE; key++)
                if (draft->definition->order[key] &&
                                (!draft->old || g_strcmp0(draft->old->order[key],
                                                                draft->definition->order[key]) != 0))
                        return true;

        return false;
}

int draft_check_loops(const Draft *draft)
{
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        g_autofree char *loop = NULL;
        OrderNode *own;

        if (!draft_order_differs(draft))
                return 0;

        own = order_node_new(draft->definition);
        for (guint i = 0; i < draft->request->orders->len; i++)
                g_ptr_array_add(nodes, draft->request->orders->pdata[i]);
        g_ptr_array_add(nodes, own);
        loop = order_find_loop(nodes, own->name);
        order_node_free(own);
        if (!loop)
                return 0;

        return error_set(&draft->result->error, ERROR_INVALID_DEFINITION,
                        ORDER_LOOP_MESSAGE "; leave one of them out", loop);
}
