/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "fleet/plan/plan.h"

/* Has shruthi-filter compile CaptureFilter= (filter/filter.h). ret_program: as shruthi-switch takes it; NULL
 * if the plan has none. INVALID_DEFINITION with file, line, and what libpcap says. Free with g_free(). */
int fleet_compile_capture_filter(const FleetPlan *plan, char **ret_program, Error *ret_error);
