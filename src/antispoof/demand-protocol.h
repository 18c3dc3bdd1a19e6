/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stddef.h>

/* What shruthi-antispoof, which holds packets, and shruthi-demand, which has unikernels started for them,
 * tell each other, after shruthi-demand has asked with "demand". Each message is one packet: WORD NAME, NAME
 * a unikernel. Pure. Used by both. */

#define DEMAND_MESSAGE_MAX 128

typedef enum DemandWord {
        /* To shruthi-demand. At first those of all that there are. */
        DEMAND_WAITS,  /* ports of this unikernel stay published while it is stopped */
        DEMAND_WANTED, /* there is traffic for it, and it is held */
        DEMAND_IDLE,   /* there was none for so long that it is to be stopped; what comes is held */
        /* To shruthi-antispoof. */
        DEMAND_OPEN,   /* it is ready: let go what is held, and hold no more */
        DEMAND_HOLD,   /* it is not: hold what comes */
        DEMAND_DROP,   /* nobody knows whether it will be: drop what is held */
        DEMAND_REFUSE, /* it will not be: refuse what is held, and what comes */
        DEMAND_END,    /* its ports are not to stay published while it is stopped */
        _DEMAND_WORD_MAX,
        _DEMAND_WORD_INVALID = -EINVAL,
} DemandWord;

/* Free with g_free(). */
char *demand_message_format(DemandWord word, const char *name);

/* -EBADMSG: it is none. */
int demand_message_parse(const char *data, size_t size, DemandWord *ret_word, char **ret_name);
