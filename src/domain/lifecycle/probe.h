/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "common/conf.h"
#include "common/error.h"
#include "domain/host/probe-state.h"

/* What this host can do, found by trying: whether a guest of a few bytes really runs under KVM, and whether
 * libvirt takes the fast start, and asks QEMU less often with it. Tried once for each boot of the host and
 * each version of libvirt and QEMU, and remembered in /run/shruthi/probe/. */

/* Sets how long libvirt may take, before what is below is asked for. It begins anew with each guest that is
 * tried: a libvirt that hangs is to be given up, and not a slow host on which all of them together take
 * long. */
void probe_guard(void);

/* What is to be used under this configuration. Fails only where libvirt went away; a host on which nothing
 * runs is a result too, and the start will tell. That libvirt offers no KVM is remembered for as long as it
 * offers none: it looks itself at /dev/kvm and who may open it. */
int probe_host(virConnectPtr connection, const Conf *conf, ProbeResult *ret_result, Error *ret_error);

/* The same, tried now whatever is remembered, and remembered instead of it. */
int probe_host_anew(virConnectPtr connection, const Conf *conf, ProbeResult *ret_result, Error *ret_error);
