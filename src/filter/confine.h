/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Leaves the process what is needed to compile a filter: to read files, such as /etc/services and
 * /etc/hosts, and to write to what it has open, for two seconds. So it asks no server for the name of a
 * host. */
int confine(void);
