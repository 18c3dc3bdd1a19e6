/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Capture=, CaptureLimit= and CaptureBytes= of [Fleet]. */

#include "common/size.h"
#include "common/string-util.h"
#include "fleet/plan/plan-private.h"

#define LIMIT_MIN (UINT64_C(64) * 1024)
#define LIMIT_MAX (UINT64_C(1024) * 1024 * 1024 * 1024)
#define BYTES_MIN 64

int plan_parse_capture(PlanParser *parser, const KeyFileEntry *entry)
{
        FleetPlan *plan = parser->plan;

        if (g_str_equal(entry->key, "CaptureLimit") &&
                        (size_parse(entry->value, &plan->capture_limit) < 0 ||
                                        plan->capture_limit < LIMIT_MIN || plan->capture_limit > LIMIT_MAX))
                return key_file_refuse(entry, parser->ret_error,
                                "not a size of a file from 64K to 1T: write such as 100M");
        if (g_str_equal(entry->key, "CaptureBytes") &&
                        number_parse(entry->value, BYTES_MIN, FLEET_CAPTURE_BYTES_DEFAULT,
                                        &plan->capture_bytes) < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "write how many bytes of a frame are kept, from %d to %d", BYTES_MIN,
                                (int) FLEET_CAPTURE_BYTES_DEFAULT);

        /* Members are known later: plan_check_capture(). */
        return 0;
}

int plan_check_capture(PlanParser *parser)
{
        const KeyFileSection *section = key_file_find_section(parser->key_file, "Fleet", NULL);
        const KeyFileEntry *entry = section ? key_file_find_entry(section, "Capture") : NULL;

        if (!entry || !*entry->value)
                return 0;
        if (!fleet_plan_is_emulated(parser->plan))
                return key_file_refuse(entry, parser->ret_error,
                                "no network of the plan has emulated links, and only those are captured: "
                                "write Emulated=yes in its [Network NAME]");
        if (g_str_equal(entry->value, "all")) {
                parser->plan->capture_all = true;
                return 0;
        }

        return plan_parse_targets(parser, entry, &parser->plan->capture);
}
