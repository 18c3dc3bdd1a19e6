/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every failure has its result and its exit status, and no value leaves its line. */

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domain/host/protocol.h"

static void test_results(void)
{
        static const struct {
                ErrorCode code;
                Result result;
                int status;
        } cases[] = {
                        {ERROR_NO_SUCH_UNIKERNEL, RESULT_DEFINITION, RUNNER_EXIT_DEFINITION},
                        {ERROR_INVALID_DEFINITION, RESULT_DEFINITION, RUNNER_EXIT_DEFINITION},
                        {ERROR_UNSUPPORTED_IMAGE, RESULT_IMAGE, RUNNER_EXIT_IMAGE},
                        {ERROR_NO_SUCH_IMAGE, RESULT_IMAGE, RUNNER_EXIT_IMAGE},
                        {ERROR_DEVICE_MISMATCH, RESULT_DEVICES, RUNNER_EXIT_HOST},
                        {ERROR_NO_SUCH_NETWORK, RESULT_DEVICES, RUNNER_EXIT_LIBVIRT},
                        {ERROR_VOLUME_IN_USE, RESULT_DEVICES, RUNNER_EXIT_HOST},
                        {ERROR_START_FAILED, RESULT_HOST, RUNNER_EXIT_HOST},
                        {ERROR_FOREIGN_DOMAIN, RESULT_HOST, RUNNER_EXIT_HOST},
                        {ERROR_LIBVIRT_UNAVAILABLE, RESULT_LIBVIRT, RUNNER_EXIT_LIBVIRT},
                        {ERROR_CREDENTIALS_DAMAGED, RESULT_CREDENTIALS, RUNNER_EXIT_HOST},
                        {ERROR_NO_MEMORY, RESULT_RUNNER, RUNNER_EXIT_RUNNER},
                        {ERROR_FAILED, RESULT_RUNNER, RUNNER_EXIT_RUNNER},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_assert_cmpint(protocol_result(cases[i].code), ==, cases[i].result);
                g_assert_cmpint(protocol_exit_status(cases[i].code), ==, cases[i].status);
        }
}

static void assert_says(const char *expected, int status)
{
        g_test_trap_subprocess(NULL, 0, 0);
        g_assert_cmpint(g_test_trap_reached_timeout(), ==, FALSE);
        g_test_trap_assert_stdout(expected);
        if (status == 0)
                g_test_trap_assert_passed();
        else
                g_test_trap_assert_failed();
}

static void test_a_value_is_one_line(void)
{
        if (g_test_subprocess()) {
                protocol_emit(DOMAIN_KEY_NOTICE, "%s", "a\nstarted=kvm\r\x1b[2J\xff");
                return;
        }

        assert_says("*notice=a\\x0astarted=kvm\\x0d\\x1b[2J\\xff\n*", 0);
}

static void test_a_failure_of_several_lines(void)
{
        if (g_test_subprocess()) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = error_set(&error, ERROR_DEVICE_MISMATCH,
                                "Missing:\n  [Network service]\n  Bridge=virbr0");

                _exit(protocol_fail(r, &error) == RUNNER_EXIT_HOST ? 0 : 1);
        }

        assert_says("*result=devices\nerror-name=org.dream.Shruthi.Error.DeviceMismatch\nerror=Missing:\n"
                    "detail=  [Network service]\ndetail=  Bridge=virbr0\n*",
                        0);
}

static void test_a_failure_without_a_sentence(void)
{
        if (g_test_subprocess()) {
                _cleanup_error_ Error error = ERROR_INIT;

                _exit(protocol_fail(-ENOSPC, &error) == RUNNER_EXIT_RUNNER ? 0 : 1);
        }

        assert_says("*result=runner\nerror-name=org.dream.Shruthi.Error.Failed\nerror=No space left on "
                    "device\n*",
                        0);
}

static void test_no_answer_is_said(void)
{
        if (g_test_subprocess()) {
                protocol_guard(30, "be quick");
                protocol_guard(1, "answer");
                for (;;)
                        pause();
        }

        assert_says("*result=libvirt\nerror-name=org.dream.Shruthi.Error.LibvirtUnavailable\nerror=libvirt "
                    "did not "
                    "answer within 1 s when asked to answer*",
                        1);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/protocol/results-and-statuses", test_results);
        g_test_add_func("/domain/protocol/a-value-is-one-line", test_a_value_is_one_line);
        g_test_add_func("/domain/protocol/a-failure-of-several-lines", test_a_failure_of_several_lines);
        g_test_add_func("/domain/protocol/a-failure-without-a-sentence", test_a_failure_without_a_sentence);
        g_test_add_func("/domain/protocol/no-answer-is-said", test_no_answer_is_said);
        return g_test_run();
}
