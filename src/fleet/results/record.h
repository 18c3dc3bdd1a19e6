/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"

/* The room results owns what happened in a run (here), and the files that it is written to and read from
 * again: filled in by shruthictl while it runs, written out by tables.h and report.h, compared by compare.h.
 * All times are microseconds after the run began (FLEET_NEVER: it did not happen), but those of the journal.
 */

#define FLEET_NEVER            INT64_MIN
#define FLEET_METRICS_MAX      2000000 /* of one run, shared equally among its members */
#define FLEET_METRICS_MIN      1000    /* of a member at least */
#define FLEET_METRIC_NAMES_MAX 1000
#define FLEET_LATENCIES_MAX    1000 /* of a member */
#define FLEET_SAMPLES_MAX      100000
#define FLEET_SERIES_MAX       200000 /* looks times groups */

typedef enum FleetState {
        FLEET_STATE_ABSENT, /* not created */
        FLEET_STATE_STOPPED,
        FLEET_STATE_STARTING,
        FLEET_STATE_RUNNING,
        FLEET_STATE_PAUSED,
        FLEET_STATE_FAILED,
        _FLEET_STATE_MAX,
        _FLEET_STATE_INVALID = -EINVAL,
} FleetState;

const char *fleet_state_to_string(FleetState state); /* "absent", "stopped", … */

/* From State of org.dream.Shruthi.Unikernel: "stopping" counts as running, "broken" as failed. */
FleetState fleet_state_from_bus(const char *text);

typedef struct FleetUsage {
        uint64_t cpu_usec, received_bytes, received_packets, sent_bytes, sent_packets;
} FleetUsage;

typedef struct FleetMemberRecord {
        const FleetMember *member;
        FleetState state;
        int64_t created, called, ready, ended; /* of the last start */
        guint starts;                          /* how many were answered */
        GArray *latencies;                     /* int64_t: from the call of each of them to its answer */
        char *result;                          /* as Result on the bus; NULL if it never ended */
        int64_t exit_status;
        FleetUsage former, current; /* of runs that are over, and of the current one */
        uint64_t memory;            /* the most that was seen */
        uint64_t memory_now;        /* at the last look, of the current run */
        guint metrics;              /* that were taken */
        bool failed;
        char *problem; /* the sentence; NULL if there is none */
} FleetMemberRecord;

typedef struct FleetEventRecord {
        FleetVerb verb;
        FleetCause cause;
        guint member; /* FLEET_NOBODY for FLEET_EXECUTE */
        char *who;    /* the member, or the command */
        int64_t planned, began, ended;
        char *problem; /* NULL: it was done */
        bool cut;      /* a program that the end of the run ended, which is no failure */
} FleetEventRecord;

typedef struct FleetMetric {
        guint member;
        int64_t usec;
        const char *name; /* owned by the record, the same pointer for the same name */
        double value;
} FleetMetric;

typedef struct FleetBarrierRecord {
        const FleetBarrier *barrier;
        guint passed, all;
        int64_t began, ended;
        bool held;
} FleetBarrierRecord;

/* How many members were in each state. */
typedef struct FleetSample {
        int64_t usec;
        guint counts[_FLEET_STATE_MAX];
} FleetSample;

/* What shruthi-switch says of one network at the end: fleet_record_add_links() of lateness.h. */
typedef struct FleetLinksRecord {
        const FleetNetwork *network;
        GPtrArray *summary; /* char *: KEY, VALUE, KEY, VALUE … */
        char *problem;      /* why there is none; NULL if there is one */
} FleetLinksRecord;

/* What the processors did, in the kernel's hundredths of a second. */
typedef struct FleetLoad {
        uint64_t busy, stolen, all; /* stolen: a host above this one had them */
} FleetLoad;

/* A look at the host: load is from the beginning of the clock on. */
typedef struct FleetHostSample {
        int64_t usec;
        FleetLoad load;
        double load_average; /* of the last minute, as getloadavg(3) has it */
        uint64_t memory_available;
} FleetHostSample;

/* At the same time, at the members of a group: what all of their runs have used, and the memory of those
 * that run. */
typedef struct FleetGroupSample {
        guint running;
        FleetUsage usage;
        uint64_t memory;
} FleetGroupSample;

typedef struct FleetRecord {
        const FleetExpansion *expansion;
        int64_t begun_realtime; /* µs since 1970 */
        int64_t clock, ended;
        FleetMemberRecord *members; /* as many as the expansion has */
        GPtrArray *events;          /* FleetEventRecord */
        GArray *metrics;            /* FleetMetric */
        GHashTable *metric_names;   /* char *: all of them */
        uint64_t metrics_left_out;  /* beyond the limits above */
        GArray *barriers;           /* FleetBarrierRecord */
        GArray *samples;            /* FleetSample */
        GArray *hosts;              /* FleetHostSample */
        GArray *groups;             /* FleetGroupSample: for each of hosts, one for each group of the plan */
        GPtrArray *digests;         /* char *: of the image of each group */
        GPtrArray *facts;           /* char *: KEY, VALUE, KEY, VALUE … of the host */
        GPtrArray *links;           /* FleetLinksRecord; NULL: no links were emulated */
        FleetLoad load;             /* from the beginning of the clock on */
        bool interrupted;
        char *problem; /* why the run ended before its time; NULL if it did not */
} FleetRecord;

FleetRecord *fleet_record_new(const FleetExpansion *expansion);
void fleet_record_free(FleetRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetRecord, fleet_record_free)

/* Adds one to the samples, if anything differs from the last. When there are too many, every second one
 * goes. */
void fleet_record_sample(FleetRecord *record, int64_t usec);

/* Counts the members in each state; group NULL: all. */
void fleet_record_count(const FleetRecord *record, const FleetGroup *group,
                guint ret_counts[static _FLEET_STATE_MAX]);

guint fleet_record_count_failed(const FleetRecord *record);

/* Whether an event has failed. One of a member that has failed is not counted: Tolerate= is about that. */
bool fleet_record_event_failed(const FleetRecord *record, const FleetEventRecord *event);
guint fleet_record_count_failed_events(const FleetRecord *record);

/* Whether not more members have failed than Tolerate= allows, no event has, all barriers held, and nothing
 * ended the run. */
bool fleet_record_is_success(const FleetRecord *record);

/* A start of the member was answered, so long after its call: what is counted from now on is of a new run.
 */
void fleet_record_started(FleetMemberRecord *member, int64_t latency);

/* Takes new counters of a running member; lower ones than before are of another run. */
void fleet_record_use(FleetMemberRecord *member, const FleetUsage *usage, uint64_t memory);

/* Reads "METRIC NAME VALUE" at the beginning of a line of a console: 1 to 64 letters, digits, '.', '_', '-'
 * and ':', and a number between -1e300 and 1e300. Adds it, within the limits: what is beyond them is
 * counted. */
bool fleet_record_add_metric(FleetRecord *record, guint member, int64_t usec, const char *line);
