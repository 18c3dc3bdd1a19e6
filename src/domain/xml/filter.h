/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network filters that restrict guests to their addresses, in libvirt's XML
 * (https://libvirt.org/formatnwfilter.html). Pure; knows no libvirt. */

/* What a guest may send in one address family, always from its own MAC address. */
typedef enum FilterFamily {
        FILTER_NOTHING,
        FILTER_ANY, /* from any address */
        FILTER_OWN, /* from the address in the filter parameter "IP", or "IPV6" and "LINK_LOCAL" */
        _FILTER_FAMILY_MAX,
} FilterFamily;

/* The name of the filter, the same for all guests. */
const char *filter_name(FilterFamily ipv4, FilterFamily ipv6);

/* The XML of the filter. Free with g_free(). */
char *filter_format(FilterFamily ipv4, FilterFamily ipv6);
