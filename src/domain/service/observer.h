/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one process of shruthi-domain.service that listens to libvirt's events, for all unikernels of the
 * host.
 *
 * Each packet on out is "NAME WORD", with a WORD that unikernel/liveness.h describes. At the start and after
 * each new connection to libvirt it sends the state of all running domains, so that the reader is complete;
 * it cannot tell which ended meanwhile. It exits when nobody reads out any more. */
void observer_run(int out);
