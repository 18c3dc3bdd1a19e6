/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/keyfile.h"
#include "fleet/plan.h"

/* The parts of the parser of plans, for each other. */

typedef struct PlanParser {
        FleetPlan *plan;
        const KeyFile *key_file;
        Error *ret_error;
} PlanParser;

/* Each reads one section, whose type it is for. */
int plan_parse_group(PlanParser *parser, const KeyFileSection *section);
int plan_parse_event(PlanParser *parser, const KeyFileSection *section);
int plan_parse_churn(PlanParser *parser, const KeyFileSection *section);
int plan_parse_barrier(PlanParser *parser, const KeyFileSection *section);

/* Values that several keys take. */
int plan_parse_percent(const PlanParser *parser, const KeyFileEntry *entry, double *ret_percent);
int plan_parse_time(const PlanParser *parser, const KeyFileEntry *entry, uint64_t *ret_usec);
int plan_parse_group_name(const PlanParser *parser, const KeyFileEntry *entry, const FleetGroup **ret_group);

/* Whether it is a number, without a sign, an exponent and anything else behind it. */
bool plan_parse_number(const char *text, double *ret_number);

void fleet_group_free(gpointer data);
void fleet_action_free(gpointer data);
void fleet_barrier_free(gpointer data);

extern const char *const plan_group_keys[],
                *const plan_event_keys[], *const plan_churn_keys[], *const plan_barrier_keys[];

/* Whether users may write the setting in a group: all but those that the fleet itself gives. */
bool plan_is_setting(const char *key);
