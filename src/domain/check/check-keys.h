/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* shruthi-domain check: key material. */
void check_keys(void);
