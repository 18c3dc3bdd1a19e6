/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "common/conf.h"
#include "common/error.h"
#include "domain/host/probe-state.h"

/* What this host can do, found by a probe: whether a guest of a few bytes really runs with KVM, and whether
 * libvirt accepts the fast start and sends fewer commands to QEMU with it. Done once for each boot of the
 * host and each version of libvirt and QEMU, and remembered in /run/shruthi/probe/. */

/* Sets how long libvirt may take; call it before the functions below. The time restarts with each test
 * guest, to give up a libvirt that hangs, but not a slow host on which all of them together take long. */
void probe_guard(void);

/* Finds what to use with this configuration. Fails only if libvirt goes away; a host on which no guest runs
 * is also a result, and the start will report it. That libvirt offers no KVM is remembered only while it
 * offers none: libvirt itself checks /dev/kvm and who may open it. */
int probe_host(virConnectPtr connection, const Conf *conf, ProbeResult *ret_result, Error *ret_error);

/* The same, but repeats the probe and replaces the remembered result. */
int probe_host_anew(virConnectPtr connection, const Conf *conf, ProbeResult *ret_result, Error *ret_error);
