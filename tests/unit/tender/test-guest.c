/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest in shruthi-tender does all that Solo5 promises one: console, arguments, exit status, clock,
 * network and block devices. Where nothing can be filtered it is not started; there the loader and the rest
 * are tested without the filter, in the program that is built for that. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender-fixture.h"
#include "tender/exit-status.h"

/* Where it is emulated, also without the end of other memory, which takes an emulator minutes. */
static TenderRun guest_run(const char *guest, const char *options, const char *arguments)
{
        g_auto(TenderRun) refused = {.output = -1, .network = -1, .block = -1};

        if (tender_can_filter())
                return tender_run(guest, options, arguments);

        refused = tender_run(guest, options, arguments);
        g_assert_true(tender_assert_no_filter(&refused));
        return tender_run_without("filter,unmap", guest, options, arguments);
}

static void test_hello(void)
{
        g_auto(TenderRun) run = guest_run("plain", "--memory=2M", "--hello --exit=7 -- x");

        tender_run_end(&run);
        tender_assert_exit(&run, 7);
        g_assert_cmpstr(run.text, ==,
                        "SHRUTHI test guest\nmemory: 2048 KiB\nargument: --hello\nargument: --exit=7\n"
                        "argument: --\nargument: x\nHello, world\nSolo5: solo5_exit(7) called\n");
}

static void test_ends(void)
{
        static const struct {
                const char *argument;
                int status, signal;
        } cases[] = {
                        {"--exit=0", 0, 0},
                        {"--exit=254", 254, 0},
                        {"--abort", 255, 0},
                        {"--trap", 0, SIGSEGV},
                        {"--trap=ud", 0, SIGILL},
                        {"--no-newline=last", 0, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(TenderRun) run = guest_run("plain", "", cases[i].argument);

                tender_run_end(&run);
                if (cases[i].signal != 0)
                        tender_assert_signal(&run, cases[i].signal);
                else
                        tender_assert_exit(&run, cases[i].status);
        }
}

static void test_memory(void)
{
        g_auto(TenderRun) run = guest_run("plain", "--memory=1G", "--exit=0");

        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, "memory: 1048576 KiB\n"));
}

static void test_arguments_long(void)
{
        g_autofree char *longest = g_strnfill(8191 - 9, 'x'),
                        *arguments = g_strconcat("--exit=3 ", longest, NULL);
        g_autofree char *longer = g_strconcat(arguments, "x", NULL);
        g_auto(TenderRun) run = guest_run("plain", "", arguments);
        g_auto(TenderRun) refused = tender_run("plain", "", longer);

        tender_run_end(&run);
        tender_assert_exit(&run, 3);
        g_assert_nonnull(strstr(run.text, longest));
        tender_run_end(&refused);
        tender_assert_exit(&refused, TENDER_EXIT_USAGE);
        g_assert_nonnull(strstr(refused.text, "longer than the 8191 characters that Solo5 takes"));
}

/* Without a space before it, one alone can be as long as all together. */
static void test_argument_longest(void)
{
        g_autofree char *padding = g_strnfill(8191 - strlen("--no-newline="), 'x');
        g_autofree char *longest = g_strconcat("--no-newline=", padding, NULL);
        g_autofree char *longer = g_strconcat(longest, "x", NULL);
        g_auto(TenderRun) run = guest_run("plain", "", longest);
        g_auto(TenderRun) refused = tender_run("plain", "", longer);

        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, longest));
        tender_run_end(&refused);
        tender_assert_exit(&refused, TENDER_EXIT_USAGE);
        g_assert_nonnull(strstr(refused.text, "longer than the 8191 characters that Solo5 takes"));
}

static void test_timer(void)
{
        gint64 before = g_get_monotonic_time();
        g_auto(TenderRun) run = guest_run("plain", "", "--tick=20 --exit-after=1");

        tender_run_expect(&run, "tick 25\n");
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_cmpint(g_get_monotonic_time() - before, >=, G_USEC_PER_SEC);
}

/* A question for the address of 10.0.0.2, from 10.0.0.1. */
static const uint8_t arp_request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 0x99, 8, 6,
                0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 0x99, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0,
                2};

static void test_network(void)
{
        g_auto(TenderRun) run = guest_run("disk", "", "--ipv4=10.0.0.2/24");
        uint8_t frame[2048];

        tender_run_expect(&run, "device: network service at descriptor 3, MAC 52:54:00:00:00:01\n");
        tender_run_expect(&run, "service: serving on 10.0.0.2/24\n");
        /* It says where it is by itself. */
        g_assert_cmpint((int) recv(run.network, frame, sizeof frame, 0), ==, sizeof arp_request);

        for (unsigned i = 0; i < 1000; i++) {
                g_assert_cmpint((int) send(run.network, arp_request, sizeof arp_request, 0), ==,
                                sizeof arp_request);
                g_assert_cmpint((int) recv(run.network, frame, sizeof frame, 0), ==, sizeof arp_request);
                g_assert_cmpmem(frame, 6, arp_request + 6, 6);
                g_assert_cmpmem(frame + 6, 6, "\x52\x54\0\0\0\1", 6);
        }
        g_assert_cmpint(kill(run.pid, SIGTERM), ==, 0);
        tender_run_end(&run);
        tender_assert_signal(&run, SIGTERM);
}

static void test_block(void)
{
        g_auto(TenderRun) run = guest_run("disk", "", "--boots --fill --boots --exit=0");
        struct stat st;

        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, "device: block storage at descriptor 4, 2048 sectors\n"));
        g_assert_nonnull(strstr(run.text, "boot 1\n"));
        g_assert_nonnull(strstr(run.text, "boot 2\n"));
        g_assert_cmpint(fstat(run.block, &st), ==, 0);
        g_assert_cmpint(st.st_size, ==, BLOCK_SIZE);
}

static void test_reader_gone(void)
{
        g_auto(TenderRun) run = guest_run("plain", "", "--tick=5 --exit-after=1");
        int status;

        tender_run_expect(&run, "tick 1\n");
        close(run.output);
        run.output = -1;
        g_assert_cmpint(waitpid(run.pid, &status, 0), ==, run.pid);
        run.pid = 0;
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void test_image_by_descriptor(void)
{
        g_autofree char *image = tender_guest("plain");
        const char *argv[] = {
                        "shruthi-tender", "--without=filter,unmap", "--image=5", "--", "--exit=9", NULL};
        const char *program = g_getenv("TENDER_TESTING");
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};
        int fd = open(image, O_RDONLY);

        g_assert_cmpint(dup2(fd, IMAGE_FD), ==, IMAGE_FD);
        if (tender_can_filter()) {
                program = g_getenv("TENDER");
                argv[1] = "--memory=4M";
        }
        run = tender_run_argv(program, argv);
        close(IMAGE_FD);
        tender_run_end(&run);
        tender_assert_exit(&run, 9);
}

/* A file, open at descriptor 5, with a lock of that open file description, which is there for as long as anybody has
 * that open. */
static char *lock_make(void)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        g_autofree char *path = NULL;
        int fd = g_file_open_tmp(NULL, &path, NULL);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(fcntl(fd, F_OFD_SETLK, &lock), ==, 0);
        g_assert_cmpint(dup2(fd, IMAGE_FD), ==, IMAGE_FD);
        if (fd != IMAGE_FD)
                close(fd);
        /* For whoever is executed. */
        g_assert_cmpint(fcntl(IMAGE_FD, F_SETFD, 0), ==, 0);
        return g_steal_pointer(&path);
}

static bool lock_is_there(const char *path)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDWR | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(fcntl(fd, F_OFD_GETLK, &lock), ==, 0);
        close(fd);
        return lock.l_type != F_UNLCK;
}

/* The descriptor is open until the guest's end, and closed before its beginning if nobody asks for it. */
static void test_hold(void)
{
        static const struct {
                const char *options;
                bool held;
        } cases[] = {{"--hold=5", true}, {"", false}};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = lock_make();
                g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};

                run = guest_run("plain", cases[i].options, "--tick=5 --exit-after=600");
                close(IMAGE_FD);

                tender_run_expect(&run, "tick 2\n");
                g_test_message("%s", cases[i].options);
                g_assert_true(lock_is_there(path) == cases[i].held);
                g_assert_cmpint(kill(run.pid, SIGKILL), ==, 0);
                tender_run_end(&run);
                tender_assert_signal(&run, SIGKILL);
                g_assert_false(lock_is_there(path));
                g_assert_cmpint(unlink(path), ==, 0);
        }
}

/* As everything is that is handed to it at once. */
static void test_hold_with_devices(void)
{
        g_autofree char *path = lock_make();
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};

        run = guest_run("disk", "--hold=5", "--boots --exit=3");
        close(IMAGE_FD);
        tender_run_end(&run);
        tender_assert_exit(&run, 3);
        g_assert_nonnull(strstr(run.text, "boot 1\n"));
        g_assert_false(lock_is_there(path));
        g_assert_cmpint(unlink(path), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/guest/prints, takes its arguments and gives its status", test_hello);
        g_test_add_func("/tender/guest/ends as it will", test_ends);
        g_test_add_func("/tender/guest/has the memory that it is given", test_memory);
        g_test_add_func("/tender/guest/takes as many arguments as Solo5 does", test_arguments_long);
        g_test_add_func("/tender/guest/takes one argument as long as all", test_argument_longest);
        g_test_add_func("/tender/guest/wakes up in time", test_timer);
        g_test_add_func("/tender/guest/answers on its network", test_network);
        g_test_add_func("/tender/guest/reads and writes its block device", test_block);
        g_test_add_func("/tender/guest/goes on when nobody reads its console", test_reader_gone);
        g_test_add_func("/tender/guest/comes from a descriptor", test_image_by_descriptor);
        g_test_add_func("/tender/guest/keeps open what is to be held", test_hold);
        g_test_add_func("/tender/guest/has devices besides what is held", test_hold_with_devices);
        return g_test_run();
}
