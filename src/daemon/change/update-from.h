/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/update.h"

/* An update to the image that UpdateFrom= of the definition names. It is verified as UpdateVerify= demands
 * and imported first, and then the update is one as any other; an image that is in force already is none.
 * Takes call, and answers it. change is the request, as of update_start(). */
void update_from_source(Call *call, const ChangeUpdate *change);
