/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest for Solo5's hvt target in shruthi-tender, with KVM: it does all that Solo5 promises, and a hostile
 * one has its machine and nothing else. Where KVM does not work, the tender says so. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender-fixture.h"
#include "tender/exit-status.h"

/* Where KVM does not work, the descriptor is not open. */
static bool assert_refused_without_kvm(TenderRun *run)
{
        if (tender_can_kvm())
                return false;

        tender_run_end(run);
        tender_assert_exit(run, TENDER_EXIT_HOST);
        g_assert_nonnull(strstr(run->text, "Descriptor 6 for --kvm= cannot be used: open /dev/kvm"));
        return true;
}

/* A processor of the other architecture stops for other things. */
#ifdef __aarch64__
#define OF_PROCESSOR                                                                                        \
        {"--break=address:256", 0, NO_CALL}, {"--break=address:68", 0, ELSEWHERE},                          \
                        {"--break=address:1073741816", 0, NO_CALL},                                         \
        {                                                                                                   \
                "--break=pair:16", 0, ELSEWHERE                                                             \
        }
#else
#define OF_PROCESSOR                                                                                        \
        {"--break=port:1536", 0, NO_CALL}, {"--break=port:96", 0, "it used a port that does not exist"},    \
                        {"--break=hlt", 0, "it halted its processor"},                                      \
        {                                                                                                   \
                "--triple-fault", 0, "a trap that it did not handle"                                        \
        }
#endif

static void test_hello(void)
{
        g_auto(TenderRun) run = tender_run_machine("plain", "--memory=2M", "--hello --exit=7 -- x");

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 7);
        g_assert_cmpstr(run.text, ==,
                        "SHRUTHI test guest\nmemory: 2048 KiB\nargument: --hello\nargument: --exit=7\n"
                        "argument: --\nargument: x\nHello, world\nSolo5: solo5_exit(7) called\n");
}

typedef struct End {
        const char *arguments;
        int status; /* 0 with a sentence: by SIGSEGV */
        const char *sentence;
} End;

static void assert_ends(const char *guest, const char *options, const End *ends, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                g_auto(TenderRun) run = tender_run_machine(guest, options, ends[i].arguments);

                if (assert_refused_without_kvm(&run))
                        continue;
                tender_run_end(&run);
                if (!ends[i].sentence)
                        tender_assert_exit(&run, ends[i].status);
                else {
                        tender_assert_signal(&run, SIGSEGV);
                        g_assert_nonnull(strstr(run.text, "shruthi-tender: The guest is ended: "));
                        g_assert_null(strstr(run.text, "break: came back"));
                        if (!strstr(run.text, ends[i].sentence))
                                g_error("\"%s\" is not in: %s", ends[i].sentence, run.text);
                }
        }
}

#define BROKEN     "is ended: "
#define NOT_MEMORY "it called for memory that is not its own"
#define NO_CALL    "it made a call that does not exist"
#define ELSEWHERE  "it used an address that is not in its memory"

static void test_ends(void)
{
        static const End ends[] = {
                        {"--exit=0", 0, NULL},
                        {"--exit=254", 254, NULL},
                        {"--abort", 255, NULL},
                        {"--no-newline=last", 0, NULL},
                        /* Its own words, as in Solo5's bindings. */
                        {"--trap", 255, NULL},
                        {"--trap=ud", 255, NULL},
        };

        assert_ends("plain", "--memory=4M", ends, G_N_ELEMENTS(ends));
}

static void test_hostile(void)
{
        static const End ends[] = {
                        {"--break=at:2:0", 0, NOT_MEMORY},
                        {"--break=at:2:65536", 0, NOT_MEMORY},
                        {"--break=at:2:131072", 0, NOT_MEMORY},
                        {"--break=at:8:4194296", 0, NOT_MEMORY},
                        {"--break=at:8:4294967295", 0, NOT_MEMORY},
                        {"--break=call:2:0:5", 0, NOT_MEMORY},
                        {"--break=call:2:131072:5", 0, NOT_MEMORY},
                        {"--break=call:2:4194303:2", 0, NOT_MEMORY},
                        {"--break=call:2:b:4194304", 0, NOT_MEMORY},
                        {"--break=call:2:b:-1", 0, NOT_MEMORY},
                        {"--break=call:0", 0, NO_CALL},
                        {"--break=call:9", 0, NO_CALL},
                        OF_PROCESSOR,
                        /* By its own tables it gets no further than its machine does. */
                        {"--break=tables --break=read:4194304", 0, BROKEN},
                        {"--break=tables --break=write:4194304", 0, BROKEN},
                        {"--break=tables --break=write:1048576", 0, BROKEN},
                        /* … nor does it change what it was told, or the tables that it began with. */
                        {"--break=tables --break=write:65536", 0, BROKEN},
                        {"--break=tables --break=write:131072", 0, BROKEN},
                        {"--break=tables --break=read:65536 --break=read:131072 --exit=3", 3, NULL},
                        /* By those that it begins with, these are traps, of which it tells. */
                        {"--break=read:0", 255, NULL},
                        {"--break=write:65536", 255, NULL},
                        {"--break=read:131072", 255, NULL},
                        {"--break=write:1048576", 255, NULL},
                        {"--break=read:4194304", 255, NULL},
                        {"--break=jump:heap", 255, NULL},
                        {"--break=jump:stack", 255, NULL},
        };

        assert_ends("plain", "--memory=4M", ends, G_N_ELEMENTS(ends));
}

#ifdef __aarch64__
/* What KVM would answer itself. That it is a guest's end needs Linux 6.4; before, the call comes back with
 * an error. */
static void test_hypervisor(void)
{
        g_auto(TenderRun) run = tender_run_machine("plain", "", "--break=hvc --exit=5");
        struct utsname host;
        unsigned major, minor;

        if (assert_refused_without_kvm(&run))
                return;
        g_assert_cmpint(uname(&host), ==, 0);
        g_assert_cmpint(sscanf(host.release, "%u.%u", &major, &minor), ==, 2);
        tender_run_end(&run);
        if (major < 6 || (major == 6 && minor < 4)) {
                tender_assert_exit(&run, 5);
                return;
        }
        tender_assert_signal(&run, SIGSEGV);
        g_assert_nonnull(strstr(run.text, "it called a hypervisor"));
}
#endif

static void test_heap_executable(void)
{
        g_auto(TenderRun) run = tender_run_machine("plain", "--memory=4M --executable-heap",
                        "--break=jump:heap --break=jump:stack --exit=0");

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, "break: came back\nbreak: came back\n"));
}

static void test_memory(void)
{
        g_auto(TenderRun) run = tender_run_machine("plain", "--memory=4G", "--exit=0");

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, "memory: 4194304 KiB\n"));
}

static void test_timer(void)
{
        gint64 before = g_get_monotonic_time();
        g_auto(TenderRun) run = tender_run_machine("plain", "", "--tick=20 --exit-after=1");

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_expect(&run, "tick 25\n");
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_cmpint(g_get_monotonic_time() - before, >=, G_USEC_PER_SEC);
}

/* A question for the address of 10.0.0.2, from 10.0.0.1. */
static const uint8_t arp_request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 0x99, 8, 6,
                0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 0x99, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0,
                2};

static void assert_network(const char *options)
{
        g_auto(TenderRun) run = tender_run_machine("disk", options, "--ipv4=10.0.0.2/24");
        uint8_t frame[2048];

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_expect(&run, "MAC 52:54:00:00:00:01\n");
        tender_run_expect(&run, "service: serving on 10.0.0.2/24\n");
        g_assert_cmpint((int) recv(run.network, frame, sizeof frame, 0), ==, sizeof arp_request);

        for (unsigned i = 0; i < 1000; i++) {
                g_assert_cmpint((int) send(run.network, arp_request, sizeof arp_request, 0), ==,
                                sizeof arp_request);
                g_assert_cmpint((int) recv(run.network, frame, sizeof frame, 0), ==, sizeof arp_request);
                g_assert_cmpmem(frame, 6, arp_request + 6, 6);
        }
        g_assert_cmpint(kill(run.pid, SIGTERM), ==, 0);
        tender_run_end(&run);
        tender_assert_signal(&run, SIGTERM);
}

/* By the ring of Solo5 0.11, and by calls, as guests of before have it. */
static void test_network_by_ring(void)
{
        assert_network("--ring");
}

static void test_network(void)
{
        assert_network("");
}

/* What a guest puts into its ring is no more believed than its calls are. */
static void test_ring_broken(void)
{
        static const End ends[] = {
                        {"--break=ring:2000", 0, "it put more into its ring than there is room for"},
                        {"--break=ring-at:0", 0, NOT_MEMORY},
                        {"--break=ring-at:131072", 0, NOT_MEMORY},
                        {"--break=ring-at:4194280", 0, NOT_MEMORY},
        };

        assert_ends("disk", "--memory=4M --ring", ends, G_N_ELEMENTS(ends));
}

static void test_block(void)
{
        g_auto(TenderRun) run = tender_run_machine("disk", "", "--boots --fill --boots --exit=0");
        struct stat st;

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, "boot 1\n"));
        g_assert_nonnull(strstr(run.text, "boot 2\n"));
        g_assert_cmpint(fstat(run.block, &st), ==, 0);
        g_assert_cmpint(st.st_size, ==, BLOCK_SIZE);
}

/* Stopped and continued, wherever it is. */
static void test_pause(void)
{
        g_auto(TenderRun) run = tender_run_machine("plain", "", "--tick=5 --exit-after=1");

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_expect(&run, "tick 1\n");
        for (unsigned i = 0; i < 100; i++) {
                int status;

                g_assert_cmpint(kill(run.pid, SIGSTOP), ==, 0);
                g_assert_cmpint(waitpid(run.pid, &status, WUNTRACED), ==, run.pid);
                g_assert_true(WIFSTOPPED(status));
                g_assert_cmpint(kill(run.pid, SIGCONT), ==, 0);
        }
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
}

static void test_reader_gone(void)
{
        g_auto(TenderRun) run = tender_run_machine("plain", "", "--tick=5 --exit-after=1");
        int status;

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_expect(&run, "tick 1\n");
        close(run.output);
        run.output = -1;
        g_assert_cmpint(waitpid(run.pid, &status, 0), ==, run.pid);
        run.pid = 0;
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

/* The thread that runs the processor, and the one for the ring; the kernel's own is none of ours. */
static void assert_all_filtered(pid_t pid)
{
        g_autofree char *tasks = g_strdup_printf("/proc/%d/task", pid);
        g_autoptr(GDir) dir = g_dir_open(tasks, 0, NULL);
        const char *name;
        unsigned n = 0;

        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(tasks, name, "status", NULL), *status = NULL;

                g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
                if (!g_str_has_prefix(status, "Name:\tshruthi-tender"))
                        continue;
                g_assert_nonnull(strstr(status, "\nSeccomp:\t2\n"));
                g_assert_nonnull(strstr(status, "\nNoNewPrivs:\t1\n"));
                g_assert_nonnull(strstr(status, "\nCapEff:\t0000000000000000\n"));
                n++;
        }
        g_assert_cmpuint(n, ==, 2);
}

/* As anybody sees the process from outside. The kernel may have made a thread of its own in it, for KVM. */
static void test_process(void)
{
        static const char *const lines[] = {
                        "\nSeccomp:\t2\n",
                        "\nNoNewPrivs:\t1\n",
                        "\nCapPrm:\t0000000000000000\n",
                        "\nCapEff:\t0000000000000000\n",
                        "\nCapAmb:\t0000000000000000\n",
                        "\nSigIgn:\t0000000000001000\n", /* SIGPIPE */
                        "\nSigCgt:\t0000000000000000\n",
        };
        g_auto(TenderRun) run = tender_run_machine("disk", "--memory=4M --ring", "--tick=1000");
        g_autofree char *path = NULL, *status = NULL, *fds = NULL;
        g_autoptr(GDir) dir = NULL;
        const char *name;

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_expect(&run, "device: block");
        path = g_strdup_printf("/proc/%d/status", run.pid);
        g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                if (!strstr(status, lines[i]))
                        g_error("\"%s\" is not in: %s", lines[i], status);

        assert_all_filtered(run.pid);
        /* Neither /dev/kvm nor the machine. */
        fds = g_strdup_printf("/proc/%d/fd", run.pid);
        dir = g_dir_open(fds, 0, NULL);
        g_assert_nonnull(dir);
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *link = g_build_filename(fds, name, NULL);
                g_autofree char *target = g_file_read_link(link, NULL);

                g_assert_nonnull(target);
                g_assert_false(g_str_has_suffix(target, "/kvm"));
                g_assert_false(g_str_equal(target, "anon_inode:kvm-vm"));
        }
}

/* Each layer may be missing, and the guest runs and ends as ever. */
static void test_without_layers(void)
{
        static const char *const layers[] = {"filter", "descriptors", "landlock", "limits", "execution",
                        "filter,descriptors,landlock,limits,execution"};

        for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
                g_auto(TenderRun) run = tender_run_machine_without(
                                layers[i], "disk", "", "--boots --hello --exit=9");

                if (assert_refused_without_kvm(&run))
                        continue;
                tender_run_end(&run);
                tender_assert_exit(&run, 9);
                g_assert_nonnull(strstr(run.text, "boot 1\n"));
        }
}

/* An ordinary user's limits hold for the threads that KVM makes. */
static void test_ordinary_user(void)
{
        g_autofree char *plain = tender_guest_machine("plain");
        g_autofree char *command = g_strdup_printf("exec setpriv --reuid=65534 --regid=65534 --clear-groups "
                                                   "'%s' --kvm=6 --image=5 -- --exit=8",
                        g_getenv("TENDER"));
        const char *argv[] = {"sh", "-c", command, NULL};
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};
        int fd = open(plain, O_RDONLY);

        if (geteuid() != 0) {
                close(fd);
                return; /* then all the other tests are run by one */
        }
        g_assert_cmpint(dup2(fd, IMAGE_FD), ==, IMAGE_FD);
        run = tender_run_argv("/bin/sh", argv);
        close(IMAGE_FD);
        if (assert_refused_without_kvm(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 8);
}

static void assert_refused(const char *const *argv, int status, const char *sentence)
{
        g_auto(TenderRun) run = tender_run_argv(g_getenv("TENDER"), argv);

        tender_run_end(&run);
        tender_assert_exit(&run, status);
        if (!g_str_has_prefix(run.text, "shruthi-tender: ") || !strstr(run.text, sentence))
                g_error("\"%s\" is not in: %s", sentence, run.text);
}

/* Anywhere, whether KVM works or not. */
static void test_refusals(void)
{
        g_autofree char *plain = tender_guest_machine("plain"), *spt = tender_guest("plain");
        const char *without[] = {"shruthi-tender", plain, NULL};
        const char *closed[] = {"shruthi-tender", "--kvm=70", plain, NULL};
        const char *other[] = {"shruthi-tender", "--kvm=4", plain, NULL};
        const char *process[] = {"shruthi-tender", "--kvm=4", spt, NULL};
        const char *large[] = {"shruthi-tender", "--kvm=4", "--memory=5G", plain, NULL};
        const char *small[] = {"shruthi-tender", "--kvm=4", "--memory=2M", "--block=a=3", plain, NULL};
        const char *twice[] = {"shruthi-tender", "--kvm=3", "--network=a=3", plain, NULL};

        assert_refused(without, TENDER_EXIT_USAGE,
                        "The image is for Solo5's hvt target, which is run with KVM: open /dev/kvm for "
                        "reading "
                        "and writing and give it with --kvm=FD, or build the image for spt");
        assert_refused(closed, TENDER_EXIT_HOST, "Descriptor 70 for --kvm= cannot be used: open /dev/kvm");
        assert_refused(other, TENDER_EXIT_HOST, "Descriptor 4 for --kvm= cannot be used: open /dev/kvm");
        assert_refused(process, TENDER_EXIT_USAGE, "spt target, which is run without KVM: leave --kvm= out");
        assert_refused(large, TENDER_EXIT_USAGE, "can have at most 4G of memory, and is given 5G");
        assert_refused(small, TENDER_EXIT_HOST, "The image has no device \"a\"");
        assert_refused(twice, TENDER_EXIT_USAGE, "Descriptor 3 is given to --kvm= and as device \"a\"");
}

/* Without an image: whether KVM works. */
static void test_check(void)
{
        const char *argv[] = {"shruthi-tender", "--kvm=6", "--check", NULL};
        g_auto(TenderRun) run = tender_run_argv(g_getenv("TENDER"), argv);

        if (assert_refused_without_kvm(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_cmpstr(run.text, ==, "");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_message("KVM %s here", tender_can_kvm() ? "works" : "does not work");
        g_test_add_func("/tender/machine/prints, takes its arguments and gives its status", test_hello);
        g_test_add_func("/tender/machine/ends as it will", test_ends);
        g_test_add_func("/tender/machine/is ended by what it may not do", test_hostile);
#ifdef __aarch64__
        g_test_add_func("/tender/machine/is ended by a call to a hypervisor", test_hypervisor);
#endif
        g_test_add_func("/tender/machine/executes its heap where that is allowed", test_heap_executable);
        g_test_add_func("/tender/machine/has the memory that it is given", test_memory);
        g_test_add_func("/tender/machine/wakes up in time", test_timer);
        g_test_add_func("/tender/machine/answers on its network", test_network);
        g_test_add_func("/tender/machine/answers by a ring", test_network_by_ring);
        g_test_add_func("/tender/machine/has its ring held to its memory", test_ring_broken);
        g_test_add_func("/tender/machine/reads and writes its block device", test_block);
        g_test_add_func("/tender/machine/is paused and goes on", test_pause);
        g_test_add_func("/tender/machine/goes on when nobody reads its console", test_reader_gone);
        g_test_add_func("/tender/machine/is a process without rights", test_process);
        g_test_add_func("/tender/machine/runs without any of the layers", test_without_layers);
        g_test_add_func("/tender/machine/runs for an ordinary user", test_ordinary_user);
        g_test_add_func("/tender/machine/is refused with a sentence", test_refusals);
        g_test_add_func("/tender/machine/is tried", test_check);
        return g_test_run();
}
