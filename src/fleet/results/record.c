/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happened in a run. */

#include "fleet/results/record.h"

#include <math.h>
#include <string.h>

#define METRIC_PREFIX   "METRIC "
#define METRIC_NAME_MAX 64
#define METRIC_MAX      1e300 /* sums, differences and axes of such values are finite still */

static const char *const fleet_state_table[_FLEET_STATE_MAX] = {
                [FLEET_STATE_ABSENT] = "absent",
                [FLEET_STATE_STOPPED] = "stopped",
                [FLEET_STATE_STARTING] = "starting",
                [FLEET_STATE_RUNNING] = "running",
                [FLEET_STATE_PAUSED] = "paused",
                [FLEET_STATE_FAILED] = "failed",
};

const char *fleet_state_to_string(FleetState state)
{
        return (unsigned) state < _FLEET_STATE_MAX ? fleet_state_table[state] : NULL;
}

FleetState fleet_state_from_bus(const char *text)
{
        if (g_str_equal(text, "stopping"))
                return FLEET_STATE_RUNNING;
        if (g_str_equal(text, "broken"))
                return FLEET_STATE_FAILED;
        for (FleetState state = FLEET_STATE_STOPPED; state < _FLEET_STATE_MAX; state++)
                if (g_str_equal(text, fleet_state_table[state]))
                        return state;

        return _FLEET_STATE_INVALID;
}

static void fleet_event_record_free(gpointer data)
{
        FleetEventRecord *event = data;

        g_free(event->who);
        g_free(event->problem);
        g_free(event);
}

FleetRecord *fleet_record_new(const FleetExpansion *expansion)
{
        FleetRecord *record = g_new0(FleetRecord, 1);

        *record = (FleetRecord){
                        .expansion = expansion,
                        .clock = FLEET_NEVER,
                        .members = g_new0(FleetMemberRecord, expansion->members->len),
                        .events = g_ptr_array_new_with_free_func(fleet_event_record_free),
                        .metrics = g_array_new(FALSE, FALSE, sizeof(FleetMetric)),
                        .metric_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        .barriers = g_array_new(FALSE, FALSE, sizeof(FleetBarrierRecord)),
                        .samples = g_array_new(FALSE, FALSE, sizeof(FleetSample)),
                        .hosts = g_array_new(FALSE, FALSE, sizeof(FleetHostSample)),
                        .groups = g_array_new(FALSE, FALSE, sizeof(FleetGroupSample)),
                        .digests = g_ptr_array_new_with_free_func(g_free),
                        .facts = g_ptr_array_new_with_free_func(g_free),
        };
        for (guint i = 0; i < expansion->members->len; i++)
                record->members[i] = (FleetMemberRecord){
                                .member = fleet_member_at(expansion, i),
                                .created = FLEET_NEVER,
                                .called = FLEET_NEVER,
                                .ready = FLEET_NEVER,
                                .ended = FLEET_NEVER,
                                .latencies = g_array_new(FALSE, FALSE, sizeof(int64_t)),
                };

        return record;
}

void fleet_record_free(FleetRecord *record)
{
        if (!record)
                return;

        for (guint i = 0; i < record->expansion->members->len; i++) {
                g_array_unref(record->members[i].latencies);
                g_free(record->members[i].result);
                g_free(record->members[i].problem);
        }
        g_free(record->members);
        g_ptr_array_unref(record->events);
        g_array_unref(record->metrics);
        g_hash_table_unref(record->metric_names);
        g_array_unref(record->barriers);
        g_array_unref(record->samples);
        g_array_unref(record->hosts);
        g_array_unref(record->groups);
        g_ptr_array_unref(record->digests);
        g_ptr_array_unref(record->facts);
        g_clear_pointer(&record->links, g_ptr_array_unref);
        g_free(record->problem);
        g_free(record);
}

void fleet_record_count(const FleetRecord *record, const FleetGroup *group,
                guint ret_counts[static _FLEET_STATE_MAX])
{
        memset(ret_counts, 0, sizeof(guint) * _FLEET_STATE_MAX);
        for (guint i = 0; i < record->expansion->members->len; i++)
                if (!group || record->members[i].member->group == group)
                        ret_counts[record->members[i].state]++;
}

void fleet_record_sample(FleetRecord *record, int64_t usec)
{
        FleetSample sample = {.usec = usec};
        const FleetSample *last = record->samples->len > 0 ? &g_array_index(record->samples, FleetSample,
                                                                             record->samples->len - 1)
                                                           : NULL;

        /* What was done is told of later than what has followed from it. */
        sample.usec = last ? MAX(usec, last->usec) : usec;
        fleet_record_count(record, NULL, sample.counts);
        if (last && memcmp(last->counts, sample.counts, sizeof sample.counts) == 0)
                return;

        if (record->samples->len >= FLEET_SAMPLES_MAX) {
                FleetSample *samples = (FleetSample *) (void *) record->samples->data;

                for (guint i = 0; i < record->samples->len / 2; i++)
                        samples[i] = samples[2 * i];
                g_array_set_size(record->samples, record->samples->len / 2);
        }
        g_array_append_val(record->samples, sample);
}

guint fleet_record_count_failed(const FleetRecord *record)
{
        guint n = 0;

        for (guint i = 0; i < record->expansion->members->len; i++)
                n += record->members[i].failed;

        return n;
}

bool fleet_record_event_failed(const FleetRecord *record, const FleetEventRecord *event)
{
        return event->problem && !event->cut &&
               (event->member == FLEET_NOBODY || !record->members[event->member].failed);
}

guint fleet_record_count_failed_events(const FleetRecord *record)
{
        guint n = 0;

        for (guint i = 0; i < record->events->len; i++)
                n += fleet_record_event_failed(record, record->events->pdata[i]);

        return n;
}

bool fleet_record_is_success(const FleetRecord *record)
{
        double allowed = record->expansion->members->len * record->expansion->plan->tolerate / 100;

        for (guint i = 0; i < record->barriers->len; i++)
                if (!g_array_index(record->barriers, FleetBarrierRecord, i).held)
                        return false;

        return !record->problem && !record->interrupted && fleet_record_count_failed_events(record) == 0 &&
               fleet_record_count_failed(record) <= allowed + 1e-9;
}

/* The current run is over. */
static void record_close_usage(FleetMemberRecord *member)
{
        FleetUsage *former = &member->former, *current = &member->current;

        former->cpu_usec += current->cpu_usec;
        former->received_bytes += current->received_bytes;
        former->received_packets += current->received_packets;
        former->sent_bytes += current->sent_bytes;
        former->sent_packets += current->sent_packets;
        *current = (FleetUsage){};
        member->memory_now = 0;
}

void fleet_record_started(FleetMemberRecord *member, int64_t latency)
{
        member->starts++;
        if (member->latencies->len < FLEET_LATENCIES_MAX)
                g_array_append_val(member->latencies, latency);
        record_close_usage(member);
}

void fleet_record_use(FleetMemberRecord *member, const FleetUsage *usage, uint64_t memory)
{
        if (usage->cpu_usec < member->current.cpu_usec)
                record_close_usage(member);
        member->current = *usage;
        member->memory = MAX(member->memory, memory);
        member->memory_now = memory;
}

/* The record's copy of a name; NULL if there are too many. */
static const char *record_metric_name(FleetRecord *record, const char *name)
{
        const char *known = g_hash_table_lookup(record->metric_names, name);
        char *copy;

        if (known || g_hash_table_size(record->metric_names) >= FLEET_METRIC_NAMES_MAX)
                return known;

        copy = g_strdup(name);
        g_hash_table_insert(record->metric_names, copy, copy);
        return copy;
}

bool fleet_record_add_metric(FleetRecord *record, guint member, int64_t usec, const char *line)
{
        FleetMetric metric = {.member = member, .usec = usec};
        guint max = MAX(FLEET_METRICS_MAX / record->expansion->members->len, FLEET_METRICS_MIN);
        g_autofree char *name = NULL, *number = NULL;
        const char *text;
        char *end = NULL;
        size_t length;

        if (!g_str_has_prefix(line, METRIC_PREFIX))
                return false;
        text = line + strlen(METRIC_PREFIX);
        length = strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._:-");
        if (length == 0 || length > METRIC_NAME_MAX || text[length] != ' ')
                return false;

        number = g_strstrip(g_strdup(text + length));
        metric.value = g_ascii_strtod(number, &end);
        if (end == number || *end || !isfinite(metric.value) || fabs(metric.value) > METRIC_MAX)
                return false;

        name = g_strndup(text, length);
        if (record->members[member].metrics < max)
                metric.name = record_metric_name(record, name);
        if (!metric.name) {
                record->metrics_left_out++;
                return false;
        }
        record->members[member].metrics++;
        g_array_append_val(record->metrics, metric);
        return true;
}
