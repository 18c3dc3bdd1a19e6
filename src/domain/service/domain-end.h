/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the run of a domain ended (DOMAIN_END_… of unikernel/liveness.h), from the events of QEMU and libvirt
 * as they come. *end is what is known, NULL before the first event. Pure; called by observer.c. */

/* QEMU's SHUTDOWN or RESET, with details like {"guest":true,"reason":"guest-reset"}. Returns what is to be
 * reported at once, or NULL if libvirt's event must be waited for. */
const char *domain_end_take_monitor(const char **end, const char *event, const char *details);

/* libvirt's own event, which says less, and comes last. how: what it tells alone. Returns what is to be
 * reported. */
const char *domain_end_take_stopped(const char **end, const char *how);
