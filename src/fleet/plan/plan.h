/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "common/containers.h"
#include "common/error.h"
#include "fleet/plan/link-shape.h"
#include "link/rules.h"

/* The layer fleet owns what a fleet is, in three rooms: plan/ reads its plan (here), expansion/ says what
 * the plan means in detail (expand.h), and results/ what has happened and what that looks like (record.h).
 * It starts nothing and makes no calls; shruthictl does (ctl/fleet). Pure, but for reading the files of a
 * plan.
 *
 * A plan is NAME.fleet as in shruthi.fleet(5), read strictly: every refusal names file, line and value and
 * what would be right. */

#define FLEET_PLAN_SUFFIX  ".fleet"
#define FLEET_MEMBERS_MAX  4096
#define FLEET_DURATION_MAX (UINT64_C(7) * 24 * 3600 * G_USEC_PER_SEC)
#define FLEET_SCHEDULE_MAX 100000
#define FLEET_SEED_MAX     64
#define FLEET_VALUES_MAX   (16 * 1024 * 1024) /* bytes of one CSV file, or of one topology */

#define FLEET_CAPTURE_LIMIT_DEFAULT (UINT64_C(100) * 1024 * 1024)
#define FLEET_CAPTURE_BYTES_DEFAULT UINT64_C(65535)

/* [Network NAME]: a network that is made for the fleet, or one that is there. */
typedef struct FleetNetwork {
        char *name;
        char *network, *bridge;  /* that is there; NULL both: it is made, as FLEET-NAME */
        char *mode;              /* nat, isolated, routed; NULL: nat */
        Subnet subnet4, subnet6; /* AF_UNSPEC if not stated */
        Address first4, first6;  /* of the members; AF_UNSPEC: the first of the subnet */
        bool emulated;           /* its links are: FleetPath, FleetMatrix, FleetTopology, FleetNat */
        bool not_emulated;       /* Emulated=no */
        unsigned line;
} FleetNetwork;

/* Network=DEVICE:NETWORK of a group. */
typedef struct FleetLink {
        char *device;
        const FleetNetwork *network; /* owned by the plan */
} FleetLink;

/* A setting of a definition, as it is, with its fields not filled in. */
typedef struct FleetSetting {
        char *key, *value;
        unsigned line;
} FleetSetting;

void fleet_setting_free(gpointer data);

/* [Group NAME]. */
typedef struct FleetGroup {
        char *name;
        char *image; /* absolute path, or digest */
        guint count;
        guint first;         /* the place of its first member among all */
        GPtrArray *settings; /* FleetSetting, in order */
        GPtrArray *links;    /* FleetLink, in order */
        GPtrArray *columns;  /* char *: fields of Values=; empty if there is none */
        GPtrArray *rows;     /* char **, one for each member */
        bool late;           /* it is started by the schedule, and not at the beginning */
        bool never;          /* Start=never: only by events */
        uint64_t start_usec; /* then, this long after the clock begins */
        double rate;         /* members started in a second; 0: no limit */
        unsigned line;
} FleetGroup;

typedef enum FleetVerb {
        FLEET_STOP,
        FLEET_KILL,
        FLEET_START,
        FLEET_RESTART,
        FLEET_PAUSE,
        FLEET_RESUME,
        FLEET_EXECUTE,
        FLEET_PARTITION, /* this and the next two are about links between members */
        FLEET_HEAL,
        FLEET_LINK,
        _FLEET_VERB_MAX,
        _FLEET_VERB_INVALID = -EINVAL,
} FleetVerb;

const char *fleet_verb_to_string(FleetVerb verb); /* "stop", …, "link" */
FleetVerb fleet_verb_from_string(const char *text);

static inline bool fleet_verb_is_of_links(FleetVerb verb)
{
        return verb == FLEET_PARTITION || verb == FLEET_HEAL || verb == FLEET_LINK;
}

typedef enum FleetAmount {
        FLEET_ALL,
        FLEET_COUNT,
        FLEET_PERCENT,
        FLEET_NAMED, /* member alone */
} FleetAmount;

/* Who a line means: "all of peer", "3 of peer", "10% of peer", "peer-7". */
typedef struct FleetTarget {
        FleetAmount amount;
        const FleetGroup *group;
        double number; /* count or percent */
        guint member;  /* its index in the group */
} FleetTarget;

/* [Region NAME]: members that are at one place. */
typedef struct FleetRegion {
        char *name;
        GArray *targets; /* FleetTarget */
        unsigned line;
} FleetRegion;

/* An end of links: a group, a region or, if both are NULL, everybody. */
typedef struct FleetSide {
        const FleetGroup *group;
        const FleetRegion *region;
} FleetSide;

typedef enum FleetPathChange {
        FLEET_PATH_SHAPED,  /* its values replace those that the links had before */
        FLEET_PATH_DIRECT,  /* no value is left */
        FLEET_PATH_BLOCKED, /* nothing passes, until a later line */
        FLEET_PATH_PLANNED, /* as without any event */
} FleetPathChange;

/* [Link A B], or Link=A B … of an event. */
typedef struct FleetPath {
        const FleetNetwork *network; /* NULL: each that is emulated */
        FleetSide from, to;
        bool both; /* directions */
        FleetPathChange change;
        FleetShape shape;
        unsigned line;
} FleetPath;

/* [Regions]: how far regions are from each other. */
typedef struct FleetMatrix {
        const FleetNetwork *network;
        GPtrArray *regions; /* const FleetRegion */
        double *rtt;        /* ms, regions->len rows and columns; NULL: there is no Matrix= */
        double jitter;      /* percent of the latency */
        ShapeDistribution distribution;
        unsigned line;
} FleetMatrix;

typedef enum FleetTopologyType {
        FLEET_TOPOLOGY_FULL,
        FLEET_TOPOLOGY_RING,
        FLEET_TOPOLOGY_STAR,
        FLEET_TOPOLOGY_K_REGULAR,
        FLEET_TOPOLOGY_SMALL_WORLD,
        FLEET_TOPOLOGY_SCALE_FREE,
        FLEET_TOPOLOGY_GML, /* of a file, also GraphML */
        _FLEET_TOPOLOGY_MAX,
        _FLEET_TOPOLOGY_INVALID = -EINVAL,
} FleetTopologyType;

const char *fleet_topology_type_to_string(FleetTopologyType type); /* "full", …, "gml" */
FleetTopologyType fleet_topology_type_from_string(const char *text);

/* [Topology NETWORK]: which of its members have a link. */
typedef struct FleetTopology {
        const FleetNetwork *network;
        FleetTopologyType type;
        guint degree;             /* 0: the default of the type */
        double rewire;            /* percent */
        bool centred;             /* Centre= is given */
        FleetTarget centre;       /* one member */
        struct FleetGraph *graph; /* of FLEET_TOPOLOGY_GML */
        char *column;             /* of Values=: the node of a member; NULL: in turn */
        unsigned line;
} FleetTopology;

/* [NAT NAME]. */
typedef struct FleetNat {
        char *name;
        const FleetNetwork *network;
        GArray *targets; /* FleetTarget */
        NatBehaviour behaviour;
        bool each; /* a box for each member; else one for all */
        Address first;
        unsigned line;
} FleetNat;

/* One line of an [Event TIME]. */
typedef struct FleetAction {
        uint64_t usec;
        FleetVerb verb;
        GArray *targets; /* FleetTarget; NULL for FLEET_EXECUTE, FLEET_LINK, and FLEET_HEAL of all */
        char **command;  /* of FLEET_EXECUTE */
        FleetPath *path; /* of FLEET_LINK */
        char *text;      /* the value, for people */
        unsigned line;
} FleetAction;

/* An end of links that are captured: a member, or as a side. */
typedef struct FleetCaptureEnd {
        bool one;
        FleetTarget member; /* if one */
        FleetSide side;     /* else */
} FleetCaptureEnd;

/* CaptureLink=A B: the links between them, of each network. */
typedef struct FleetCaptureLink {
        FleetCaptureEnd ends[2];
        char *name; /* "A.B", of its file */
} FleetCaptureLink;

typedef enum FleetDistribution {
        FLEET_FIXED,       /* a */
        FLEET_UNIFORM,     /* a to b */
        FLEET_EXPONENTIAL, /* mean a */
        FLEET_WEIBULL,     /* scale a, shape b */
        FLEET_PARETO,      /* least a, shape b */
        _FLEET_DISTRIBUTION_MAX,
        _FLEET_DISTRIBUTION_INVALID = -EINVAL,
} FleetDistribution;

const char *fleet_distribution_to_string(FleetDistribution distribution);
FleetDistribution fleet_distribution_from_string(const char *text);

typedef struct FleetLength {
        FleetDistribution distribution;
        double a, b; /* seconds; the shape is a number */
} FleetLength;

/* [Churn GROUP]: each of its members leaves and comes back. */
typedef struct FleetChurn {
        const FleetGroup *group;
        FleetLength session, absence;
        uint64_t from_usec, until_usec;
} FleetChurn;

/* [Barrier NAME]: what must hold before the clock begins. */
typedef struct FleetBarrier {
        char *name;
        const FleetGroup *group; /* NULL: all members that are started at the beginning */
        char *console;           /* a regular expression; NULL: readiness */
        double share;            /* percent that is enough */
        uint64_t timeout_usec;
} FleetBarrier;

typedef struct FleetPlan {
        char *path, *directory;
        char *text; /* as read */
        char *name, *seed;
        uint64_t duration_usec;
        double tolerate;       /* percent of the members that may fail */
        GPtrArray *networks;   /* FleetNetwork */
        GPtrArray *groups;     /* FleetGroup */
        GPtrArray *actions;    /* FleetAction, in the order of the file */
        GPtrArray *churns;     /* FleetChurn */
        GPtrArray *barriers;   /* FleetBarrier */
        GPtrArray *regions;    /* FleetRegion */
        GPtrArray *paths;      /* FleetPath, in the order of the file */
        GPtrArray *matrices;   /* FleetMatrix: one at most */
        GPtrArray *topologies; /* FleetTopology */
        GPtrArray *nats;       /* FleetNat */
        bool capture_all;
        GArray *capture; /* FleetTarget; NULL: nobody, unless capture_all */
        GPtrArray *capture_links; /* FleetCaptureLink */
        char *capture_filter;     /* in tcpdump's language, not compiled yet; NULL: there is none */
        unsigned capture_filter_line;
        uint64_t capture_limit, capture_bytes;
        guint n_members;
} FleetPlan;

/* Reads the plan at path, and the files that it names by Values=. */
int fleet_plan_load(const char *path, FleetPlan **ret_plan, Error *ret_error);

/* The same of a text; errors show path, and Values= is relative to its folder. */
int fleet_plan_parse(
                const char *path, const char *text, size_t size, FleetPlan **ret_plan, Error *ret_error);

void fleet_plan_free(FleetPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetPlan, fleet_plan_free)

FleetGroup *fleet_plan_find_group(const FleetPlan *plan, const char *name);
FleetNetwork *fleet_plan_find_network(const FleetPlan *plan, const char *name);
FleetRegion *fleet_plan_find_region(const FleetPlan *plan, const char *name);

/* Whether the links of any network are emulated. */
bool fleet_plan_is_emulated(const FleetPlan *plan);

/* "FLEET-NETWORK". Free with g_free(). */
char *fleet_network_host_name(const FleetPlan *plan, const FleetNetwork *network);

/* The keys of each section of a plan but the settings of a definition, for the test of the manual page: type
 * and keys, terminated by NULL; the last has type NULL. */
typedef struct FleetSectionKeys {
        const char *type;
        const char *const *keys;
} FleetSectionKeys;
extern const FleetSectionKeys fleet_section_keys[];
