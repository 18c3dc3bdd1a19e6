/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where launch-*.S find what they are told: offsets in LaunchPlan of launch.c. Read by assembly too. */

#define PLAN_ALL        0  /* address and size of all that shall go … */
#define PLAN_BELOW_VDSO 16 /* … and where the kernel refuses that, what is below its own pages and above */
#define PLAN_ABOVE_VDSO 32
#define PLAN_FILTER     48 /* the address of struct sock_fprog; 0: none */
#define PLAN_ENTRY      56
#define PLAN_STACK      64
#define PLAN_INFO       72
#define PLAN_SENTENCE   80 /* what is said, to the console, if the filter is refused after all … */
#define PLAN_LENGTH     88
#define PLAN_STATUS     96 /* … and the exit status */
