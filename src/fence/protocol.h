/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"
#include "common/containers.h"

/* What shruthi-fence is asked for, and what it answers. Requests are one message each:
 *
 *     hold UNIKERNEL MAC IPV4 IPV6 DEVICE     IPV4 and IPV6: an address, "any" or "none"
 *     check
 *     lost                                    which guests' taps have lost their bridge
 *     port INTERFACE BRIDGE [isolated]        puts one that has lost its bridge on that one
 *     watch                                   be told whenever others are lost, or could be put back
 *
 * Pure. Used by both sides. */

#define FENCE_REQUEST_MAX 512
#define FENCE_ANSWER_MAX  1024
#define FENCE_LOST_MAX    (64 * 1024) /* the answer to "lost"; what does not fit is told the next time */
#define FENCE_DEVICE_MAX  67 /* as of an image's manifest */

/* What all interfaces that are held begin with, and no other: one by such a name that nobody holds is cut
 * off altogether. */
#define FENCE_INTERFACE_PREFIX "shru"

/* What libvirt begins the names of others' taps with (VIR_NET_GENERATED_VNET_PREFIX of its
 * virnetdev.h). */
#define FENCE_LIBVIRT_PREFIX "vnet"

/* Whether a guest's tap may have that name. No other is put on a bridge, whoever asks: a tap of somebody's
 * own, such as a VPN's, is without one for a reason. */
bool fence_tap_name_is_valid(const char *name);

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
DEFINE_DESTROY(fence_hold)

/* The interface's name. It follows from all that is held, so that one name never stands for two of them:
 * who is held to something else sends from another interface. */
void fence_interface_name(const FenceHold *hold, char ret[static IF_NAMESIZE]);

/* "UNIKERNEL MAC IPV4 IPV6 DEVICE", in one spelling only. INVALID_ARGS, INVALID_NAME. Free with g_free() and
 * fence_hold_free(). */
char *fence_hold_format(const FenceHold *hold);
int fence_hold_parse(const char *text, FenceHold **ret_hold, Error *ret_error);

typedef enum FenceVerb {
        FENCE_HOLD,
        FENCE_CHECK,
        FENCE_LOST,
        FENCE_PORT,
        FENCE_WATCH,
        _FENCE_VERB_MAX,
        _FENCE_VERB_INVALID = -EINVAL,
} FenceVerb;

/* What a tap is to be a port of. */
typedef struct FencePort {
        char interface[IF_NAMESIZE];
        char bridge[IF_NAMESIZE];
        bool isolated; /* it hears no other port that is (bridge(8)) */
} FencePort;

typedef struct FenceRequest {
        FenceVerb verb;
        FenceHold *hold; /* NULL but for FENCE_HOLD */
        FencePort port;  /* for FENCE_PORT */
} FenceRequest;

void fence_request_clear(FenceRequest *request);
#define _cleanup_fence_request_ __attribute__((cleanup(fence_request_clear)))

/* In one spelling only. INVALID_ARGS, INVALID_NAME. */
char *fence_request_format(const FenceRequest *request);
int fence_request_parse(const char *data, size_t size, FenceRequest *ret_request, Error *ret_error);

/* "ok WORD" or "error SENTENCE". The word is the interface's name, or what "check" found. */
char *fence_answer_format(int r, const Error *error, const char *word);
int fence_answer_parse(const char *data, size_t size, char **ret_word, Error *ret_error);

/* The words for "check": all was there, or had to be made again for interfaces that there are. */
#define FENCE_WHOLE    "whole"
#define FENCE_RESTORED "restored"

/* The words for "port": it was put there, or was there already. */
#define FENCE_PUT   "put"
#define FENCE_THERE "there"

/* The word for "watch", after which FENCE_CHANGED comes as often as there is something to look at. */
#define FENCE_WATCHING "watching"
#define FENCE_CHANGED  "changed"

/* The answer to "lost": "ok" and the names. -EBADMSG, or FAILED with the other's sentence. Free with
 * g_strfreev(). */
char *fence_lost_format(char *const *names);
int fence_lost_parse(const char *data, size_t size, char ***ret_names, Error *ret_error);
