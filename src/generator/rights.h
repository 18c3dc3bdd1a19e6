/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading with the rights of who may write what is read: the owner of the state directory, which only root
 * can replace. So no link in there leads to what that user could not read. Without such a directory, or
 * where we are not root, nothing changes. */

/* A negative errno: nothing may be read. rights_raise() is called in any case. */
int rights_lower(void);
void rights_raise(void);
