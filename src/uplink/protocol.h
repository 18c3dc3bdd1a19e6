/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/address.h"
#include "common/published-port.h"

/* What shruthi-domain asks of shruthi-uplink: the network of one device of a user's own unikernel. One
 * message of text, with a socket of datagrams: the host's end of the device, from which frames are read and
 * to which they are written. One answer: UPLINK_DONE, or the sentence that says why not. */

#define UPLINK_SOCKET   "uplink"
#define UPLINK_DONE     "done"
#define UPLINK_TEXT_MAX 4096
#define UPLINK_MTU      1500

/* The devices of a unikernel, each in a subnet of its own that is numbered from 0. */
#define UPLINK_DEVICES_MAX 64

typedef struct UplinkRequest {
        char *unikernel, *device;
        unsigned number;
        GArray *ports; /* PublishedPort */
} UplinkRequest;

void uplink_request_clear(UplinkRequest *request);
#define _cleanup_uplink_request_ __attribute__((cleanup(uplink_request_clear)))

/* Free with g_free(). Pure. */
char *uplink_request_format(const UplinkRequest *request);

/* Parses text of unknown origin: -EBADMSG. Pure. */
int uplink_request_parse(const char *text, UplinkRequest *ret);

/* The guest's address in that subnet, which no other network of the host need know of, and those of its
 * router and its DNS server, and of the station from which it is checked (station.h). Pure. */
Address uplink_address(unsigned number);
Address uplink_gateway(unsigned number);
Address uplink_dns(unsigned number);
Address uplink_station(unsigned number);

/* The station's socket, among the uplinks' files. Free with g_free(). Pure. */
char *uplink_station_name(const char *unikernel, unsigned number);
