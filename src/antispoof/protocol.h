/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/containers.h"
#include "common/names.h"
#include "common/published-port.h"

/* src/antispoof is the service that keeps guests to their addresses: its records, its nftables rules, and
 * the host's bridges. Of its files only this one and demand-protocol.h are used elsewhere, by
 * domain/host/antispoof-client.c, src/demand and src/switch.
 *
 * What shruthi-antispoof is asked for, and what it answers. Requests are one message each:
 *
 *     filter UNIKERNEL MAC IPV4 IPV6 DEVICE     IPV4 and IPV6: an address, "any" or "none"
 *     check
 *     lost                                    which guests' taps have lost their bridge
 *     port INTERFACE BRIDGE [isolated]        attaches one that has lost its bridge to that one
 *     tap INTERFACE BRIDGE [isolated] [in:RATE] [out:RATE]
 *                                           makes the tap of an interface that has a filter, a port of
 *                                           that bridge; its descriptor comes with the answer. RATE is in
 *                                           bytes a second, to the guest and from it
 *     publish INTERFACE BRIDGE IPV4 IPV6 UNIKERNEL PORT…
 *                                           have the host's ports lead to it; IPV4 and IPV6: its
 *                                           address with the network's prefix length, or "none"; PORT
 *                                           as in Publish=, before which may stand demand:SEC: they
 *                                           stay published while the guest is stopped
 *     withdraw INTERFACE                    and no longer
 *     only UNIKERNEL [INTERFACE…]           what else it has published to stay while it is stopped does
 *                                           not stay
 *     lead UNIKERNEL                        of it and its twin (name_of_twin()), which publish the same
 *                                           ports: new connections go to it
 *     connections UNIKERNEL                 how many connections through its ports are open
 *     links BRIDGE                          be told of the filtered taps that are isolated ports of that
 *                                           bridge, and given a packet socket of each
 *     watch                                 be told whenever others are lost, or could be attached again
 *     demand                                be told of traffic to guests that are stopped:
 *                                           demand-protocol.h
 *
 * Pure. Used by both sides. */

#define ANTISPOOF_REQUEST_MAX 4096
#define ANTISPOOF_ANSWER_MAX  1024
#define ANTISPOOF_LOST_MAX    (64 * 1024) /* the answer to "lost"; what does not fit is told the next time */
#define ANTISPOOF_DEVICE_MAX  67          /* as of an image's manifest */

/* What the names of all filtered interfaces begin with, and no other's: all that comes from an interface of
 * such a name which has no filter is dropped. */
#define ANTISPOOF_INTERFACE_PREFIX SHRUTHI_TAP_PREFIX

/* What libvirt begins the names of others' taps with (VIR_NET_GENERATED_VNET_PREFIX of its
 * virnetdev.h). */
#define ANTISPOOF_LIBVIRT_PREFIX "vnet"

/* Whether a guest's tap may have that name. No other is attached to a bridge, whoever asks: somebody
 * else's tap, such as a VPN's, is without one for a reason. */
bool antispoof_tap_name_is_valid(const char *name);

/* What a guest may send of one family. */
typedef struct AntispoofFamily {
        bool any;        /* from whichever address */
        Address address; /* else from this one, where it is set, else nothing */
} AntispoofFamily;

/* One interface of a guest, and what may come from it. */
typedef struct AntispoofFilter {
        char *unikernel;
        char *device;
        char mac[18]; /* lower case */
        AntispoofFamily ipv4, ipv6;
} AntispoofFilter;

void antispoof_filter_free(AntispoofFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AntispoofFilter, antispoof_filter_free)
DEFINE_DESTROY(antispoof_filter)

/* The interface's name. It follows from all of the filter, so that one name never stands for two filters: a
 * guest with another one sends from another interface. */
void antispoof_interface_name(const AntispoofFilter *filter, char ret[static IF_NAMESIZE]);

/* "UNIKERNEL MAC IPV4 IPV6 DEVICE", in one spelling only. INVALID_ARGS, INVALID_NAME. Free with g_free() and
 * antispoof_filter_free(). */
char *antispoof_filter_format(const AntispoofFilter *filter);
int antispoof_filter_parse(const char *text, AntispoofFilter **ret_filter, Error *ret_error);

/* The ports of the host that lead to one interface of a guest, which has a filter. */
typedef struct AntispoofPublication {
        char interface[IF_NAMESIZE];
        char bridge[IF_NAMESIZE];
        Address address4, address6; /* of the guest, with the prefix length of its network; or not set */
        char *unikernel;
        bool demand;       /* they stay while the guest is stopped, and what comes is held (demand.h) */
        unsigned idle_sec; /* it is idle without a connection for so long; 0: never */
        GArray *ports; /* PublishedPort, one at least */
        bool standby;  /* its ports lead to its twin; set by publish.c, and not in the text */
} AntispoofPublication;

void antispoof_publication_free(AntispoofPublication *publication);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AntispoofPublication, antispoof_publication_free)
DEFINE_DESTROY(antispoof_publication)

/* What stands behind "publish", in one spelling only. INVALID_ARGS, INVALID_NAME. */
char *antispoof_publication_format(const AntispoofPublication *publication);
int antispoof_publication_parse(const char *text, AntispoofPublication **ret_publication, Error *ret_error);

typedef enum AntispoofVerb {
        ANTISPOOF_FILTER,
        ANTISPOOF_CHECK,
        ANTISPOOF_PUBLISH,
        ANTISPOOF_WITHDRAW,
        ANTISPOOF_LEAD,
        ANTISPOOF_CONNECTIONS,
        ANTISPOOF_ONLY,
        ANTISPOOF_LOST,
        ANTISPOOF_PORT,
        ANTISPOOF_TAP,
        ANTISPOOF_LINKS,
        ANTISPOOF_WATCH,
        ANTISPOOF_DEMAND,
        _ANTISPOOF_VERB_MAX,
        _ANTISPOOF_VERB_INVALID = -EINVAL,
} AntispoofVerb;

/* What a tap is to be a port of. */
typedef struct AntispoofPort {
        char interface[IF_NAMESIZE];
        char bridge[IF_NAMESIZE];
        bool isolated; /* it hears no other port that is (bridge(8)) */
} AntispoofPort;

/* A tap to be made. */
typedef struct AntispoofTap {
        AntispoofPort port;
        uint64_t rate_in, rate_out; /* bytes a second to and from the guest; 0: no limit */
} AntispoofTap;

typedef struct AntispoofRequest {
        AntispoofVerb verb;
        AntispoofFilter *filter; /* NULL but for ANTISPOOF_FILTER */
        AntispoofPublication *publication; /* NULL but for ANTISPOOF_PUBLISH */
        AntispoofPort port; /* for ANTISPOOF_PORT; of ANTISPOOF_WITHDRAW only the interface, of
                             * ANTISPOOF_LINKS only the bridge */
        AntispoofTap tap;                  /* for ANTISPOOF_TAP */
        char *unikernel;   /* NULL but for ANTISPOOF_LEAD, ANTISPOOF_CONNECTIONS and ANTISPOOF_ONLY */
        char **interfaces; /* NULL but for ANTISPOOF_ONLY */
} AntispoofRequest;

void antispoof_request_clear(AntispoofRequest *request);
#define _cleanup_antispoof_request_ __attribute__((cleanup(antispoof_request_clear)))

/* In one spelling only. INVALID_ARGS, INVALID_NAME. */
char *antispoof_request_format(const AntispoofRequest *request);
int antispoof_request_parse(const char *data, size_t size, AntispoofRequest *ret_request, Error *ret_error);

/* "ok WORD" or "error SENTENCE", which is "taken SENTENCE" of ADDRESS_IN_USE. The word is the interface's
 * name, what "check" found, the number of connections, or the MTU of a tap. */
char *antispoof_answer_format(int r, const Error *error, const char *word);
int antispoof_answer_parse(const char *data, size_t size, char **ret_word, Error *ret_error);

/* The words for "check": all was there, or had to be made again for interfaces that there are. */
#define ANTISPOOF_WHOLE    "whole"
#define ANTISPOOF_RESTORED "restored"

/* The word for "publish", "withdraw", "lead" and "only". */
#define ANTISPOOF_DONE "done"

/* The words for "port": it was attached, or was so already. */
#define ANTISPOOF_ATTACHED "put"
#define ANTISPOOF_THERE    "there"

/* What the kernel takes as the MTU of Ethernet (ETH_MIN_MTU, ETH_MAX_MTU). */
#define ANTISPOOF_MTU_MIN 68
#define ANTISPOOF_MTU_MAX 65535

/* Those of Bandwidth=. */
#define ANTISPOOF_RATE_MIN UINT64_C(1000)
#define ANTISPOOF_RATE_MAX UINT64_C(1000000000000)

/* The longest time for demand:SEC. */
#define ANTISPOOF_IDLE_SEC_MAX (366 * 24 * 60 * 60)

/* The word for "watch" and "demand"; after the former which ANTISPOOF_CHANGED comes as
 * often as there is something to look at. */
#define ANTISPOOF_WATCHING "watching"
#define ANTISPOOF_CHANGED  "changed"

/* What a client of "links" is sent, without another answer, or "error SENTENCE": "port INTERFACE FILTER",
 * FILTER as behind "filter", with the packet socket of that interface; and "gone INTERFACE", before that may
 * come again. Each frame on the socket has a header of virtio before it, of 10 bytes (PACKET_VNET_HDR of
 * packet(7)); what is sent goes to the guest, what is received comes from it, and before any filter. */
typedef struct AntispoofPortNews {
        char interface[IF_NAMESIZE];
        AntispoofFilter *filter; /* NULL: it is gone */
} AntispoofPortNews;

void antispoof_port_news_clear(AntispoofPortNews *news);
#define _cleanup_antispoof_port_news_ __attribute__((cleanup(antispoof_port_news_clear)))

/* -EBADMSG (FAILED), or FAILED with the other's sentence. filter NULL: it is gone. Free with g_free(). */
char *antispoof_port_news_format(const char *interface, const AntispoofFilter *filter);
int antispoof_port_news_parse(
                const char *data, size_t size, AntispoofPortNews *ret_news, Error *ret_error);

/* The answer to "lost": "ok" and the names. -EBADMSG, or FAILED with the other's sentence. Free with
 * g_strfreev(). */
char *antispoof_lost_format(char *const *names);
int antispoof_lost_parse(const char *data, size_t size, char ***ret_names, Error *ret_error);
