/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A twin is the same guest beside the first one: what there can be only once is refused or replaced. */

#include <string.h>

#include "unikernel/twin.h"

#define HEAD "[Unikernel]\nOwner=1001\nImage=/x\n"
#define PORT "[Network service]\nNetwork=web\nAddress=auto\nPublish=8080:80\n"

static Definition *definition_of(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        if (definition_parse("web", NULL, text, strlen(text), &definition, &error) < 0)
                g_error("%s", error.message);
        return definition;
}

static void test_refuses(void)
{
        static const struct {
                const char *text, *reason;
        } cases[] = {
                        {HEAD, "publishes no port"},
                        {HEAD "[Network service]\nNetwork=web\nAddress=auto\n", "publishes no port"},
                        {HEAD "Activation=traffic\n" PORT, "Activation=traffic"},
                        {HEAD PORT "[Volume data]\nPath=/data\n[Volume logs]\nSize=1M\n",
                                        "('data', 'logs')"},
                        {HEAD "[Network "
                              "service]\nNetwork=web\nMACAddress=02:00:00:00:00:01\nAddress=auto\nPublish="
                              "80:80\n",
                                        "MACAddress=02:00:00:00:00:01"},
                        {HEAD PORT "[Network other]\nBridge=br0\nAddress=10.0.0.2/24\n",
                                        "'other' has a fixed address (Address=10.0.0.2/24)"},
                        {HEAD "Arguments=--ipv4=10.0.0.2/24\n"
                              "[Network service]\nNetwork=web\nAddress=10.0.0.2/24\nPublish=80:80\n",
                                        "{service.address}"},
                        {HEAD "Arguments=--ipv6=[fd00::2]:80\n"
                              "[Network service]\nNetwork=web\nAddress=10.0.0.2/24 "
                              "fd00::2/64\nPublish=80:80\n",
                                        "name the address"},
                        {HEAD "Arguments=--listen=tcp:10.0.0.2:80\n"
                              "[Network service]\nNetwork=web\nAddress=10.0.0.2/24\nPublish=80:80\n",
                                        "name the address"},
                        {HEAD "Arguments=--ipv4=10.0.0.3/24\n" PORT,
                                        "give it the address 10.0.0.3, which both would use"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = definition_of(cases[i].text);
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s", cases[i].text);
                g_assert_cmpint(twin_check(definition, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_NOT_SUPPORTED);
                g_assert_nonnull(strstr(error.message, cases[i].reason));
                g_assert_nonnull(strstr(error.message, "'web'"));
        }
}

/* Another address that begins or ends like it is another. */
static void test_accepts(void)
{
        static const char *const cases[] = {
                        HEAD PORT,
                        HEAD PORT "[Volume data]\nPath=/data\nReadOnly=yes\n[Credentials key]\n",
                        HEAD PORT "[Network other]\nBridge=br0\n",
                        HEAD "Arguments=--dns=10.0.0.21 --peer=110.0.0.2 --ipv4={service.address}\n"
                             "[Network service]\nNetwork=web\nAddress=10.0.0.2/24\nPublish=80:80\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = definition_of(cases[i]);
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s", cases[i]);
                twin_check(definition, &error);
                g_assert_cmpstr(error.message, ==, NULL);
        }
}

static void test_makes_a_definition(void)
{
        g_autoptr(Definition) web = definition_of(HEAD
                        "Arguments=--name={name}\nMemory=16M\nAutostart=yes\nRestart=always\n"
                        "RestartSec=1s\nReady=tcp:service:80\nRequires=database\nAfter=database\n"
                        "[Network service]\nNetwork=web\nAddress=10.0.0.2/24\nPublish=8080:80\n"
                        "[Volume data]\nSize=1M\nReadOnly=yes\n[Volume own]\nVolume=shared\nReadOnly=yes\n"
                        "[Credentials key]\nLoadCredential=a:/a\n");
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Definition) twin = NULL;
        g_autofree char *text = NULL;

        g_assert_cmpint(twin_check(web, NULL), ==, 0);
        text = twin_format(web);
        g_assert_cmpint(definition_parse("web_next", NULL, text, strlen(text), &twin, &error), ==, 0);
        g_assert_cmpstr(strchr(text, '['), ==,
                        "[Unikernel]\nImage=/x\nArguments=--name={name}\nMemory=16M\nOwner=1001\n"
                        "Ready=tcp:service:80\n"
                        "\n[Network service]\nNetwork=web\nAddress=auto\nPublish=8080:80\n"
                        "\n[Volume data]\nVolume=web-data\nReadOnly=yes\n"
                        "\n[Volume own]\nVolume=shared\nReadOnly=yes\n"
                        "\n[Credentials key]\nLoadCredential=a:/a\n");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/twin/refuses-what-there-is-only-once", test_refuses);
        g_test_add_func("/unikernel/twin/accepts-the-rest", test_accepts);
        g_test_add_func("/unikernel/twin/makes-a-definition", test_makes_a_definition);
        return g_test_run();
}
