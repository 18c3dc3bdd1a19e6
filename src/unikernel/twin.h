/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "unikernel/definition.h"

/* The twin of a unikernel, which a rolling update runs beside it for a while (name_of_twin() in
 * common/unikernel-name.h): the same guest with other addresses, which is started once and by nobody but
 * shruthid. Pure. */

/* Whether both may run at once and new connections can move from one to the other. NOT_SUPPORTED with the
 * reason: a port must be published, volumes must be read-only, and nothing may be given by hand of which
 * there can be only one, such as a MAC address or an address in the arguments. */
int twin_check(const Definition *definition, Error *ret_error);

/* The text of the twin's definition; definition, which twin_check() has passed, becomes the twin's. Free
 * with g_free(). */
char *twin_format(Definition *definition);
