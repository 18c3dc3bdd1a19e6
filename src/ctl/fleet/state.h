/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/bus/client.h"

/* What is a fleet's. Its members say so themselves: Fleet= of their definitions, and names that begin with
 * FLEET-. Networks cannot, so a file for each fleet in the user's state folder
 * (~/.local/state/shruthi/fleets/NAME; of root, in root's home) names those that were made for it, each
 * before it is made. */

/* Claims the name and notes that the fleet is being made, of the plan at path; UNIKERNEL_EXISTS if it is
 * claimed already, also by another process at the same moment. */
int fleet_state_begin(const char *fleet, const char *plan_path, Error *ret_error);

/* Notes a network before it is made, and forgets one that could not be made. */
int fleet_state_add_network(const char *fleet, const char *network, Error *ret_error);
void fleet_state_forget_network(const char *fleet, const char *network);

/* All its members are made. */
int fleet_state_complete(const char *fleet, Error *ret_error);

/* The plan's path (NULL if it is not known), the networks, and whether the fleet was made to its end.
 * Returns 0 if there is no file, else 1. */
int fleet_state_read(const char *fleet, char **ret_plan, char ***ret_networks, bool *ret_complete,
                Error *ret_error);

void fleet_state_remove(const char *fleet);

/* The names of the fleets that have a file. Free with g_strfreev(). */
char **fleet_state_list(void);

/* A member that was found. */
typedef struct FleetFound {
        char *name, *fleet, *state;
        uid_t owner;
        GPtrArray *devices; /* char *: NAME, ADDRESSES, NAME, … of its network devices */
} FleetFound;

void fleet_found_free(gpointer data);

/* The fleet that an operand names: NAME, or the file of its plan, of the caller; USER:NAME of that user. */
int fleet_owned_name(const char *operand, uid_t *ret_owner, char **ret_name, Error *ret_error);

/* The members of a fleet (NULL: of all) that the caller owns or, for root, that anybody does. Elements
 * FleetFound, by name. */
int fleet_find_members(Ctl *ctl, const char *fleet, GPtrArray **ret_found, Error *ret_error);

/* Keeps those of one owner. Returns the owner of one that does not stay, or the same. */
uid_t fleet_found_keep(GPtrArray *found, uid_t owner);

/* There is none of that owner, but perhaps one of other. verb: "down", for what can be done about it. */
int fleet_refuse_owner(const char *fleet, const char *verb, uid_t owner, uid_t other, Error *ret_error);

/* Stops and removes all that is the fleet's of this owner, and nothing else; the networks are noted with
 * their owner only, so root does not remove those of another's fleet, but names them. A fleet that was
 * interrupted while it was made may still get members of calls under way, so that is waited for. Prints what
 * fails. ret_n (or NULL): how many members there were. Returns an exit status. */
int fleet_remove(Ctl *ctl, const char *fleet, uid_t owner, guint *ret_n, Error *ret_error);
