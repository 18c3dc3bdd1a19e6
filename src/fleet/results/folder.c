/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a folder of results. */

#include "fleet/results/folder.h"

#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/unikernel-name.h"
#include "fleet/results/csv.h"

#define JSON_SIZE_MAX  (16 * 1024 * 1024)
#define CSV_SIZE_MAX   (256 * 1024 * 1024)
#define JSON_DEPTH_MAX 16 /* what is written has 4 */
#define FACTS_MAX      100

static void link_sum_free(gpointer data)
{
        FleetLinkSum *link = data;

        g_free(link->name);
        g_free(link);
}

__attribute__((format(printf, 2, 3))) static void results_note(
                FleetResults *results, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        g_ptr_array_add(results->notes, g_strdup_vprintf(format, ap));
        va_end(ap);
}

/* NULL, with a note if it is there and cannot be read, or should be there. */
static char *results_read_file(
                FleetResults *results, int dir, const char *name, size_t max, bool wanted, size_t *ret_size)
{
        char *text = NULL;
        int r = file_read_at(dir, name, max, &text, ret_size);

        if (r == -ENOENT && wanted)
                results_note(results, "%s is missing", name);
        else if (r == -E2BIG)
                results_note(results, "%s is larger than any that is written", name);
        else if (r < 0 && r != -ENOENT)
                results_note(results, "%s cannot be read: %s", name, g_strerror(-r));
        return r < 0 ? NULL : text;
}

/* The parser of json-glib descends as deep as the text does. */
static bool json_is_flat(const char *text, size_t size)
{
        unsigned depth = 0;
        bool quoted = false;

        for (size_t i = 0; i < size; i++) {
                if (quoted && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        quoted = !quoted;
                else if (!quoted && (text[i] == '{' || text[i] == '[') && ++depth > JSON_DEPTH_MAX)
                        return false;
                else if (!quoted && (text[i] == '}' || text[i] == ']') && depth > 0)
                        depth--;
        }

        return true;
}

static JsonObject *json_read(const char *text, size_t size)
{
        g_autoptr(JsonParser) parser = json_parser_new();
        JsonNode *root;

        if (!json_is_flat(text, size) || !json_parser_load_from_data(parser, text, (gssize) size, NULL))
                return NULL;
        root = json_parser_get_root(parser);
        return root && JSON_NODE_HOLDS_OBJECT(root) ? json_object_ref(json_node_get_object(root)) : NULL;
}

static JsonNode *json_value(JsonObject *object, const char *key)
{
        JsonNode *node = json_object_get_member(object, key);

        return node && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

static const char *json_string(JsonObject *object, const char *key)
{
        JsonNode *node = json_value(object, key);

        return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}

static bool json_boolean(JsonObject *object, const char *key)
{
        JsonNode *node = json_value(object, key);

        return node && json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
}

/* NAN if it is none. */
static double json_double(JsonObject *object, const char *key)
{
        JsonNode *node = json_value(object, key);
        GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;

        return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double(node) : NAN;
}

static JsonArray *json_list(JsonObject *object, const char *key)
{
        JsonNode *node = json_object_get_member(object, key);

        return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static JsonObject *json_at(JsonArray *array, guint i)
{
        JsonNode *node = json_array_get_element(array, i);

        return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* Of seconds, as far as they can be a time of a run; FLEET_NEVER if there are none. */
static int64_t usec_of(double seconds)
{
        return isfinite(seconds) && fabs(seconds) < 1e9 ? (int64_t) (seconds * G_USEC_PER_SEC) : FLEET_NEVER;
}

static double number_of(const char *text)
{
        char *end = NULL;
        double number = g_ascii_strtod(text, &end);

        return end == text || *end ? NAN : number;
}

static uint64_t count_of(const char *text)
{
        double number = number_of(text);

        return number >= 0 && number < 1e18 ? (uint64_t) number : 0;
}

/* The groups of a run: of its members, or of run.json alone. */
typedef struct GroupCounts {
        GPtrArray *names;  /* char *, in their order */
        GHashTable *count; /* name → how many members */
        guint members;
} GroupCounts;

static void group_counts_clear(GroupCounts *counts)
{
        g_ptr_array_unref(counts->names);
        g_hash_table_unref(counts->count);
}

static void group_counts_init(GroupCounts *counts)
{
        *counts = (GroupCounts){.names = g_ptr_array_new_with_free_func(g_free),
                        .count = g_hash_table_new(g_str_hash, g_str_equal)};
}

static bool group_counts_add(GroupCounts *counts, const char *name, guint n)
{
        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(counts->count, name));

        if (!name_is_valid(name) || n == 0 || n > FLEET_MEMBERS_MAX - counts->members)
                return false;
        if (before == 0)
                g_ptr_array_add(counts->names, g_strdup(name));
        for (guint i = 0; i < counts->names->len; i++)
                if (g_str_equal(counts->names->pdata[i], name))
                        g_hash_table_insert(counts->count, counts->names->pdata[i],
                                        GUINT_TO_POINTER(before + n));
        counts->members += n;
        return true;
}

static bool member_is_counted(const CsvReader *reader)
{
        return *csv_reader_field(reader, "name") && name_is_valid(csv_reader_field(reader, "group"));
}

static void results_count_members(FleetResults *results, const char *text, size_t size, GroupCounts *counts)
{
        _cleanup_csv_ CsvReader reader;
        guint wrong = 0;

        csv_reader_init(&reader, text, size);
        while (csv_reader_next(&reader))
                if (!member_is_counted(&reader) ||
                                !group_counts_add(counts, csv_reader_field(&reader, "group"), 1))
                        wrong++;
        if (wrong > 0)
                results_note(results, "members.csv has %u lines that are none of a member, or too many",
                                wrong);
}

static void results_count_groups(JsonObject *run, GroupCounts *counts)
{
        JsonArray *groups = run ? json_list(run, "Groups") : NULL;

        for (guint i = 0; groups && i < json_array_get_length(groups); i++) {
                JsonObject *group = json_at(groups, i);
                double count = group ? json_double(group, "Count") : 0;

                if (group && json_string(group, "Name") && count >= 1 && count <= FLEET_MEMBERS_MAX)
                        (void) group_counts_add(counts, json_string(group, "Name"), (guint) count);
        }
}

/* A plan of the same groups and members, by its parser. */
static int results_make_plan(FleetResults *results, const GroupCounts *counts)
{
        g_autoptr(GString) text = g_string_new("[Fleet]\nName=x\n");
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        for (guint i = 0; i < counts->names->len; i++)
                g_string_append_printf(text, "[Group %s]\nImage=/x\nCount=%u\n",
                                (char *) counts->names->pdata[i],
                                GPOINTER_TO_UINT(g_hash_table_lookup(
                                                counts->count, counts->names->pdata[i])));
        r = fleet_plan_parse("/x.fleet", text->str, text->len, &results->plan, &error);
        if (r >= 0)
                results->expansion = fleet_expansion_new(results->plan);
        return r;
}

static void set_text(char **field, const char *text)
{
        g_free(*field);
        *field = g_strdup(text);
}

static void results_take_run(FleetResults *results, JsonObject *run)
{
        FleetPlan *plan = results->plan;
        JsonArray *groups = json_list(run, "Groups");
        double tolerate = json_double(run, "Tolerate"), duration = json_double(run, "Duration");

        set_text(&plan->name, json_string(run, "Fleet") ?: "?");
        set_text(&plan->seed, json_string(run, "Seed") ?: "?");
        set_text(&plan->text, json_string(run, "Plan") ?: "");
        plan->tolerate = tolerate >= 0 && tolerate <= 100 ? tolerate : 0;
        plan->duration_usec = duration >= 0 && duration < 1e9 ? (uint64_t) usec_of(duration) : 0;
        results->success = json_boolean(run, "Success");
        for (guint i = 0; groups && i < json_array_get_length(groups); i++) {
                JsonObject *group = json_at(groups, i);
                const char *name = group ? json_string(group, "Name") : NULL;
                FleetGroup *one = name ? fleet_plan_find_group(plan, name) : NULL;

                if (one)
                        set_text(&one->image, json_string(group, "Image") ?: "");
        }
}

static void record_take_groups(FleetResults *results, JsonObject *run)
{
        JsonArray *groups = json_list(run, "Groups");
        GPtrArray *digests = results->record->digests;

        for (guint i = 0; i < results->plan->groups->len; i++) {
                const FleetGroup *group = results->plan->groups->pdata[i];
                const char *digest = NULL;

                for (guint k = 0; groups && k < json_array_get_length(groups) && !digest; k++) {
                        JsonObject *one = json_at(groups, k);

                        if (one && g_strcmp0(json_string(one, "Name"), group->name) == 0)
                                digest = json_string(one, "ImageDigest");
                }
                g_ptr_array_add(digests, g_strdup(digest ?: "unknown"));
        }
}

static void record_take_barriers(FleetResults *results, JsonObject *run)
{
        JsonArray *barriers = json_list(run, "Barriers");

        for (guint i = 0; barriers && i < MIN(json_array_get_length(barriers), FACTS_MAX); i++) {
                JsonObject *one = json_at(barriers, i);
                FleetBarrierRecord record = {};
                FleetBarrier *barrier;
                double passed, all;

                if (!one || !json_string(one, "Name"))
                        continue;
                barrier = g_new0(FleetBarrier, 1);
                barrier->name = g_strdup(json_string(one, "Name"));
                g_ptr_array_add(results->plan->barriers, barrier);
                passed = json_double(one, "Passed");
                all = json_double(one, "Members");
                record = (FleetBarrierRecord){.barrier = barrier,
                                .passed = passed >= 0 && passed < 1e6 ? (guint) passed : 0,
                                .all = all >= 0 && all < 1e6 ? (guint) all : 0,
                                .held = json_boolean(one, "Held"),
                                .began = usec_of(json_double(one, "Began")),
                                .ended = usec_of(json_double(one, "Ended"))};
                if (record.began == FLEET_NEVER || record.ended == FLEET_NEVER)
                        record.began = record.ended = 0;
                g_array_append_val(results->record->barriers, record);
        }
}

static void record_take_run(FleetResults *results, JsonObject *run)
{
        FleetRecord *record = results->record;
        JsonNode *host = json_object_get_member(run, "Host");
        double began = json_double(run, "Began"), left_out = json_double(run, "MetricsLeftOut");

        record->begun_realtime = began >= 0 && began < 1e17 ? (int64_t) began : 0;
        record->clock = usec_of(json_double(run, "Clock"));
        record->ended = usec_of(json_double(run, "Ended"));
        record->interrupted = json_boolean(run, "Interrupted");
        record->problem = g_strdup(json_string(run, "Problem"));
        record->metrics_left_out = left_out >= 0 && left_out < 1e18 ? (uint64_t) left_out : 0;
        record_take_groups(results, run);
        record_take_barriers(results, run);
        if (host && JSON_NODE_HOLDS_OBJECT(host)) {
                JsonObject *facts = json_node_get_object(host);
                g_autoptr(GList) keys = json_object_get_members(facts);

                for (GList *l = keys; l && record->facts->len < 2 * FACTS_MAX; l = l->next)
                        if (json_string(facts, l->data)) {
                                g_ptr_array_add(record->facts, g_strdup(l->data));
                                g_ptr_array_add(record->facts, g_strdup(json_string(facts, l->data)));
                        }
        }
}

static int64_t csv_time(const CsvReader *reader, const char *name)
{
        return usec_of(number_of(csv_reader_field(reader, name)));
}

static void record_take_member(FleetMemberRecord *member, const CsvReader *reader)
{
        FleetState state = fleet_state_from_bus(csv_reader_field(reader, "state"));
        int64_t latency;

        member->created = csv_time(reader, "created");
        member->called = csv_time(reader, "called");
        member->ready = csv_time(reader, "ready");
        member->ended = csv_time(reader, "ended");
        member->starts = (guint) MIN(count_of(csv_reader_field(reader, "starts")), G_MAXUINT32);
        member->state = (int) state < 0 ? FLEET_STATE_ABSENT : state;
        member->failed = g_str_equal(csv_reader_field(reader, "failed"), "yes");
        member->memory = count_of(csv_reader_field(reader, "memory"));
        member->current = (FleetUsage){
                        .cpu_usec = count_of(csv_reader_field(reader, "cpu_seconds")) * G_USEC_PER_SEC,
                        .received_bytes = count_of(csv_reader_field(reader, "received_bytes")),
                        .received_packets = count_of(csv_reader_field(reader, "received_packets")),
                        .sent_bytes = count_of(csv_reader_field(reader, "sent_bytes")),
                        .sent_packets = count_of(csv_reader_field(reader, "sent_packets"))};
        if (csv_time(reader, "cpu_seconds") != FLEET_NEVER)
                member->current.cpu_usec = (uint64_t) MAX(csv_time(reader, "cpu_seconds"), 0);
        member->exit_status = (int64_t) count_of(csv_reader_field(reader, "exit_status"));
        if (*csv_reader_field(reader, "result"))
                member->result = g_strdup(csv_reader_field(reader, "result"));
        if (*csv_reader_field(reader, "problem"))
                member->problem = g_strdup(csv_reader_field(reader, "problem"));
        if (member->called == FLEET_NEVER || member->ready == FLEET_NEVER || member->ready < member->called)
                return;
        latency = member->ready - member->called;
        g_array_append_val(member->latencies, latency);
}

static void record_take_members(FleetResults *results, const char *text, size_t size)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
        _cleanup_csv_ CsvReader reader;

        csv_reader_init(&reader, text, size);
        while (csv_reader_next(&reader)) {
                const FleetGroup *group =
                                member_is_counted(&reader)
                                                ? fleet_plan_find_group(results->plan,
                                                                  csv_reader_field(&reader, "group"))
                                                : NULL;
                guint n = GPOINTER_TO_UINT(g_hash_table_lookup(seen, group));
                FleetMember *member;

                if (!group || n >= group->count)
                        continue;
                g_hash_table_insert(seen, (gpointer) group, GUINT_TO_POINTER(n + 1));
                member = fleet_member_find(results->expansion, group, n);
                set_text(&member->name, csv_reader_field(&reader, "name"));
                record_take_member(&results->record->members[group->first + n], &reader);
        }
}

static GHashTable *results_number_members(const FleetResults *results)
{
        GHashTable *numbers = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < results->expansion->members->len; i++)
                g_hash_table_insert(numbers, fleet_member_at(results->expansion, i)->name,
                                GUINT_TO_POINTER(i + 1));
        return numbers;
}

static void record_take_metrics(FleetResults *results, const char *text, size_t size)
{
        g_autoptr(GHashTable) numbers = results_number_members(results);
        _cleanup_csv_ CsvReader reader;
        guint wrong = 0;

        csv_reader_init(&reader, text, size);
        while (csv_reader_next(&reader)) {
                guint number = GPOINTER_TO_UINT(
                                g_hash_table_lookup(numbers, csv_reader_field(&reader, "member")));
                int64_t usec = csv_time(&reader, "time");
                g_autofree char *line = g_strdup_printf("METRIC %s %s", csv_reader_field(&reader, "metric"),
                                csv_reader_field(&reader, "value"));

                if (number == 0 || usec == FLEET_NEVER ||
                                !fleet_record_add_metric(results->record, number - 1, usec, line))
                        wrong++;
        }
        if (wrong > 0)
                results_note(results, "metrics.csv has %u lines that are none of a member, or too many",
                                wrong);
}

static void record_take_states(FleetResults *results, const char *text, size_t size)
{
        _cleanup_csv_ CsvReader reader;

        csv_reader_init(&reader, text, size);
        while (csv_reader_next(&reader) && results->record->samples->len < FLEET_SAMPLES_MAX) {
                FleetSample sample = {.usec = csv_time(&reader, "time")};

                for (FleetState state = 0; state < _FLEET_STATE_MAX; state++)
                        sample.counts[state] = (guint) MIN(
                                        count_of(csv_reader_field(&reader, fleet_state_to_string(state))),
                                        FLEET_MEMBERS_MAX);
                if (sample.usec != FLEET_NEVER)
                        g_array_append_val(results->record->samples, sample);
        }
}

static void record_take_event(FleetResults *results, JsonObject *one)
{
        FleetEventRecord *event = g_new0(FleetEventRecord, 1);
        FleetVerb verb = fleet_verb_from_string(json_string(one, "verb") ?: "");
        int64_t clock = results->record->clock, began = usec_of(json_double(one, "began")),
                ended = usec_of(json_double(one, "ended")), planned = usec_of(json_double(one, "planned"));

        *event = (FleetEventRecord){.verb = (int) verb < 0 ? FLEET_EXECUTE : verb,
                        .cause = FLEET_CAUSE_EVENT,
                        .member = FLEET_NOBODY,
                        .who = g_strdup(json_string(one, "who") ?: "?"),
                        .planned = planned == FLEET_NEVER ? 0 : planned,
                        .began = began == FLEET_NEVER || clock == FLEET_NEVER ? FLEET_NEVER : began + clock,
                        .ended = ended == FLEET_NEVER || clock == FLEET_NEVER ? FLEET_NEVER : ended + clock,
                        .problem = g_strdup(json_string(one, "problem"))};
        g_ptr_array_add(results->record->events, event);
}

static void record_take_events(FleetResults *results, const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", FLEET_SCHEDULE_MAX + 1);
        guint wrong = 0;

        for (guint i = 0; lines[i] && i < FLEET_SCHEDULE_MAX; i++) {
                g_autoptr(JsonObject) one = *lines[i] ? json_read(lines[i], strlen(lines[i])) : NULL;

                if (one)
                        record_take_event(results, one);
                else
                        wrong += *lines[i] != '\0';
        }
        if (wrong > 0)
                results_note(results, "events.jsonl has %u lines that cannot be read", wrong);
}

static void results_take_links(FleetResults *results, const char *text, size_t size)
{
        _cleanup_csv_ CsvReader reader;

        csv_reader_init(&reader, text, size);
        for (guint i = 0; i < reader.head->len; i++) {
                FleetLinkSum *link;

                if (g_str_equal(reader.head->pdata[i], "from") || g_str_equal(reader.head->pdata[i], "to"))
                        continue;
                link = g_new0(FleetLinkSum, 1);
                link->name = g_strdup(reader.head->pdata[i]);
                g_ptr_array_add(results->links, link);
        }
        while (csv_reader_next(&reader))
                for (guint i = 0; i < results->links->len; i++) {
                        FleetLinkSum *link = results->links->pdata[i];

                        link->sum += (double) count_of(csv_reader_field(&reader, link->name));
                }
}

static FleetResults *results_new(const char *folder)
{
        FleetResults *results = g_new0(FleetResults, 1);

        *results = (FleetResults){.folder = g_strdup(folder),
                        .links = g_ptr_array_new_with_free_func(link_sum_free),
                        .notes = g_ptr_array_new_with_free_func(g_free)};
        return results;
}

void fleet_results_free(FleetResults *results)
{
        if (!results)
                return;

        fleet_record_free(results->record);
        fleet_expansion_free(results->expansion);
        fleet_plan_free(results->plan);
        g_ptr_array_unref(results->links);
        g_ptr_array_unref(results->notes);
        g_free(results->folder);
        g_free(results);
}

/* What is only as long as its last time. */
static void record_settle_end(FleetRecord *record)
{
        if (record->ended != FLEET_NEVER)
                return;

        record->ended = 0;
        for (guint i = 0; i < record->expansion->members->len; i++)
                record->ended = MAX(record->ended, MAX(record->members[i].ready, record->members[i].ended));
}

static void results_take_rest(FleetResults *results, int dir)
{
        g_autofree char *metrics = NULL, *states = NULL, *events = NULL, *links = NULL;
        size_t size = 0;

        states = results_read_file(results, dir, "states.csv", CSV_SIZE_MAX, false, &size);
        if (states)
                record_take_states(results, states, size);
        metrics = results_read_file(results, dir, "metrics.csv", CSV_SIZE_MAX, true, &size);
        if (metrics)
                record_take_metrics(results, metrics, size);
        events = results_read_file(results, dir, "events.jsonl", CSV_SIZE_MAX, true, &size);
        if (events)
                record_take_events(results, events);
        links = results_read_file(results, dir, "links.csv", CSV_SIZE_MAX, false, &size);
        if (links)
                results_take_links(results, links, size);
}

int fleet_results_read(const char *folder, FleetResults **ret_results, Error *ret_error)
{
        _cleanup_close_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_autoptr(FleetResults) results = results_new(folder);
        g_autofree char *run_text = NULL, *members = NULL;
        __attribute__((cleanup(group_counts_clear))) GroupCounts counts;
        g_autoptr(JsonObject) run = NULL;
        size_t run_size = 0, size = 0;

        group_counts_init(&counts);
        if (dir < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Cannot open the folder of results %s: %s; give one that shruthictl fleet "
                                "run "
                                "has written",
                                folder, g_strerror(errno));

        run_text = results_read_file(results, dir, "run.json", JSON_SIZE_MAX, true, &run_size);
        run = run_text ? json_read(run_text, run_size) : NULL;
        if (run_text && !run)
                results_note(results, "run.json is not as it is written");
        members = results_read_file(results, dir, "members.csv", CSV_SIZE_MAX, true, &size);
        if (members)
                results_count_members(results, members, size, &counts);
        if (counts.names->len == 0)
                results_count_groups(run, &counts);
        if (results_make_plan(results, &counts) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s has no results of a run (run.json, members.csv): give a folder that "
                                "shruthictl fleet run has written",
                                folder);

        if (run)
                results_take_run(results, run);
        results->record = fleet_record_new(results->expansion);
        results->record->ended = FLEET_NEVER;
        if (run)
                record_take_run(results, run);
        if (members)
                record_take_members(results, members, size);
        record_settle_end(results->record);
        results_take_rest(results, dir);

        *ret_results = g_steal_pointer(&results);
        return 0;
}
