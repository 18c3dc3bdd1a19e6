/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "common/error.h"
#include "unikernel/definition.h"

/* Whether a unikernel whose image is executed as a process may be so on this host (AllowProcesses=), and has no
 * setting that only a machine has. NOT_SUPPORTED, INVALID_DEFINITION. Pure. */
int process_rules_check(const Definition *definition, const Conf *conf, Error *ret_error);

/* Whether the image that the definition names is executed as a process, as far as that can be seen now. */
bool definition_is_of_process(const Definition *definition);
