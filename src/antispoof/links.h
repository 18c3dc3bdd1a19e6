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
 * (protocol.h), and is none of these. Called by main.c and tap.c. */

typedef struct Links Links;

typedef struct LinksNews {
        bool changed; /* taps have lost or found a bridge, or one came that they may wait for */
        bool gone;    /* an interface that may have been filtered is no more */
        bool came;    /* such an interface is there, or a bridge has come up */
        bool ports;   /* a tap is a port of another bridge, isolated or no longer, or none any more */
} LinksNews;

/* Listens, and reads what there is. -EAFNOSUPPORT and the like where the kernel cannot be listened to. */
int links_open(Links **ret_links);
Links *links_free(Links *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Links, links_free)

/* To be polled for POLLIN, and heard then, at now (monotonic, in µs). */
int links_fd(const Links *links);
void links_hear(Links *links, int64_t now);

/* What has happened since the last call. A tap whose guest has just ended loses its bridge before it goes: a
 * loss is reported only when it has lasted for a moment, and next is when that will be (INT64_MAX: never).
 */
LinksNews links_fetch_news(Links *links, int64_t now, int64_t *ret_next);

/* The taps that have no bridge and had one, or that had none already when we began. Free with
 * g_strfreev(). */
char **links_lost(const Links *links);

/* A tap that is an isolated port of a bridge: the kernel forwards nothing from it to others that are. */
typedef struct LinksPort {
        int index;
        char name[IF_NAMESIZE];
} LinksPort;

/* Those of the bridge, if there is one by that name. */
GArray *links_isolated_ports(const Links *links, const char *bridge);

/* Makes the tap a port of the bridge, if it has no bridge. *ret_attached: it had none. FAILED with why it
 * cannot be done. */
int links_attach(Links *links, const AntispoofPort *port, bool *ret_attached, Error *ret_error);

/* The bridge's index, and its MTU. FAILED where there is none by that name. */
int links_find_bridge(
                const Links *links, const char *name, int *ret_index, unsigned *ret_mtu, Error *ret_error);

/* Takes in messages as recv(2) gives them; pure. */
Links *links_new(void);
int links_parse(Links *links, const void *data, size_t size, int64_t now);
