/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/plan/plan.h"

/* The members of a fleet and its schedule, as expand.h makes them of a plan. */

/* Of one link of a member; AF_UNSPEC where the network has no subnet of the family. */
typedef struct FleetAddresses {
        Address v4, v6;
} FleetAddresses;

typedef struct FleetMember {
        char *name; /* FLEET-GROUP-INDEX */
        const FleetGroup *group;
        guint index;               /* in its group */
        GArray *addresses;         /* FleetAddresses, for each link of its group */
        GPtrArray *settings;       /* FleetSetting, filled in */
        uint64_t memory;           /* Memory=; 0: the default of the host */
        const FleetRegion *region; /* NULL: it is in none */
        bool captured;
} FleetMember;

typedef enum FleetCause {
        FLEET_CAUSE_START, /* Start= of its group */
        FLEET_CAUSE_EVENT,
        FLEET_CAUSE_CHURN,
        _FLEET_CAUSE_MAX,
        _FLEET_CAUSE_INVALID = -EINVAL,
} FleetCause;

const char *fleet_cause_to_string(FleetCause cause); /* "start", "event", "churn" */

#define FLEET_NOBODY G_MAXUINT

/* One thing to do; the schedule is sorted by time. */
typedef struct FleetEntry {
        uint64_t usec; /* after the clock has begun */
        FleetVerb verb;
        FleetCause cause;
        guint member;          /* FLEET_NOBODY for FLEET_EXECUTE, and for what is about links */
        const GArray *members; /* guint: of FLEET_PARTITION and FLEET_HEAL; NULL: of all, or of no other verb
                                */
        const FleetAction *action; /* NULL if no [Event] says it */
} FleetEntry;

typedef struct FleetExpansion {
        const FleetPlan *plan; /* owned by the caller */
        GPtrArray *members;    /* FleetMember */
        GArray *schedule;      /* FleetEntry */
        guint n_left_out;      /* entries that would be later than Duration= */
        GPtrArray *drawn;      /* GArray: members of entries */
        GPtrArray *links;      /* FleetLinks (links.h): one for each network whose links are emulated */
} FleetExpansion;

/* All members of a plan, with nothing filled in. */
FleetExpansion *fleet_expansion_new(const FleetPlan *plan);

void fleet_expansion_free(FleetExpansion *expansion);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetExpansion, fleet_expansion_free)

FleetMember *fleet_member_at(const FleetExpansion *expansion, guint member);

/* The member of a group. */
FleetMember *fleet_member_find(const FleetExpansion *expansion, const FleetGroup *group, guint index);

/* The value of a setting; NULL if it is not given. */
const char *fleet_member_setting(const FleetMember *member, const char *key);

/* "10.0.0.2/24 fd00::2/64" of one link, as Address= takes it. Free with g_free(). */
char *fleet_member_address(const FleetMember *member, guint link);
