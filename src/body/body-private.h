/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "body/body.h"

/* The bodies that exist, for body_for(). */

/* A libvirt domain. shruthi-domain starts, watches and ends it; QEMU has the console's FIFOs open, and the
 * runner serves its socket. */
extern const Body body_domain;
