/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network filters that keep guests to their addresses, as libvirt writes them
 * (https://libvirt.org/formatnwfilter.html). Pure; knows no libvirt. */

/* What a guest may send of one family, always from its own MAC address. */
typedef enum FilterFamily {
        FILTER_NOTHING,
        FILTER_ANY, /* from whichever address */
        FILTER_OWN, /* from the address in the filter's parameter "IP", or "IPV6" and "LINK_LOCAL" */
        _FILTER_FAMILY_MAX,
} FilterFamily;

/* The name of the filter for that, the same for all guests. */
const char *filter_name(FilterFamily ipv4, FilterFamily ipv6);

/* Its XML. Free with g_free(). */
char *filter_format(FilterFamily ipv4, FilterFamily ipv6);
