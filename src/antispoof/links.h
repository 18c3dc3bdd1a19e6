/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "antispoof/protocol.h"

/* The host's bridges and guests' taps, as rtnetlink(7) tells of them: which tap has lost its bridge. A tap
 * is QEMU's side of a guest's interface; libvirt makes it a port of a bridge, and nobody does that again
 * when the bridge goes and comes back. What other programs have as taps is known by other names
 * (protocol.h), and is none of these. Called by main.c. */

typedef struct Links Links;

typedef struct LinksNews {
        bool changed; /* taps have lost their bridge or found one, or one that they may wait for came */
        bool gone;    /* an interface by a name that may be held is no more */
} LinksNews;

/* Listens, and reads what there is. -EAFNOSUPPORT and the like where the kernel cannot be listened to. */
int links_open(Links **ret_links);
Links *links_free(Links *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Links, links_free)

/* To be polled for POLLIN, and heard then, at now (monotonic, in µs). */
int links_fd(const Links *links);
void links_hear(Links *links, int64_t now);

/* What has happened since it was last asked for. A tap whose guest has just ended loses its bridge before it
 * goes: what is lost is told only when it has stayed so for a moment, and next is when that will be
 * (INT64_MAX: never). */
LinksNews links_take_news(Links *links, int64_t now, int64_t *ret_next);

/* The taps that have no bridge and had one, or that had none already when we began. Free with
 * g_strfreev(). */
char **links_lost(const Links *links);

/* Makes the tap a port of the bridge, if it has none. *ret_put: it was none before. FAILED with why it
 * cannot be done. */
int links_put(Links *links, const AntispoofPort *port, bool *ret_put, Error *ret_error);

/* Messages as recv(2) gives them, pure: takes them in. */
Links *links_new(void);
int links_parse(Links *links, const void *data, size_t size, int64_t now);
