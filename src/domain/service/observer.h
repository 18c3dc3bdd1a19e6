/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one process of shruthi-domain.service that listens to libvirt's events, for all unikernels of the
 * host.
 *
 * Each packet on out is "NAME WORD", WORD being one of those that unikernel/liveness.h describes. It begins
 * with the state of all that run, as after each new connection to libvirt, so that whoever reads it has
 * the whole picture; what ended meanwhile it cannot tell. It ends when nobody reads out any more. */
void observer_run(int out);
