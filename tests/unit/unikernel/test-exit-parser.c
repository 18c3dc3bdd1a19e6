/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a guest is told by its last words, whatever came before, if it ended by itself; else, and
 * without last words, by what libvirt witnessed. */

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "unikernel/exit-parser.h"

static void see_lines(ExitParser *exit_parser, const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++)
                (void) exit_parser_feed_line(exit_parser, *line, strlen(*line));
}

/* Consoles as Solo5's own tests leave them (version 0.12), and what becomes of each. */
static const struct {
        const char *console;
        Result result;
        int64_t exit_status;
        bool halted;
        int unit;
        const char *sentence;
} last_words[] = {
                {"Hello, World\r\nSolo5: solo5_exit(0) called\r\n"
                 "Solo5: ACPI: power off via PM1a=0x604 PM1b=0x0 SLP_TYPa=0\r\nSolo5: Halted\r\n",
                                RESULT_SUCCESS, 0, true, 0, "exited with status 0"},
                {"Solo5: solo5_exit(7) called\r", RESULT_EXIT_STATUS, 7, false, 7, "exited with status 7"},
                {"Solo5: solo5_exit(0) called\r\nSolo5: ACPI: power off\r\nSolo5: Ha", RESULT_SUCCESS, 0,
                                false, 0, "exited with status 0"},
                {"Solo5: solo5_exit(0) called\r\nSo", RESULT_SUCCESS, 0, false, 0, "exited with status 0"},
                {"Solo5: solo5_exit(1) called", RESULT_EXIT_STATUS, 1, false, 1,
                                "exited with status 1: Solo5 or the program itself gave up early"},
                {"Solo5: solo5_exit(2) called", RESULT_EXIT_STATUS, 2, false, 2,
                                "exited with status 2: it ended with an uncaught exception"},
                {"Solo5: solo5_exit(63) called", RESULT_EXIT_STATUS, 63, false, 63,
                                "exited with status 63: it only printed its help or version"},
                {"Solo5: solo5_exit(64) called", RESULT_EXIT_STATUS, 64, false, 64,
                                "exited with status 64: it did not accept its arguments"},
                {"Solo5: solo5_exit(123) called", RESULT_EXIT_STATUS, 123, false, 123,
                                "exited with status 123: it reported an error"},
                {"Solo5: solo5_exit(124) called", RESULT_EXIT_STATUS, 124, false, 124,
                                "exited with status 124: it did not accept its command line"},
                {"Solo5: solo5_exit(125) called", RESULT_EXIT_STATUS, 125, false, 125,
                                "exited with status 125: it had an unexpected internal error"},
                {"Solo5: solo5_exit(254) called", RESULT_EXIT_STATUS, 254, false, 254,
                                "exited with status 254"},
                {"Solo5: solo5_exit(255) called", RESULT_EXIT_STATUS, 255, false, 255,
                                "exited with status 255: it ended with an uncaught exception or an abort"},
                {"Solo5: solo5_exit(256) called", RESULT_EXIT_STATUS, 256, false, 255,
                                "exited with status 256"},
                {"Solo5: solo5_exit(2147483647) called", RESULT_EXIT_STATUS, INT32_MAX, false, 255,
                                "exited with status 2147483647"},
                {"Solo5: solo5_exit(-1) called", RESULT_EXIT_STATUS, -1, false, 255,
                                "exited with status -1"},
                {"bye without newlineSolo5: solo5_exit(0) called\r", RESULT_SUCCESS, 0, false, 0,
                                "exited with status 0"},
                {"Solo5: solo5_abort() called\r\nSolo5: Halted", RESULT_ABORTED, 255, true, 255, "aborted"},
                {"Solo5: PCI enumeration failed. Aborting.\r\nSolo5: solo5_abort() called\r", RESULT_ABORTED,
                                255, false, 255, "aborted: PCI enumeration failed"},
                {"Solo5: Device 'service' of type NET_BASIC not attached.Solo5: All declared "
                 "devices must be "
                 "attached. Aborting.\r\nSolo5: solo5_abort() called\r",
                                RESULT_ABORTED, 255, false, 255,
                                "aborted: All declared devices must be attached"},
                {"Solo5: ABORT: mem.c:54: Assertion `prev_brk < heap_top' failed\r", RESULT_ABORTED, 255,
                                false, 255, "aborted: mem.c:54: Assertion `prev_brk < heap_top' failed"},
                {"Solo5: trap: type=#PF ec=0x2 rip=0x105fe2 rsp=0x1fdffa0 rflags=0x206\r\n"
                 "Solo5: trap: cr2=0x400000000\r\nSolo5: ABORT: cpu_x86_64.c:182: Fatal trap\r\n"
                 "Solo5: ACPI: power off via PM1a=0x604 PM1b=0x0 SLP_TYPa=0\r\nSolo5: Halted\r\n",
                                RESULT_TRAPPED, 255, true, 255,
                                "aborted: page fault at 0x400000000 (instruction 0x105fe2)"},
                {"Solo5: trap: type=#PF ec=0x0 rip=0x1 rsp=0x1 rflags=0x2", RESULT_TRAPPED, 255, false, 255,
                                "aborted: page fault at instruction 0x1"},
                {"Solo5: trap: type=#GP ec=0x0 rip=0x1 rsp=0x1 rflags=0x2\nSolo5: ABORT: "
                 "cpu_x86_64.c:182: Fatal trap",
                                RESULT_TRAPPED, 255, false, 255,
                                "aborted: general protection fault at instruction 0x1"},
                {"Solo5: trap: type=#21 ec=0x0 rip=0x1 rsp=0x1 rflags=0x2", RESULT_TRAPPED, 255, false, 255,
                                "aborted: #21 at instruction 0x1"},
                {"Solo5: Trap: EL1 Synchronous Abort caught\r\nData Abort Address: 0x0000000400000000\r\n"
                 "Solo5: Dump registers:\r\n\t ESR    : 0x0000000096000046\r\n\t PC     : "
                 "0x0000000000105fe2\r\n"
                 "\t LR     : 0x0000000000105fe0\r\n\t PSTATE : 0x00000000600003c5\r\n"
                 "\t x00 ~ x03: 0x0000000000000000 0x0000000000000000 0x0000000000000000 "
                 "0x0000000000000000\r\n"
                 "Solo5: ABORT: cpu_aarch64.c:79: Fatal trap\r\nSolo5: Halted\r\n",
                                RESULT_TRAPPED, 255, true, 255,
                                "aborted: data abort at 0x400000000 (instruction 0x105fe2)"},
                {"Solo5: Trap: EL1 Invalid FIQ caught\nSolo5: Dump registers:\n\t PC     : "
                 "0x0000000000000001\n",
                                RESULT_TRAPPED, 255, false, 255, "aborted: invalid fiq (instruction 0x1)"},
                {"Solo5: Trap: EL1 Synchronous Abort caught", RESULT_TRAPPED, 255, false, 255,
                                "aborted: synchronous abort"},
                {"Solo5: ABORT: cpu_aarch64.c:79: Fatal trap", RESULT_TRAPPED, 255, false, 255,
                                "aborted: cpu_aarch64.c:79: Fatal trap"},
                {"Solo5: Trap: EL1 Synchronous Abort caught\nthe guest goes on\nSolo5: solo5_exit(0) called",
                                RESULT_SUCCESS, 0, false, 0, "exited with status 0"},
                {"Fatal error: not enough memory\r\nSolo5: solo5_abort() called\r", RESULT_ABORTED, 255,
                                false, 255,
                                "aborted; it reported too little memory: raise Memory="},
                {"Fatal error: exception Out_of_memory\r\nRaised by primitive operation at file \"a.ml\"\r\n"
                 "Called from file \"b.ml\"\r\nSolo5: solo5_exit(2) called\r",
                                RESULT_EXIT_STATUS, 2, false, 2,
                                "exited with status 2: it ended with an uncaught exception; it reported "
                                "too little memory: raise Memory="},
                {"Fatal error: out of memory.\nthe guest goes on\nSolo5: solo5_abort() called",
                                RESULT_ABORTED, 255, false, 255, "aborted"},
                {"Solo5: solo5_exit(3) called\nSolo5: solo5_exit(4) called", RESULT_EXIT_STATUS, 4, false, 4,
                                "exited with status 4"},
};

static void test_last_words(void)
{
        static const TerminationCause own_endings[] = {
                        TERMINATION_CONSOLE, TERMINATION_POWERED_OFF, TERMINATION_HALTED};

        for (size_t i = 0; i < G_N_ELEMENTS(last_words); i++) {
                for (size_t e = 0; e < G_N_ELEMENTS(own_endings); e++) {
                        ExitParser exit_parser = EXIT_PARSER_INIT;
                        g_autofree char *sentence = NULL;

                        see_lines(&exit_parser, last_words[i].console);
                        g_assert_cmpint(exit_parser.halted, ==, last_words[i].halted);
                        exit_parser_settle(&exit_parser, own_endings[e]);
                        sentence = exit_parser_message(&exit_parser, "1000");
                        g_assert_cmpstr(sentence, ==, last_words[i].sentence);
                        g_assert_cmpint(exit_parser.result, ==, last_words[i].result);
                        g_assert_cmpint(exit_parser.exit_status, ==, last_words[i].exit_status);
                        g_assert_cmpint(exit_parser_unit_exit_status(&exit_parser), ==, last_words[i].unit);
                        g_assert_cmpint(exit_parser_exit_status(&exit_parser), ==,
                                        last_words[i].exit_status);
                        g_assert_cmpint(result_is_success(exit_parser.result), ==, last_words[i].unit == 0);
                }
        }
}

/* What looks nearly like last words, or was followed by more, says nothing. */
static void test_no_last_words(void)
{
        static const char *const consoles[] = {
                        "",
                        "Hello, World",
                        "Solo5: Bindings version v0.12",
                        "solo5_exit(0) called",
                        "Solo5: solo5_exit() called",
                        "Solo5: solo5_exit(-) called",
                        "Solo5: solo5_exit( 7) called",
                        "Solo5: solo5_exit(+7) called",
                        "Solo5: solo5_exit(7x) called",
                        "Solo5: solo5_exit(7) called twice",
                        "Solo5: solo5_exit(2147483648) called",
                        "Solo5: solo5_exit(99999999999999999999) called",
                        "Solo5: solo5_abort() called again",
                        "Solo5: trap: cr2=0x0",
                        "Solo5: trap: type=#PF",
                        "log of another: Solo5: Halted",
                        "Solo5: solo5_exit(7) called\nthe guest goes on",
                        "Solo5: solo5_abort() called\nSolo5: Halted\nthe guest goes on",
                        "Solo5: trap: type=#PF ec=0x0 rip=0x1 rsp=0x1 rflags=0x2\nthe guest goes on",
                        "Solo5: PCI enumeration failed. Aborting.\nthe guest goes on",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(consoles); i++) {
                ExitParser exit_parser = EXIT_PARSER_INIT;

                see_lines(&exit_parser, consoles[i]);
                g_assert_cmpint(exit_parser.result, ==, RESULT_NONE);
                g_assert_cmpint(exit_parser.exit_status, ==, -1);
                g_assert_false(exit_parser.halted);
                g_assert_cmpstr(exit_parser.detail, ==, "");
        }
}

#define RESET_SENTENCE                                                                                      \
        "reset itself: too little memory (Memory=), a crash that it could not report (a triple fault), a "  \
        "kernel panic, or a reboot; Restart=on-failure starts it again"

static void test_witness_counts_without_last_words(void)
{
        static const struct {
                const char *console;
                TerminationCause ending;
                Result result;
                int unit;
                const char *sentence;
        } cases[] = {
                        {"", TERMINATION_CONSOLE, RESULT_OUTSIDE, 254,
                                        "ended from outside: destroyed through libvirt, or QEMU died"},
                        {"", TERMINATION_DESTROYED, RESULT_OUTSIDE, 254,
                                        "ended from outside: destroyed through libvirt, or QEMU died"},
                        {"", TERMINATION_STOPPED, RESULT_STOPPED, 0, "stopped by user 1000"},
                        {"", TERMINATION_POWERED_OFF, RESULT_POWERED_OFF, 0,
                                        "powered off without an exit status"},
                        {"", TERMINATION_HALTED, RESULT_HALTED, 255, "halted without an exit status"},
                        /* --solo5:quiet: a late Halted may follow a good power-off. */
                        {"Solo5: Halted", TERMINATION_POWERED_OFF, RESULT_POWERED_OFF, 0,
                                        "powered off without an exit status"},
                        {"Solo5: Halted", TERMINATION_HALTED, RESULT_HALTED, 255,
                                        "halted without an exit status"},
                        {"Solo5: Halted", TERMINATION_CONSOLE, RESULT_HALTED, 255,
                                        "halted without an exit status"},
                        {"Solo5: Halted", TERMINATION_DESTROYED, RESULT_HALTED, 255,
                                        "halted without an exit status"},
                        {"Solo5: Halted", TERMINATION_STOPPED, RESULT_STOPPED, 0, "stopped by user 1000"},
                        {"", TERMINATION_RESET, RESULT_RESET, 255, RESET_SENTENCE},
                        {"Solo5: solo5_exit(3) called", TERMINATION_SAVED, RESULT_SAVED, 0,
                                        "saved with its memory"},
                        /* Somebody else's last words, that the guest had only printed. */
                        {"Solo5: solo5_exit(0) called", TERMINATION_RESET, RESULT_RESET, 255,
                                        RESET_SENTENCE},
                        {"Solo5: solo5_exit(3) called", TERMINATION_STOPPED, RESULT_STOPPED, 0,
                                        "stopped by user 1000"},
                        {"Solo5: solo5_exit(0) called", TERMINATION_DESTROYED, RESULT_OUTSIDE, 254,
                                        "ended from outside: destroyed through libvirt, or QEMU died"},
                        {"Solo5: solo5_exit(0) called\nSolo5: Halted", TERMINATION_RESET, RESULT_RESET, 255,
                                        RESET_SENTENCE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                ExitParser exit_parser = EXIT_PARSER_INIT;
                g_autofree char *sentence = NULL;

                see_lines(&exit_parser, cases[i].console);
                exit_parser_settle(&exit_parser, cases[i].ending);
                sentence = exit_parser_message(&exit_parser, "1000");
                g_assert_cmpstr(sentence, ==, cases[i].sentence);
                g_assert_cmpint(exit_parser.result, ==, cases[i].result);
                g_assert_cmpint(exit_parser.exit_status, ==, -1);
                g_assert_cmpint(exit_parser_unit_exit_status(&exit_parser), ==, cases[i].unit);
                g_assert_cmpint(exit_parser_exit_status(&exit_parser), ==, cases[i].unit);
        }
}

/* What it halted after were its last words, also where somebody ends the domain before us. */
static void test_halted_words_count(void)
{
        static const TerminationCause endings[] = {
                        TERMINATION_CONSOLE, TERMINATION_STOPPED, TERMINATION_DESTROYED, TERMINATION_HALTED};

        for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
                ExitParser exit_parser = EXIT_PARSER_INIT;

                see_lines(&exit_parser, "Solo5: solo5_exit(7) called\nSolo5: Halted");
                exit_parser_settle(&exit_parser, endings[i]);
                g_assert_cmpint(exit_parser.result, ==, RESULT_EXIT_STATUS);
                g_assert_cmpint(exit_parser.exit_status, ==, 7);
        }
}

/* A guest cannot make the runner's own results. */
static void test_own_failures_stay(void)
{
        static const struct {
                Result result;
                int unit;
                const char *sentence;
        } cases[] = {
                        {RESULT_DEFINITION, RUNNER_EXIT_DEFINITION, "its definition is invalid: why"},
                        {RESULT_IMAGE, RUNNER_EXIT_IMAGE, "its image is missing or cannot be hosted: why"},
                        {RESULT_DEVICES, RUNNER_EXIT_HOST, "its devices do not match its image: why"},
                        {RESULT_HOST, RUNNER_EXIT_HOST, "this host could not run it: why"},
                        {RESULT_LIBVIRT, RUNNER_EXIT_LIBVIRT, "libvirt could not be reached: why"},
                        {RESULT_CREDENTIALS, RUNNER_EXIT_HOST, "its key material cannot be read: why"},
                        {RESULT_RUNNER, RUNNER_EXIT_RUNNER, "its runner failed: why"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                ExitParser exit_parser = {.result = cases[i].result, .exit_status = -1, .detail = "why"};
                g_autofree char *sentence = NULL;

                see_lines(&exit_parser, "Solo5: solo5_exit(0) called\nSolo5: Halted\nmore");
                exit_parser_settle(&exit_parser, TERMINATION_STOPPED);
                sentence = exit_parser_message(&exit_parser, NULL);
                g_assert_cmpint(exit_parser.result, ==, cases[i].result);
                g_assert_cmpint(exit_parser_unit_exit_status(&exit_parser), ==, cases[i].unit);
                g_assert_cmpstr(sentence, ==, cases[i].sentence);
                g_assert_false(result_is_success(exit_parser.result));
        }
}

#define ABORT_LINE "Solo5: ABORT: mem.c:54: Assertion failed"
#define TRAP_LINE  "Solo5: trap: type=#PF ec=0x0 rip=0x1 rsp=0x1 rflags=0x2"
#define KILLED(how) "ended from outside: killed by signal " how ", by somebody or because the host had too little memory"

/* How a process has ended is known, so nothing that it has printed can make that better or worse; what it said may
 * say why. */
static void test_process(void)
{
        static const struct {
                const char *console;
                int code, status;
                Result result;
                int64_t exit_status;
                int unit;
                const char *sentence;
        } cases[] = {
                        {"", CLD_EXITED, 0, RESULT_SUCCESS, 0, 0, "exited with status 0"},
                        {"Solo5: solo5_exit(0) called", CLD_EXITED, 0, RESULT_SUCCESS, 0, 0, "exited with status 0"},
                        {"Solo5: solo5_exit(7) called", CLD_EXITED, 0, RESULT_SUCCESS, 0, 0, "exited with status 0"},
                        {"Solo5: Halted", CLD_EXITED, 0, RESULT_SUCCESS, 0, 0, "exited with status 0"},
                        {ABORT_LINE, CLD_EXITED, 0, RESULT_SUCCESS, 0, 0, "exited with status 0"},
                        {"", CLD_EXITED, 7, RESULT_EXIT_STATUS, 7, 7, "exited with status 7"},
                        {"Solo5: solo5_exit(0) called", CLD_EXITED, 7, RESULT_EXIT_STATUS, 7, 7,
                                        "exited with status 7"},
                        {ABORT_LINE, CLD_EXITED, 7, RESULT_EXIT_STATUS, 7, 7, "exited with status 7"},
                        {"", CLD_EXITED, 2, RESULT_EXIT_STATUS, 2, 2,
                                        "exited with status 2: it ended with an uncaught exception"},
                        {"Fatal error: out of memory", CLD_EXITED, 2, RESULT_EXIT_STATUS, 2, 2,
                                        "exited with status 2: it ended with an uncaught exception; it reported too "
                                        "little memory: raise Memory="},
                        {"", CLD_EXITED, 254, RESULT_EXIT_STATUS, 254, 254, "exited with status 254"},
                        {"", CLD_EXITED, 255, RESULT_ABORTED, 255, 255, "aborted"},
                        {"Solo5: solo5_exit(255) called", CLD_EXITED, 255, RESULT_EXIT_STATUS, 255, 255,
                                        "exited with status 255: it ended with an uncaught exception or an abort"},
                        {"Solo5: solo5_exit(256) called", CLD_EXITED, 0, RESULT_EXIT_STATUS, 256, 255,
                                        "exited with status 256"},
                        {"Solo5: solo5_exit(256) called", CLD_EXITED, 7, RESULT_EXIT_STATUS, 7, 7,
                                        "exited with status 7"},
                        {"Solo5: solo5_abort() called", CLD_EXITED, 255, RESULT_ABORTED, 255, 255, "aborted"},
                        {ABORT_LINE, CLD_EXITED, 255, RESULT_ABORTED, 255, 255,
                                        "aborted: mem.c:54: Assertion failed"},
                        {TRAP_LINE, CLD_EXITED, 255, RESULT_TRAPPED, 255, 255,
                                        "aborted: page fault at instruction 0x1"},
                        {"", CLD_KILLED, SIGSEGV, RESULT_TRAPPED, 255, 255,
                                        "aborted: use of memory that is not its own"},
                        {"", CLD_DUMPED, SIGSEGV, RESULT_TRAPPED, 255, 255,
                                        "aborted: use of memory that is not its own"},
                        {"Solo5: solo5_exit(0) called", CLD_KILLED, SIGSEGV, RESULT_TRAPPED, 255, 255,
                                        "aborted: use of memory that is not its own"},
                        {ABORT_LINE, CLD_KILLED, SIGBUS, RESULT_TRAPPED, 255, 255,
                                        "aborted: use of memory that is not there"},
                        {"", CLD_KILLED, SIGILL, RESULT_TRAPPED, 255, 255, "aborted: invalid instruction"},
                        {"", CLD_KILLED, SIGFPE, RESULT_TRAPPED, 255, 255,
                                        "aborted: division by zero, or another arithmetic fault"},
                        {"", CLD_KILLED, SIGTRAP, RESULT_TRAPPED, 255, 255, "aborted: breakpoint"},
                        {"Fatal error: out of memory", CLD_KILLED, SIGSEGV, RESULT_TRAPPED, 255, 255,
                                        "aborted: use of memory that is not its own; it reported too little memory: "
                                        "raise Memory="},
                        {"", CLD_KILLED, SIGSYS, RESULT_SYSTEM_CALL, 255, 255,
                                        "was killed because it made a system call that a guest may not make"},
                        {"Solo5: solo5_exit(0) called", CLD_KILLED, SIGSYS, RESULT_SYSTEM_CALL, 255, 255,
                                        "was killed because it made a system call that a guest may not make"},
                        {"", CLD_KILLED, SIGKILL, RESULT_OUTSIDE, -1, 254, KILLED("9 (Killed)")},
                        {"Solo5: solo5_exit(0) called", CLD_KILLED, SIGKILL, RESULT_OUTSIDE, -1, 254,
                                        KILLED("9 (Killed)")},
                        {"Solo5: Halted", CLD_KILLED, SIGKILL, RESULT_OUTSIDE, -1, 254, KILLED("9 (Killed)")},
                        {ABORT_LINE, CLD_KILLED, SIGTERM, RESULT_OUTSIDE, -1, 254, KILLED("15 (Terminated)")},
                        /* Nobody knows. */
                        {"", 0, 0, RESULT_OUTSIDE, -1, 254,
                                        "ended from outside: its runner was killed before, and this kernel tells "
                                        "nobody else how it ended"},
                        {"Solo5: solo5_exit(0) called", 0, 0, RESULT_SUCCESS, 0, 0, "exited with status 0"},
                        {"Solo5: solo5_exit(7) called", 0, 0, RESULT_EXIT_STATUS, 7, 7, "exited with status 7"},
                        {ABORT_LINE, 0, 0, RESULT_ABORTED, 255, 255, "aborted: mem.c:54: Assertion failed"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                ExitParser exit_parser = EXIT_PARSER_INIT;
                g_autofree char *sentence = NULL;
                TerminationCause cause;

                see_lines(&exit_parser, cases[i].console);
                cause = exit_parser_take_process(&exit_parser, cases[i].code, cases[i].status);
                g_assert_cmpint(cause, ==, cases[i].result == RESULT_OUTSIDE ? TERMINATION_KILLED
                                                                             : TERMINATION_CONSOLE);
                exit_parser_settle(&exit_parser, cause);
                sentence = exit_parser_message(&exit_parser, "1000");
                g_test_message("%zu: %s", i, sentence);
                g_assert_cmpstr(sentence, ==, cases[i].sentence);
                g_assert_cmpint(exit_parser.result, ==, cases[i].result);
                g_assert_cmpint(exit_parser.exit_status, ==, cases[i].exit_status);
                g_assert_cmpint(exit_parser_unit_exit_status(&exit_parser), ==, cases[i].unit);
                g_assert_cmpint(exit_parser_exit_status(&exit_parser), ==,
                                cases[i].result == RESULT_EXIT_STATUS ? cases[i].exit_status : cases[i].unit);
                g_assert_true(result_is_success(exit_parser.result) == (cases[i].unit == 0));
        }
}

/* Solo5's message about its stack is followed by a NUL, which then begins the next line. */
static void test_stray_nul(void)
{
        static const char line[] = "\0Solo5: Halted\r";
        ExitParser exit_parser = EXIT_PARSER_INIT;

        g_assert_true(exit_parser_feed_line(&exit_parser, "Solo5: ABORT: Stack corruption detected\r", 40));
        g_assert_true(exit_parser_feed_line(&exit_parser, line, sizeof line - 1));
        g_assert_cmpint(exit_parser.result, ==, RESULT_ABORTED);
        g_assert_true(exit_parser.halted);
        g_assert_cmpstr(exit_parser.detail, ==, "Stack corruption detected");
        g_assert_false(exit_parser_feed_line(&exit_parser, "\0\r", 2));
        g_assert_cmpint(exit_parser.result, ==, RESULT_ABORTED);
}

/* Whatever a guest writes, the detail is one line of valid UTF-8 without escape sequences. */
static void test_detail_is_harmless(void)
{
        g_autoptr(GString) line = g_string_new("Solo5: ABORT: a\x1b[2J");
        ExitParser exit_parser = EXIT_PARSER_INIT;

        for (int i = 0; i < 40; i++)
                g_string_append(line, "äöü€");
        g_assert_true(exit_parser_feed_line(&exit_parser, line->str, line->len));
        g_assert_true(g_str_has_prefix(exit_parser.detail, "a\\x1b[2Jäö"));
        g_assert_true(g_utf8_validate(exit_parser.detail, -1, NULL));
        g_assert_cmpuint(strlen(exit_parser.detail), >, sizeof exit_parser.detail - 8);

        exit_parser = EXIT_PARSER_INIT;
        g_assert_true(exit_parser_feed_line(&exit_parser, "Solo5: ABORT: \0x\xff", 17));
        g_assert_cmpstr(exit_parser.detail, ==, "");
}

static void test_change_is_told(void)
{
        ExitParser exit_parser = EXIT_PARSER_INIT;

        g_assert_false(exit_parser_feed_line(&exit_parser, "a", 1));
        g_assert_true(exit_parser_feed_line(&exit_parser, "Solo5: Halted", 13));
        g_assert_false(exit_parser_feed_line(&exit_parser, "Solo5: Halted", 13));
        g_assert_true(exit_parser_feed_line(&exit_parser, "a", 1));
        g_assert_false(exit_parser_feed_line(&exit_parser, "a", 1));
}

/* What no other try mends, in the one list that units and shruthid go by. */
static void test_final_statuses(void)
{
        static const int final[] = {1, RUNNER_EXIT_DEFINITION, RUNNER_EXIT_IMAGE, RUNNER_EXIT_HOST, 63, 64};
        static const int others[] = {0, 2, 6, 16, 65, 160, 243, RUNNER_EXIT_GUEST, RUNNER_EXIT_OUTSIDE,
                        RUNNER_EXIT_LIBVIRT, RUNNER_EXIT_RUNNER, -1};

        for (size_t i = 0; i < G_N_ELEMENTS(final); i++)
                g_assert_true(unit_status_is_final(final[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
                g_assert_false(unit_status_is_final(others[i]));
}

static void test_results_have_names(void)
{
        g_autofree char *nobody = NULL;
        ExitParser stopped = {.result = RESULT_STOPPED};

        for (Result result = RESULT_NONE; result < _RESULT_MAX; result++)
                g_assert_cmpint(result_from_string(result_to_string(result)), ==, result);
        g_assert_null(result_to_string(_RESULT_MAX));
        g_assert_cmpint(result_from_string("no-such"), ==, _RESULT_INVALID);

        nobody = exit_parser_message(&stopped, NULL);
        g_assert_cmpstr(nobody, ==, "stopped");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/exit-parser/last-words", test_last_words);
        g_test_add_func("/unikernel/exit-parser/no-last-words", test_no_last_words);
        g_test_add_func("/unikernel/exit-parser/witness-counts-without-last-words",
                        test_witness_counts_without_last_words);
        g_test_add_func("/unikernel/exit-parser/halted-words-count", test_halted_words_count);
        g_test_add_func("/unikernel/exit-parser/own-failures-stay", test_own_failures_stay);
        g_test_add_func("/unikernel/exit-parser/of-a-process-that-is-known", test_process);
        g_test_add_func("/unikernel/exit-parser/stray-nul", test_stray_nul);
        g_test_add_func("/unikernel/exit-parser/detail-is-harmless", test_detail_is_harmless);
        g_test_add_func("/unikernel/exit-parser/change-is-told", test_change_is_told);
        g_test_add_func("/unikernel/exit-parser/final-statuses", test_final_statuses);
        g_test_add_func("/unikernel/exit-parser/results-have-names", test_results_have_names);
        return g_test_run();
}
