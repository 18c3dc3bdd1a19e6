/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ends the domain of the unikernel NAME if one is still there, and waits until it is gone: what
 * unikernel-body@NAME.service does when it stops. Sentences about what went wrong go to the journal. Returns
 * the exit status. */
int sweep(const char *name);
