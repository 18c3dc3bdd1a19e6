/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* src/filter is shruthi-filter, which compiles filters of captures by libpcap: "shruthi-filter -- FILTER",
 * executed by shruthictl. Standard output has the program as packet_filter_parse() (link/packet-filter.h)
 * takes it, or standard error the reason for which there is none. */

#define FILTER_PROGRAM "shruthi-filter"

/* Its exit status if the filter is wrong; standard error says why. */
#define FILTER_REFUSED 2
