/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a guest ended: its exit message on the console and libvirt's events become a result, an exit status
 * and a message. The lines are those of Solo5's bindings/exit.c, abort.c, crt.c, cpu_x86_64.c, cpu_aarch64.c
 * and virtio/platform.c. Pure; fed by shruthi-run. */

#include "unikernel/exit-parser.h"

#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/string-util.h"
#include "config.h"

#define SOLO5            "Solo5: "
#define SOLO5_EXIT_ABORT 255 /* include/solo5.h */
#define WORDS_MAX        512 /* Solo5 cuts its own lines at 320 bytes */

static const char *const result_table[_RESULT_MAX] = {
                [RESULT_NONE] = "",
                [RESULT_SUCCESS] = "success",
                [RESULT_EXIT_STATUS] = "exit-status",
                [RESULT_ABORTED] = "aborted",
                [RESULT_TRAPPED] = "trapped",
                [RESULT_SYSTEM_CALL] = "system-call",
                [RESULT_HALTED] = "halted",
                [RESULT_RESET] = "reset",
                [RESULT_POWERED_OFF] = "powered-off",
                [RESULT_STOPPED] = "stopped",
                [RESULT_SAVED] = "saved",
                [RESULT_OUTSIDE] = "ended-from-outside",
                [RESULT_DEFINITION] = "definition",
                [RESULT_IMAGE] = "image",
                [RESULT_DEVICES] = "devices",
                [RESULT_HOST] = "host",
                [RESULT_LIBVIRT] = "libvirt",
                [RESULT_CREDENTIALS] = "credentials",
                [RESULT_DEPENDENCY] = "dependency",
                [RESULT_NOT_READY] = "not-ready",
                [RESULT_UNHEALTHY] = "unhealthy",
                [RESULT_RUNNER] = "runner",
};
DEFINE_STRING_TABLE(result, Result, result_table, _RESULT_MAX)

/* The names that Solo5 gives to CPU exceptions, in words. */
static const struct {
        const char *type, *words;
} trap_table[] = {
                {"#DE", "division by zero"},
                {"#DB", "debug exception"},
                {"#NMI", "non-maskable interrupt"},
                {"#BP", "breakpoint"},
                {"#OF", "overflow"},
                {"#BR", "bound range exceeded"},
                {"#UD", "invalid instruction"},
                {"#NM", "no floating-point unit"},
                {"#DF", "double fault"},
                {"#TS", "invalid task state segment"},
                {"#NP", "segment not present"},
                {"#SS", "stack fault"},
                {"#GP", "general protection fault"},
                {"#PF", "page fault"},
                {"#MF", "floating-point exception"},
                {"#AC", "misaligned access"},
                {"#MC", "machine check"},
                {"#XM", "SIMD floating-point exception"},
                {"#VE", "virtualization exception"},
};

/* What MirageOS, OCaml and cmdliner mean by their exit statuses. */
static const struct {
        int64_t status;
        const char *meaning;
} status_table[] = {
                {1, "Solo5 or the program itself gave up early"},
                {2, "it ended with an uncaught exception"},
                {63, "it only printed its help or version"},
                {64, "it did not accept its arguments"},
                {123, "it reported an error"},
                {124, "it did not accept its command line"},
                {125, "it had an unexpected internal error"},
                {255, "it ended with an uncaught exception or an abort"},
};

bool result_is_success(Result result)
{
        return result == RESULT_SUCCESS || result == RESULT_POWERED_OFF || result == RESULT_STOPPED ||
               result == RESULT_SAVED;
}

/* Cut at a whole character, so that it stays valid UTF-8. */
static void exit_parser_set_detail(ExitParser *exit_parser, const char *text)
{
        g_autofree char *shown = text_for_display(text, sizeof exit_parser->detail - 1);
        const char *end;

        (void) g_strlcpy(exit_parser->detail, shown, sizeof exit_parser->detail);
        if (!g_utf8_validate(exit_parser->detail, -1, &end))
                exit_parser->detail[end - exit_parser->detail] = 0;
}

static bool exit_parser_set(ExitParser *exit_parser, Result result, int64_t exit_status)
{
        exit_parser->result = result;
        exit_parser->exit_status = exit_status;
        exit_parser->halted = false;
        return true;
}

/* OCaml's runtime, in all its wordings: "Fatal error: not enough memory", "Fatal error: out of memory.",
 * "Fatal error: exception Out_of_memory", "Fatal error: Not enough heap memory to reserve minor heaps". */
static bool line_is_about_memory(const char *line, size_t size)
{
        static const char start[] = "Fatal error: ";
        g_autofree char *text = NULL;

        if (size < strlen(start) || strncmp(line, start, strlen(start)) != 0)
                return false;

        text = g_ascii_strdown(line + strlen(start), (gssize) MIN(size - strlen(start), WORDS_MAX));
        return strstr(text, "memory");
}

/* The backtrace that may follow that message (runtime/printexc.c of OCaml). */
static bool line_is_of_backtrace(const char *line, size_t size)
{
        static const char *const starts[] = {"Raised ", "Re-raised ", "Called from "};

        for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
                if (size >= strlen(starts[i]) && strncmp(line, starts[i], strlen(starts[i])) == 0)
                        return true;
        return false;
}

/* "solo5_exit(N) called": the last argument is printed by %d. */
static bool see_exit(ExitParser *exit_parser, const char *words)
{
        char *end = NULL;
        gint64 status;

        if (!g_str_has_prefix(words, "solo5_exit("))
                return false;

        words += strlen("solo5_exit(");
        if (!g_ascii_isdigit(words[words[0] == '-']))
                return false;
        status = g_ascii_strtoll(words, &end, 10);
        if (!g_str_equal(end, ") called") || status < INT32_MIN || status > INT32_MAX)
                return false;

        exit_parser->detail[0] = 0;
        return exit_parser_set(exit_parser, status == 0 ? RESULT_SUCCESS : RESULT_EXIT_STATUS, status);
}

/* "Trap: EL1 Synchronous Abort caught", on aarch64; a dump of the registers follows. */
static bool see_trap_aarch64(ExitParser *exit_parser, const char *words)
{
        g_autofree char *kind = NULL, *detail = NULL;
        int level, at = 0;

        if (sscanf(words, "Trap: EL%d %n", &level, &at) != 1 || at == 0 ||
                        !g_str_has_suffix(words + at, " caught"))
                return false;

        kind = g_strndup(words + at, strlen(words + at) - strlen(" caught"));
        detail = g_ascii_strdown(kind, -1);
        exit_parser_set_detail(exit_parser, detail);
        return exit_parser_set(exit_parser, RESULT_TRAPPED, SOLO5_EXIT_ABORT);
}

/* What cpu_aarch64.c prints after that without its name in front: "Data Abort Address: 0x…", and one line
 * for each register, of which the instruction's is shown. */
static bool line_is_of_dump(const char *line, size_t size)
{
        static const char *const starts[] = {"Data Abort Address: 0x", "\t "};

        for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
                if (size >= strlen(starts[i]) && strncmp(line, starts[i], strlen(starts[i])) == 0)
                        return true;
        return false;
}

static bool see_dump(ExitParser *exit_parser, const char *line, size_t size)
{
        g_autofree char *text = g_strndup(line, MIN(size, WORDS_MAX)), *old = NULL, *detail = NULL;
        char number[17];

        if (sscanf(text, "Data Abort Address: 0x%16[0-9a-f]", number) == 1)
                detail = g_strdup_printf("data abort at 0x%" G_GINT64_MODIFIER "x",
                                g_ascii_strtoull(number, NULL, 16));
        else if (sscanf(text, "\t PC : 0x%16[0-9a-f]", number) == 1 && !strchr(exit_parser->detail, '(')) {
                old = g_strdup(exit_parser->detail);
                detail = g_strdup_printf("%s (instruction 0x%" G_GINT64_MODIFIER "x)", old,
                                g_ascii_strtoull(number, NULL, 16));
        } else
                return false;

        exit_parser_set_detail(exit_parser, detail);
        return true;
}

/* "trap: type=#PF ec=0x2 rip=0x105fe2 rsp=…", and for a page fault one more line: "trap: cr2=0x400000000".
 * The "ABORT: …: Fatal trap" that follows says less than these and changes nothing. */
static bool see_trap(ExitParser *exit_parser, const char *words)
{
        char type[8], instruction[20], address[20];
        g_autofree char *detail = NULL;

        if (sscanf(words, "trap: type=%7s ec=%*s rip=%19[0-9a-fx]", type, instruction) == 2) {
                const char *name = type;

                for (size_t i = 0; i < G_N_ELEMENTS(trap_table); i++)
                        if (g_str_equal(trap_table[i].type, type))
                                name = trap_table[i].words;

                detail = g_strdup_printf("%s at instruction %s", name, instruction);
                exit_parser_set_detail(exit_parser, detail);
                return exit_parser_set(exit_parser, RESULT_TRAPPED, SOLO5_EXIT_ABORT);
        }

        if (exit_parser->result == RESULT_TRAPPED && sscanf(words, "trap: cr2=%19[0-9a-fx]", address) == 1 &&
                        sscanf(exit_parser->detail, "page fault at instruction %19s", instruction) == 1) {
                detail = g_strdup_printf("page fault at %s (instruction %s)", address, instruction);
                exit_parser_set_detail(exit_parser, detail);
                return true;
        }

        return false;
}

/* "ABORT: FILE:LINE: WHY"; whatever the file is called, "Fatal trap" is where a trap ends. */
static bool see_abort(ExitParser *exit_parser, const char *words)
{
        if (g_str_has_prefix(words, "ABORT: ")) {
                if (exit_parser->result == RESULT_TRAPPED)
                        return false;
                exit_parser_set_detail(exit_parser, words + strlen("ABORT: "));
                return exit_parser_set(exit_parser,
                                g_str_has_suffix(words, ": Fatal trap") ? RESULT_TRAPPED : RESULT_ABORTED,
                                SOLO5_EXIT_ABORT);
        }

        if (g_str_equal(words, "solo5_abort() called"))
                return exit_parser_set(exit_parser, RESULT_ABORTED, SOLO5_EXIT_ABORT);

        /* What Solo5 says before it aborts by itself: "PCI enumeration failed. Aborting." */
        if (g_str_has_suffix(words, ". Aborting.") && exit_parser->result == RESULT_NONE) {
                g_autofree char *why = g_strndup(words, strlen(words) - strlen(". Aborting."));

                exit_parser_set_detail(exit_parser, why);
                return true;
        }

        return false;
}

static bool see_halted(ExitParser *exit_parser, const char *words)
{
        if (!g_str_equal(words, "Halted") || exit_parser->halted)
                return false;

        exit_parser->halted = true;
        return true;
}

/* The guest goes on: what it printed before was not an exit message. */
static bool exit_parser_revoke(ExitParser *exit_parser, const char *line, size_t size)
{
        bool memory = line_is_about_memory(line, size) ||
                      (exit_parser->short_of_memory && line_is_of_backtrace(line, size));

        if (exit_parser->result == RESULT_NONE && !exit_parser->halted && exit_parser->detail[0] == 0 &&
                        exit_parser->short_of_memory == memory)
                return false;

        *exit_parser = EXIT_PARSER_INIT;
        exit_parser->short_of_memory = memory;
        return true;
}

/* The last occurrence of the beginning of Solo5's lines; unlike g_strrstr_len() it also looks beyond a
 * NUL. */
static const char *find_solo5(const char *line, size_t size)
{
        const char *found = NULL, *end = line + size, *p = line;

        while ((p = memmem(p, (size_t) (end - p), SOLO5, strlen(SOLO5))))
                found = p++;

        return found;
}

bool exit_parser_feed_line(ExitParser *exit_parser, const char *line, size_t size)
{
        char words[WORDS_MAX];
        const char *start;
        size_t length;

        if (exit_parser->result >= RESULT_DEFINITION)
                return false;

        /* Solo5's "Stack corruption detected" ends with a NUL after the newline (crt.c), so the next line
         * begins with it. */
        for (; size > 0 && line[0] == 0; size--)
                line++;
        while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == 0))
                size--;

        /* The last line may be incomplete. */
        if (size < strlen(SOLO5) && strncmp(line, SOLO5, size) == 0)
                return false;

        /* The program's last output need not end with a newline: then Solo5's message follows it in the same
         * line. */
        start = find_solo5(line, size);
        if (!start && exit_parser->result == RESULT_TRAPPED && line_is_of_dump(line, size))
                return see_dump(exit_parser, line, size);
        if (!start)
                return exit_parser_revoke(exit_parser, line, size);
        length = size - (size_t) (start - line) - strlen(SOLO5);
        if (length >= sizeof words)
                length = sizeof words - 1;
        memcpy(words, start + strlen(SOLO5), length);
        words[length] = 0;

        if (see_exit(exit_parser, words) || see_trap(exit_parser, words) ||
                        see_trap_aarch64(exit_parser, words) || see_abort(exit_parser, words))
                return true;
        /* "Halted" makes the runner end the domain, so it must be a whole line. */
        if (start == line)
                return see_halted(exit_parser, words);

        return exit_parser_revoke(exit_parser, line, size);
}

void exit_parser_settle(ExitParser *exit_parser, TerminationCause ending)
{
        static const Result without_last_words[] = {
                        [TERMINATION_CONSOLE] = RESULT_OUTSIDE,
                        [TERMINATION_STOPPED] = RESULT_STOPPED,
                        [TERMINATION_POWERED_OFF] = RESULT_POWERED_OFF,
                        [TERMINATION_DESTROYED] = RESULT_OUTSIDE,
                        [TERMINATION_HALTED] = RESULT_HALTED,
                        [TERMINATION_RESET] = RESULT_RESET,
                        [TERMINATION_SAVED] = RESULT_SAVED,
                        [TERMINATION_KILLED] = RESULT_OUTSIDE,
        };
        bool its_own = ending == TERMINATION_CONSOLE || ending == TERMINATION_POWERED_OFF ||
                       ending == TERMINATION_HALTED;

        /* If the guest halted after its message, that message was its last, even if somebody else was
         * quicker to end the domain. */
        if (exit_parser->halted && ending != TERMINATION_RESET && ending != TERMINATION_SAVED)
                its_own = true;
        if (exit_parser->result >= RESULT_DEFINITION || (exit_parser->result != RESULT_NONE && its_own))
                return;

        exit_parser->result = without_last_words[ending];
        /* Somebody may end a halted domain before we do. */
        if (exit_parser->halted && exit_parser->result == RESULT_OUTSIDE)
                exit_parser->result = RESULT_HALTED;
        exit_parser->exit_status = -1;
        if (exit_parser->result != RESULT_OUTSIDE)
                exit_parser->detail[0] = 0;
        else if (ending != TERMINATION_KILLED)
                exit_parser_set_detail(exit_parser, "destroyed through libvirt, or QEMU died");
}

/* Signals that the processor's exceptions become. */
static const struct {
        int signal;
        const char *words;
} fault_table[] = {
                {SIGSEGV, "use of memory that is not its own"},
                {SIGBUS, "use of memory that is not there"},
                {SIGILL, "invalid instruction"},
                {SIGFPE, "division by zero, or another arithmetic fault"},
                {SIGTRAP, "breakpoint"},
};

static bool exit_parser_agrees(const ExitParser *exit_parser, int status)
{
        switch (exit_parser->result) {
        case RESULT_SUCCESS:
        case RESULT_EXIT_STATUS:
                return (exit_parser->exit_status & 0xff) == status;
        case RESULT_ABORTED:
        case RESULT_TRAPPED:
                return status == SOLO5_EXIT_ABORT;
        default:
                return false;
        }
}

TerminationCause exit_parser_take_process(ExitParser *exit_parser, int code, int status)
{
        if (code == CLD_EXITED) {
                bool aborted = status == SOLO5_EXIT_ABORT;

                /* What it has printed before says more. A process has the last 8 bits of its number. */
                if (!exit_parser_agrees(exit_parser, status))
                        (void) exit_parser_set(exit_parser,
                                        status == 0 ? RESULT_SUCCESS
                                        : aborted   ? RESULT_ABORTED
                                                    : RESULT_EXIT_STATUS,
                                        status);
                return TERMINATION_CONSOLE;
        }

        if (code == 0) {
                if (exit_parser->result != RESULT_NONE)
                        return TERMINATION_CONSOLE;
                exit_parser_set_detail(exit_parser, "its runner was killed before, and this kernel tells "
                                                    "nobody else how it ended");
                return TERMINATION_KILLED;
        }
        if (status == SIGSYS) {
                (void) exit_parser_set(exit_parser, RESULT_SYSTEM_CALL, SOLO5_EXIT_ABORT);
                return TERMINATION_CONSOLE;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(fault_table); i++)
                if (fault_table[i].signal == status) {
                        exit_parser_set_detail(exit_parser, fault_table[i].words);
                        (void) exit_parser_set(exit_parser, RESULT_TRAPPED, SOLO5_EXIT_ABORT);
                        return TERMINATION_CONSOLE;
                }

        /* It was told to, whatever it had printed. */
        (void) exit_parser_set(exit_parser, RESULT_NONE, -1);
        (void) g_snprintf(exit_parser->detail, sizeof exit_parser->detail,
                        "killed by signal %d (%s), by somebody or because the host had too little memory",
                        status, strsignal(status));
        return TERMINATION_KILLED;
}

bool unit_status_is_final(int status)
{
        g_auto(GStrv) all = g_strsplit(SHRUTHI_FINAL_STATUSES, " ", -1);
        char text[12];

        (void) g_snprintf(text, sizeof text, "%d", status);
        return g_strv_contains((const char *const *) all, text);
}

int result_runner_exit_status(Result result)
{
        switch (result) {
        case RESULT_DEFINITION:
                return RUNNER_EXIT_DEFINITION;
        case RESULT_IMAGE:
                return RUNNER_EXIT_IMAGE;
        case RESULT_DEVICES:
        case RESULT_HOST:
        case RESULT_CREDENTIALS:
                return RUNNER_EXIT_HOST;
        case RESULT_LIBVIRT:
                return RUNNER_EXIT_LIBVIRT;
        case RESULT_NOT_READY:
                return RUNNER_EXIT_NOT_READY;
        case RESULT_UNHEALTHY:
                return RUNNER_EXIT_UNHEALTHY;
        default:
                return RUNNER_EXIT_RUNNER;
        }
}

int exit_parser_unit_exit_status(const ExitParser *exit_parser)
{
        switch (exit_parser->result) {
        case RESULT_SUCCESS:
        case RESULT_POWERED_OFF:
        case RESULT_STOPPED:
        case RESULT_SAVED:
                return 0;
        case RESULT_EXIT_STATUS:
                return exit_parser->exit_status > 0 && exit_parser->exit_status < RUNNER_EXIT_GUEST
                                       ? (int) exit_parser->exit_status
                                       : RUNNER_EXIT_GUEST;
        case RESULT_ABORTED:
        case RESULT_TRAPPED:
        case RESULT_SYSTEM_CALL:
        case RESULT_HALTED:
        case RESULT_RESET:
                return RUNNER_EXIT_GUEST;
        case RESULT_OUTSIDE:
                return RUNNER_EXIT_OUTSIDE;
        default:
                return result_runner_exit_status(exit_parser->result);
        }
}

int64_t exit_parser_exit_status(const ExitParser *exit_parser)
{
        return exit_parser->result == RESULT_EXIT_STATUS ? exit_parser->exit_status
                                                         : exit_parser_unit_exit_status(exit_parser);
}

static char *with_detail(const char *words, const ExitParser *exit_parser)
{
        return g_strconcat(words, exit_parser->detail[0] ? ": " : NULL, exit_parser->detail, NULL);
}

static char *exit_sentence(const ExitParser *exit_parser)
{
        const char *meaning = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(status_table); i++)
                if (status_table[i].status == exit_parser->exit_status)
                        meaning = status_table[i].meaning;

        return g_strdup_printf("exited with status %" G_GINT64_FORMAT "%s%s", exit_parser->exit_status,
                        meaning ? ": " : "", meaning ?: "");
}

static char *with_memory(char *message, const ExitParser *exit_parser)
{
        g_autofree char *owned = message;

        return g_strconcat(owned,
                        exit_parser->short_of_memory ? "; it reported too little memory: raise Memory="
                                                     : NULL,
                        NULL);
}

char *exit_parser_message(const ExitParser *exit_parser, const char *stopper)
{
        switch (exit_parser->result) {
        case RESULT_NONE:
                return g_strdup("has not ended");
        case RESULT_SUCCESS:
                return exit_sentence(exit_parser);
        case RESULT_EXIT_STATUS:
                return with_memory(exit_sentence(exit_parser), exit_parser);
        case RESULT_ABORTED:
        case RESULT_TRAPPED:
                return with_memory(with_detail("aborted", exit_parser), exit_parser);
        case RESULT_SYSTEM_CALL:
                return g_strdup("was killed because it made a system call that a guest may not make");
        case RESULT_HALTED:
                return g_strdup("halted without an exit status");
        case RESULT_RESET:
                return g_strdup("reset itself: too little memory (Memory=), a crash that it could not "
                                "report (a triple fault), a kernel panic, or a reboot; Restart=on-failure "
                                "starts it again");
        case RESULT_POWERED_OFF:
                return g_strdup("powered off without an exit status");
        case RESULT_STOPPED:
                return stopper ? g_strdup_printf("stopped by user %s", stopper) : g_strdup("stopped");
        case RESULT_SAVED:
                return g_strdup("saved with its memory");
        case RESULT_OUTSIDE:
                return with_detail("ended from outside", exit_parser);
        case RESULT_DEFINITION:
                return with_detail("its definition is invalid", exit_parser);
        case RESULT_IMAGE:
                return with_detail("its image is missing or cannot be hosted", exit_parser);
        case RESULT_DEVICES:
                return with_detail("its devices do not match its image", exit_parser);
        case RESULT_HOST:
                return with_detail("this host could not run it", exit_parser);
        case RESULT_LIBVIRT:
                return with_detail("libvirt could not be reached", exit_parser);
        case RESULT_CREDENTIALS:
                return with_detail("its key material cannot be read", exit_parser);
        case RESULT_NOT_READY:
                return with_detail("was not ready in time", exit_parser);
        case RESULT_UNHEALTHY:
                return with_detail("became unhealthy", exit_parser);
        case RESULT_DEPENDENCY:
                return with_detail("a unit that it requires did not start", exit_parser);
        default:
                return with_detail("its runner failed", exit_parser);
        }
}
