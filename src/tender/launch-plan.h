/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where launch-*.S find what they are told: offsets in LaunchPlan of launch.c. Read by assembly too. */

/* Of the ranges: address and size; nothing is to be done where the size is 0. */
#define PLAN_ALL        0 /* all that shall go … */
#define PLAN_BELOW_VDSO 16 /* … and where the kernel refuses that, what is below its own pages and above */
#define PLAN_ABOVE_VDSO 32
#define PLAN_FILTER     48 /* the address of struct sock_fprog; 0: none */
#define PLAN_ENTRY      56
#define PLAN_STACK      64
#define PLAN_INFO       72
#define PLAN_NO_FILTER  80  /* how to end if the kernel refuses the filter after all */
#define PLAN_NO_UNMAP   104 /* how to end if the kernel does not take the memory away */

/* Offsets in both, which are LaunchRefusal: what is said to the console, and the exit status. */
#define REFUSAL_SENTENCE 0
#define REFUSAL_LENGTH   8
#define REFUSAL_STATUS   16
