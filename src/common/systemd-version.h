/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The version of this host's systemd, such as 252, as "systemctl --version" says; looked at once. 0: it
 * cannot be told. May block for that long. */
unsigned systemd_version(void);

/* Since this one it knows RestartSteps= and RestartMaxDelaySec= (systemd.service(5)). */
#define SYSTEMD_VERSION_RESTART_STEPS 254
