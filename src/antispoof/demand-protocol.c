/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "antispoof/demand-protocol.h"

#include <string.h>

#include "common/unikernel-name.h"

static const char *const words[_DEMAND_WORD_MAX] = {
                [DEMAND_WAITS] = "waits",
                [DEMAND_WANTED] = "wanted",
                [DEMAND_IDLE] = "idle",
                [DEMAND_OPEN] = "open",
                [DEMAND_HOLD] = "hold",
                [DEMAND_DROP] = "drop",
                [DEMAND_REFUSE] = "refuse",
                [DEMAND_END] = "end",
};

char *demand_message_format(DemandWord word, const char *name)
{
        return g_strconcat(words[word], " ", name, NULL);
}

int demand_message_parse(const char *data, size_t size, DemandWord *ret_word, char **ret_name)
{
        g_autofree char *text = NULL;
        const char *name;

        if (size == 0 || size > DEMAND_MESSAGE_MAX || memchr(data, 0, size))
                return -EBADMSG;
        text = g_strndup(data, size);
        name = strchr(text, ' ');
        if (!name || !name_is_valid(name + 1))
                return -EBADMSG;

        for (DemandWord word = 0; word < _DEMAND_WORD_MAX; word++)
                if (strlen(words[word]) == (size_t) (name - text) && g_str_has_prefix(text, words[word])) {
                        *ret_word = word;
                        *ret_name = g_strdup(name + 1);
                        return 0;
                }
        return -EBADMSG;
}
