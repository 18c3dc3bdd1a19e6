/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"

/* Fields in braces in the settings of a group. Those of a fleet are filled in here, with what each member
 * is:
 *
 *   {index} {count} {group} {seed} {fleet} {COLUMN}
 *   {GROUP.INDEX.DEVICE.address} {GROUP.INDEX.DEVICE.ip} and address6, ip6
 *   {choose:GROUP,N} {choose6:GROUP,N} with GROUP or GROUP.DEVICE
 *
 * Everything else in braces is left as it is: in arguments shruthid fills it in (unikernel/placeholders.h).
 */

#define FLEET_VALUE_MAX (64 * 1024) /* bytes of a value with its fields filled in, but for the last field   \
                                     */

/* arguments: what is filled in is quoted for shruthid, as "{{" and "}}". INVALID_ARGS for a field whose
 * group, member or device is not there, and for a value that becomes too long. Free with g_free(). */
int fleet_fields_fill(const FleetExpansion *expansion, const FleetMember *member, const char *text,
                bool arguments, unsigned *n_choices, char **ret_text, Error *ret_error);
