/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "common/containers.h"

/* Shared by conf.c, which reads [Shruthi], and conf-bridge.c, which reads [Bridge NAME]. */

#define CONF_BRIDGE_SECTION "Bridge"

/* Adds the settings of a section [Bridge NAME]. */
int conf_parse_bridge(Conf *conf, const KeyFileSection *section, Error *ret_error);
void conf_bridge_free(ConfBridge *bridge);
DEFINE_DESTROY(conf_bridge)
