/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading with the rights of the user who may write what is read: the owner of the state directory, which
 * only root can replace. So no link in it leads to a file that this user could not read. Without such a
 * directory, or if we are not root, nothing changes. */

/* On a negative errno nothing may be read. Call rights_raise() in any case. */
int rights_lower(void);
void rights_raise(void);
