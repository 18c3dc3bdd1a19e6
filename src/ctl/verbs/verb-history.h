/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* The number of the newest generation before the one in force that did not fail, as a rollback chooses it; 0
 * if none. generations are JsonObject, as ListGenerations() has them, the oldest first. Pure. */
uint64_t history_find_former(const GPtrArray *generations);
