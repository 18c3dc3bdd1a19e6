/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/keyfile.h"
#include "fleet/plan/plan.h"

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
int plan_parse_link(PlanParser *parser, const KeyFileSection *section);
int plan_parse_region(PlanParser *parser, const KeyFileSection *section);
int plan_parse_regions(PlanParser *parser, const KeyFileSection *section);
int plan_parse_topology(PlanParser *parser, const KeyFileSection *section);
int plan_parse_nat(PlanParser *parser, const KeyFileSection *section);

/* Values that several keys take. */
int plan_parse_percent(const PlanParser *parser, const KeyFileEntry *entry, double *ret_percent);
int plan_parse_time(const PlanParser *parser, const KeyFileEntry *entry, uint64_t *ret_usec);
int plan_parse_group_name(const PlanParser *parser, const KeyFileEntry *entry, const FleetGroup **ret_group);

/* Members as events name them, with or without commas between; elements FleetTarget. */
int plan_parse_targets(const PlanParser *parser, const KeyFileEntry *entry, GArray **ret_targets);

/* Of these: "GROUP-INDEX", a group or region or "*", and words between spaces. */
bool plan_parse_member(const FleetPlan *plan, const char *text, FleetTarget *ret_target);
bool plan_parse_side(const FleetPlan *plan, const char *word, FleetSide *ret_side);
GPtrArray *plan_split_words(const char *text);

/* Whether any of its networks has emulated links. */
bool plan_group_is_emulated(const FleetGroup *group);

/* "A B latency=200ms …" of an event. */
int plan_parse_path(const PlanParser *parser, const KeyFileEntry *entry, FleetPath **ret_path);

/* The network that a section is about, by its Network= or because there is no other. It is emulated from
 * then on. */
int plan_parse_emulated(PlanParser *parser, const KeyFileSection *section, const FleetNetwork **ret_network);

/* The same for a network that is known. */
int plan_emulate(PlanParser *parser, const KeyFileSection *section, FleetNetwork *network);

/* Capture… of [Fleet]: the members are known only when all else is read. */
int plan_parse_capture(PlanParser *parser, const KeyFileEntry *entry);
int plan_check_capture(PlanParser *parser);

/* The file at a path that is relative to the plan. */
int plan_read_file(const PlanParser *parser, const KeyFileEntry *entry, char **ret_path, char **ret_text,
                size_t *ret_size);

/* Whether it is a number, without a sign, an exponent and anything else behind it. */
bool plan_parse_number(const char *text, double *ret_number);

void fleet_group_free(gpointer data);
void fleet_action_free(gpointer data);
void fleet_barrier_free(gpointer data);
void fleet_capture_link_free(gpointer data);

void fleet_region_free(gpointer data);
void fleet_matrix_free(gpointer data);
void fleet_topology_free(gpointer data);
void fleet_nat_free(gpointer data);

extern const char *const plan_group_keys[];
extern const char *const plan_event_keys[];
extern const char *const plan_churn_keys[];
extern const char *const plan_barrier_keys[];
extern const char *const plan_link_keys[];
extern const char *const plan_region_keys[];
extern const char *const plan_regions_keys[];
extern const char *const plan_topology_keys[];
extern const char *const plan_nat_keys[];

/* Whether users may write the setting in a group: all but those that the fleet itself gives. */
bool plan_is_setting(const char *key);
