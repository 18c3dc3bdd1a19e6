/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/frame.h"

/* Answers to who asks for an address: the switch knows them all, so nobody else is asked, and a thousand
 * guests that resolve each other cost a thousand times less. Pure. */

#define NEIGHBOURS_ANSWER_MAX (FRAME_HEADER_SIZE + 40 + 32)

/* Whom a request of ARP (RFC 826) or a solicitation (RFC 4861, 4.3) asks for. The frame is one that
 * guard_look() has called so. */
uint32_t neighbours_asked4(const uint8_t *frame);
bool neighbours_asked6(const uint8_t *frame, size_t size, uint8_t ret_target[static 16]);

/* Writes the answer that the address asked for has that MAC address; returns its size. */
size_t neighbours_answer4(const uint8_t *frame, const uint8_t *mac, uint8_t *ret_answer);
size_t neighbours_answer6(
                const uint8_t *frame, const uint8_t *target, const uint8_t *mac, uint8_t *ret_answer);
