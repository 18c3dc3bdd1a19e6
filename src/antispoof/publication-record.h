/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/protocol.h"

/* The publications, in a file for each interface, so that the table can be made again. A record is new until
 * the guest's interface was seen: from then on it goes with that. */

/* Keeps them below the directory, which must exist. */
int publication_record_open(const char *directory, Error *ret_error);

int publication_record_write(const AntispoofPublication *publication, Error *ret_error);
void publication_record_remove(const char *interface);

/* Notes that its interface was there; and whether that was noted, or else it was written longer ago than
 * that many seconds. */
void publication_record_mark_seen(const char *interface);
bool publication_record_was_seen(const char *interface);
bool publication_record_is_older(const char *interface, unsigned sec);

/* Whether the twin of that unikernel leads, see publish_lead(). */
int publication_record_set_twin_leads(const char *unikernel, bool leads, Error *ret_error);
bool publication_record_twin_leads(const char *unikernel);

/* All of them. A file that is no record is left out. */
GPtrArray *publication_record_list(void);
