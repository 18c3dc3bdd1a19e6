/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of anybody: only a whole reply to an echo has a number. */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>

#include "probe/ping.h"

static void test_reply(void)
{
        uint8_t four[36] = {0x45}, six[16] = {129};
        uint64_t number = 0;

        memset(four + 28, 7, 8);
        memset(six + 8, 7, 8);
        g_assert_cmpint(ping_parse(AF_INET, four, sizeof four, &number), ==, 0);
        g_assert_cmphex(number, ==, UINT64_C(0x0707070707070707));
        g_assert_cmpint(ping_parse(AF_INET6, six, sizeof six, &number), ==, 0);
}

static void test_others(void)
{
        uint8_t packet[64] = {0x45};
        uint64_t number = 0;

        for (size_t n = 0; n < 36; n++)
                g_assert_cmpint(ping_parse(AF_INET, packet, n, &number), ==, -EBADMSG);
        packet[0] = 0x4f; /* a header as long as the packet */
        g_assert_cmpint(ping_parse(AF_INET, packet, sizeof packet, &number), ==, -EBADMSG);
        packet[0] = 0x41;
        g_assert_cmpint(ping_parse(AF_INET, packet, sizeof packet, &number), ==, -EBADMSG);
        packet[0] = 0x65;
        g_assert_cmpint(ping_parse(AF_INET, packet, sizeof packet, &number), ==, -EBADMSG);
        packet[0] = 0x45;
        packet[20] = 8; /* an echo, and no reply */
        g_assert_cmpint(ping_parse(AF_INET, packet, sizeof packet, &number), ==, -EBADMSG);
        g_assert_cmpint(ping_parse(AF_INET6, packet, sizeof packet, &number), ==, -EBADMSG);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/probe/ping/a-reply-has-a-number", test_reply);
        g_test_add_func("/probe/ping/other-packets-have-none", test_others);
        return g_test_run();
}
