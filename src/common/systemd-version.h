/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The version of this host's systemd, such as 252, as "systemctl --version" prints it; determined once. 0 if
 * it cannot be determined. May block for that long. */
unsigned systemd_version(void);

/* The first version that knows RestartSteps= and RestartMaxDelaySec= (systemd.service(5)). */
#define SYSTEMD_VERSION_RESTART_STEPS 254
