/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Capture=, CaptureLink=, CaptureFilter=, CaptureLimit= and CaptureBytes= of [Fleet]. */

#include <string.h>

#include "common/size.h"
#include "common/string-util.h"
#include "fleet/plan/plan-private.h"
#include "link/packet-filter.h"

#define LIMIT_MIN (UINT64_C(64) * 1024)
#define LIMIT_MAX (UINT64_C(1024) * 1024 * 1024 * 1024)
#define BYTES_MIN 64
#define LINKS_MAX 32 /* lines; each is a capture of shruthi-switch */

void fleet_capture_link_free(gpointer data)
{
        FleetCaptureLink *link = data;

        g_free(link->name);
        g_free(link);
}

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
        if (g_str_equal(entry->key, "CaptureFilter")) {
                if (strlen(entry->value) > PACKET_FILTER_SOURCE_MAX)
                        return key_file_error(entry->path, entry->line, parser->ret_error,
                                        "CaptureFilter= is longer than %d bytes: write a shorter filter, "
                                        "and name members by Capture=",
                                        PACKET_FILTER_SOURCE_MAX);
                g_free(plan->capture_filter);
                plan->capture_filter = g_strdup(entry->value);
                plan->capture_filter_line = entry->line;
        }

        /* Members are known later: plan_check_capture(). */
        return 0;
}

static int capture_refuse_end(const PlanParser *parser, const KeyFileEntry *entry, const char *word)
{
        g_autofree char *shown = text_for_display(word, 40);

        return key_file_refuse(entry, parser->ret_error,
                        "'%s' is no member, group or region: write two of these of this plan, such as "
                        "'peer-0 server', or * for all members",
                        shown);
}

static int capture_parse_end(const PlanParser *parser, const KeyFileEntry *entry, const char *word,
                FleetCaptureEnd *ret_end)
{
        const FleetGroup *group;

        *ret_end = (FleetCaptureEnd){};
        if (!plan_parse_side(parser->plan, word, &ret_end->side)) {
                ret_end->one = true;
                if (!plan_parse_member(parser->plan, word, &ret_end->member))
                        return capture_refuse_end(parser, entry, word);
        }

        group = ret_end->one ? ret_end->member.group : ret_end->side.group;
        if (group && !plan_group_is_emulated(group))
                return key_file_refuse(entry, parser->ret_error,
                                "the members of %s are on no network with emulated links: write "
                                "Emulated=yes in its [Network NAME]",
                                group->name);
        return 0;
}

static int capture_parse_link(const PlanParser *parser, const KeyFileEntry *entry)
{
        g_autoptr(GPtrArray) words = plan_split_words(entry->value);
        GPtrArray *links = parser->plan->capture_links;
        FleetCaptureLink *link;
        int r;

        if (words->len != 2)
                return key_file_refuse(entry, parser->ret_error,
                                "write the two ends of the links, such as 'peer-0 server', or '* *' for "
                                "all");
        if (links->len == LINKS_MAX)
                return key_file_refuse(entry, parser->ret_error,
                                "more than %d lines CaptureLink=: name groups in them, or regions",
                                LINKS_MAX);

        link = g_new0(FleetCaptureLink, 1);
        g_ptr_array_add(links, link);
        for (guint i = 0; i < 2; i++) {
                r = capture_parse_end(parser, entry, words->pdata[i], &link->ends[i]);
                if (r < 0)
                        return r;
                if (g_str_equal(words->pdata[i], "*")) {
                        g_free(words->pdata[i]);
                        words->pdata[i] = g_strdup("all");
                }
        }
        link->name = g_strconcat(words->pdata[0], ".", words->pdata[1], NULL);
        for (guint i = 0; i + 1 < links->len; i++)
                if (g_str_equal(((const FleetCaptureLink *) links->pdata[i])->name, link->name))
                        return key_file_refuse(entry, parser->ret_error,
                                        "a line before it has these links: remove one");
        return 0;
}

int plan_check_capture(PlanParser *parser)
{
        const KeyFileSection *section = key_file_find_section(parser->key_file, "Fleet", NULL);

        for (guint i = 0; section && i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];
                bool of_links = g_str_equal(entry->key, "CaptureLink");
                int r = 0;

                if ((!of_links && !g_str_equal(entry->key, "Capture")) || !*entry->value)
                        continue;
                if (!fleet_plan_is_emulated(parser->plan))
                        return key_file_refuse(entry, parser->ret_error,
                                        "no network of the plan has emulated links, and only those are "
                                        "captured: "
                                        "write Emulated=yes in its [Network NAME]");
                if (of_links)
                        r = capture_parse_link(parser, entry);
                else if (g_str_equal(entry->value, "all"))
                        parser->plan->capture_all = true;
                else
                        r = plan_parse_targets(parser, entry, &parser->plan->capture);
                if (r < 0)
                        return r;
        }
        return 0;
}
