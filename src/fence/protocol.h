/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"

/* What shruthi-fence is asked for, and what it answers. Requests are one message each:
 *
 *     hold UNIKERNEL MAC IPV4 IPV6 DEVICE     IPV4 and IPV6: an address, "any" or "none"
 *     check
 *
 * Pure. Used by both sides. */

#define FENCE_REQUEST_MAX 512
#define FENCE_ANSWER_MAX  1024
#define FENCE_DEVICE_MAX  67 /* as of an image's manifest */

/* What all interfaces that are held begin with, and no other: one by such a name that nobody holds is cut
 * off altogether. */
#define FENCE_INTERFACE_PREFIX "shru"

/* What a guest may send of one family. */
typedef struct FenceFamily {
        bool any;        /* from whichever address */
        Address address; /* else from this one, where it is set, else nothing */
} FenceFamily;

/* One interface of a guest, and what may come from it. */
typedef struct FenceHold {
        char *unikernel;
        char *device;
        char mac[18]; /* lower case */
        FenceFamily ipv4, ipv6;
} FenceHold;

void fence_hold_free(FenceHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FenceHold, fence_hold_free)

/* The interface's name. It follows from all that is held, so that one name never stands for two of them:
 * who is held to something else sends from another interface. */
void fence_interface_name(const FenceHold *hold, char ret[static IF_NAMESIZE]);

/* "UNIKERNEL MAC IPV4 IPV6 DEVICE", in one spelling only. INVALID_ARGS, INVALID_NAME. Free with g_free() and
 * fence_hold_free(). */
char *fence_hold_format(const FenceHold *hold);
int fence_hold_parse(const char *text, FenceHold **ret_hold, Error *ret_error);

/* A request; *ret_hold NULL: "check". */
char *fence_request_format(const FenceHold *hold);
int fence_request_parse(const char *data, size_t size, FenceHold **ret_hold, Error *ret_error);

/* "ok WORD" or "error SENTENCE". The word is the interface's name, or what "check" found. */
char *fence_answer_format(int r, const Error *error, const char *word);
int fence_answer_parse(const char *data, size_t size, char **ret_word, Error *ret_error);

/* The words for "check": all was there, or had to be made again for interfaces that there are. */
#define FENCE_WHOLE    "whole"
#define FENCE_RESTORED "restored"

/* fe80:: and the modified EUI-64 of a MAC address (RFC 4291, appendix A), which is what MirageOS makes. */
Address fence_link_local(const char *mac);
