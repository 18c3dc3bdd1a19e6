/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words for what a box does. */

#include "link/nat-behaviour.h"

#include <glib.h>
#include <string.h>

#include "common/string-util.h"
#include "common/time-span.h"

#define SHOWN_MAX 60 /* characters of a value in a message */

static const char *const dependence_table[] = {
                [NAT_ENDPOINT_INDEPENDENT] = "endpoint-independent",
                [NAT_ADDRESS_DEPENDENT] = "address-dependent",
                [NAT_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
};
DEFINE_STRING_TABLE(nat_dependence, NatDependence, dependence_table, _NAT_DEPENDENCE_MAX)

static int behaviour_refuse(const char *word, Error *ret_error, const char *way)
{
        g_autofree char *shown = text_for_display(word, SHOWN_MAX);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: %s", shown, way);
}

static int dependence_set(NatDependence *dependence, const char *value, Error *ret_error)
{
        NatDependence parsed = nat_dependence_from_string(value);

        if (parsed < 0)
                return behaviour_refuse(value, ret_error,
                                "write endpoint-independent, address-dependent or "
                                "address-and-port-dependent");
        *dependence = parsed;
        return 0;
}

int nat_behaviour_set(NatBehaviour *behaviour, const char *key, const char *value, Error *ret_error)
{
        if (g_str_equal(key, "mapping"))
                return dependence_set(&behaviour->mapping, value, ret_error);
        if (g_str_equal(key, "filtering"))
                return dependence_set(&behaviour->filtering, value, ret_error);
        if (g_str_equal(key, "ports")) {
                if (!g_str_equal(value, "preserve") && !g_str_equal(value, "random"))
                        return behaviour_refuse(value, ret_error, "write preserve or random");
                behaviour->random_ports = g_str_equal(value, "random");
                return 0;
        }
        if (g_str_equal(key, "hairpinning")) {
                if (!g_str_equal(value, "yes") && !g_str_equal(value, "no"))
                        return behaviour_refuse(value, ret_error, "write yes or no");
                behaviour->no_hairpinning = g_str_equal(value, "no");
                return 0;
        }
        if (g_str_equal(key, "timeout")) {
                uint64_t usec;

                if (strchr(value, ' ') || time_span_parse(value, &usec) < 0 || usec == 0 ||
                                usec > UINT64_C(24) * 3600 * G_USEC_PER_SEC)
                        return behaviour_refuse(
                                        value, ret_error, "not a time up to 24h: write such as 120s");
                behaviour->timeout_usec = usec;
                return 0;
        }
        return behaviour_refuse(key, ret_error,
                        "no property of a box: write mapping, filtering, ports, hairpinning or timeout");
}

char *nat_behaviour_format(const NatBehaviour *behaviour)
{
        g_autoptr(GString) out = g_string_new(NULL);
        g_autofree char *time = time_span_format(behaviour->timeout_usec ?: NAT_TIMEOUT_USEC);

        g_string_append_printf(out, "mapping=%s filtering=%s ports=%s hairpinning=%s timeout=",
                        nat_dependence_to_string(behaviour->mapping),
                        nat_dependence_to_string(behaviour->filtering),
                        behaviour->random_ports ? "random" : "preserve",
                        behaviour->no_hairpinning ? "no" : "yes");
        for (const char *p = time; *p; p++)
                if (*p != ' ')
                        g_string_append_c(out, *p);
        return g_string_free(g_steal_pointer(&out), FALSE);
}
