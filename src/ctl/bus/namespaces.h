/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sandbox of a user's own services needs namespaces of the user's, which some hosts do not give. Then
 * shruthid is not started, and only its client can tell why. */

/* Tries it. Returns what is to be done, or NULL if that is not the reason. Free with g_free(). */
char *namespaces_find_refusal(void);

/* What an administrator has set below that folder (/proc/sys) that rules them out, as the command that
 * allows them; NULL if nothing is known to. Pure, for tests. Free with g_free(). */
char *namespaces_find_setting(const char *sysctls);
