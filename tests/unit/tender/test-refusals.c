/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What shruthi-tender does not start, with the sentence and the exit status; and images that it does start
 * although they are unusual. */

#include <elf.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tender-fixture.h"
#include "tender/exit-status.h"

#ifdef __aarch64__
#define OTHER      "guest-plain.spt"
#define OTHER_NAME "x86_64"
#else
#define OTHER      "guest-plain-aarch64.spt"
#define OTHER_NAME "aarch64"
#endif

static void assert_refused(const char *program, const char *const *argv, int status, const char *sentence)
{
        g_auto(TenderRun) run = tender_run_argv(program, argv);

        tender_run_end(&run);
        tender_assert_exit(&run, status);
        if (!g_str_has_prefix(run.text, "shruthi-tender: ") || !strstr(run.text, sentence))
                g_error("\"%s\" is not in: %s", sentence, run.text);
        g_assert_true(g_str_has_suffix(run.text, "\n"));
}

static void test_devices(void)
{
        g_autofree char *plain = tender_guest("plain"), *disk = tender_guest("disk");
        const struct {
                const char *options[4];
                const char *image;
                int status;
                const char *sentence;
        } cases[] = {
                        {{}, disk, 62,
                                        "The image has the network device \"service\", for which nothing is "
                                        "given: add "
                                        "--network=service=FD"},
                        {{"--network=service=3"}, disk, 62,
                                        "the block device \"storage\", for which nothing is given"},
                        {{"--network=service=3"}, plain, 62,
                                        "The image has no device \"service\": leave it out"},
                        {{"--network=service=3", "--network=storage=4"}, disk, 62,
                                        "The device \"storage\" of the image is a block device"},
                        {{"--network=service=4", "--block=storage=3"}, disk, 62,
                                        "Descriptor 4 for the network \"service\" is neither a tap nor"},
                        {{"--network=service=70", "--block=storage=4"}, disk, 62,
                                        "Descriptor 70 for the device \"service\" cannot be used"},
                        {{"--network=service=3", "--block=storage=70"}, disk, 62, "cannot be used"},
                        {{"--network=service=3", "--block=storage=4,block-size=4096", "--memory=1M"}, disk,
                                        60, "out of range"},
                        {{"--image=4"}, NULL, 61, "The image is no ELF file"},
                        {{"--image=3"}, NULL, 61, "The image is not a regular file"},
                        {{"--image=70"}, NULL, 62, "Cannot inspect the image"},
                        {{}, "/nonexistent", 61,
                                        "The image \"/nonexistent\" cannot be opened: No such file"},
                        {{}, "/dev/null", 61, "The image is not a regular file"},
                        {{}, "/", 61, "The image is not a regular file"},
                        {{"--memory=many"}, plain, 60, "is not a size"},
                        {{"--network=service=3", "--block=storage=4", "--hold=4"}, disk, 60,
                                        "Descriptor 4 is given to --hold= and as device \"storage\": give each its "
                                        "own"},
                        {{"--hold=1"}, plain, 60, "\"1\" in --hold=1 is not a descriptor"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) argv = g_ptr_array_new();

                g_ptr_array_add(argv, (gpointer) "shruthi-tender");
                for (size_t j = 0; j < G_N_ELEMENTS(cases[i].options) && cases[i].options[j]; j++)
                        g_ptr_array_add(argv, (gpointer) cases[i].options[j]);
                g_ptr_array_add(argv, (gpointer) cases[i].image);
                g_ptr_array_add(argv, NULL);
                assert_refused(g_getenv("TENDER"), (const char *const *) argv->pdata, cases[i].status,
                                cases[i].sentence);
        }
}

/* A file as descriptor 5, and what becomes of it as the block device. */
static void assert_block_refused(int flags, off_t size, const char *sentence)
{
        g_autofree char *disk = tender_guest("disk"), *path = NULL;
        const char *argv[] = {"shruthi-tender", "--network=service=3", "--block=storage=5", disk, NULL};
        int made = g_file_open_tmp(NULL, &path, NULL), fd;

        g_assert_cmpint(ftruncate(made, size), ==, 0);
        close(made);
        fd = open(path, flags);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(dup2(fd, IMAGE_FD), ==, IMAGE_FD);
        if (fd != IMAGE_FD)
                close(fd);
        assert_refused(g_getenv("TENDER"), argv, TENDER_EXIT_HOST, sentence);
        close(IMAGE_FD);
        g_unlink(path);
}

static void test_block(void)
{
        assert_block_refused(O_RDWR | O_APPEND, 512, "is open for appending: open it without O_APPEND");
        assert_block_refused(O_WRONLY, 512, "cannot be read: open it");
        assert_block_refused(O_PATH, 512, "cannot be read: open it");
        assert_block_refused(O_RDWR, 0, "The block device \"storage\" has 0 bytes");
        assert_block_refused(O_RDWR, 513, "has 513 bytes, which is no number of whole blocks of 512 bytes");
}

static void test_other_images(void)
{
        g_autofree char *other = g_build_filename(g_getenv("GUEST_IMAGES"), OTHER, NULL);
        g_autofree char *virtio = g_build_filename(g_getenv("GUEST_IMAGES"), "guest-plain.virtio", NULL);
        const char *argv[] = {"shruthi-tender", other, NULL};

        /* Each exists where there is a compiler for its processor. */
        if (g_file_test(other, G_FILE_TEST_EXISTS))
                assert_refused(g_getenv("TENDER"), argv, TENDER_EXIT_IMAGE,
                                "The image is for " OTHER_NAME ", this host is ");
        argv[1] = virtio;
        if (g_file_test(virtio, G_FILE_TEST_EXISTS))
                assert_refused(g_getenv("TENDER"), argv, TENDER_EXIT_IMAGE,
                                "The image is built for virtio, not for spt or hvt");
}

static void test_standard_descriptors(void)
{
        g_autofree char *plain = tender_guest("plain");
        g_autofree char *command = g_strdup_printf("exec '%s' '%s' >&-", g_getenv("TENDER"), plain);
        const char *argv[] = {"sh", "-c", command, NULL};

        assert_refused("/bin/sh", argv, TENDER_EXIT_HOST, "Standard output or standard error is closed");
}

/* The plain guest, and what has been changed in it, in a file of its own. */
typedef struct Copy {
        char *data;
        gsize size;
        Elf64_Phdr *segments; /* within data */
        unsigned n_segments;
} Copy;

static Copy copy_make(void)
{
        g_autofree char *plain = tender_guest("plain");
        Copy copy = {};
        Elf64_Ehdr *header;

        g_assert_true(g_file_get_contents(plain, &copy.data, &copy.size, NULL));
        header = (Elf64_Ehdr *) (void *) copy.data;
        copy.segments = (Elf64_Phdr *) (void *) (copy.data + header->e_phoff);
        copy.n_segments = header->e_phnum;
        return copy;
}

static TenderRun copy_run(const Copy *copy, const char *memory)
{
        const char *argv[] = {"shruthi-tender", memory, "--image=5", "--", "--exit=4", NULL, NULL};
        const char *program = g_getenv("TENDER");
        g_autofree char *path = NULL;
        int fd = g_file_open_tmp(NULL, &path, NULL);
        TenderRun run;

        g_assert_cmpint((int) write(fd, copy->data, copy->size), ==, (int) copy->size);
        g_assert_cmpint(dup2(fd, IMAGE_FD), ==, IMAGE_FD);
        if (fd != IMAGE_FD)
                close(fd);
        g_unlink(path);
        if (!tender_can_filter()) {
                program = g_getenv("TENDER_TESTING");
                memmove(argv + 2, argv + 1, 4 * sizeof *argv);
                argv[1] = "--without=filter,unmap";
        }
        run = tender_run_argv(program, argv);
        close(IMAGE_FD);
        tender_run_end(&run);
        return run;
}

static void copy_clear(Copy *copy)
{
        g_free(copy->data);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Copy, copy_clear)

/* Then it cannot be mapped, and is copied. */
static void test_out_of_step(void)
{
        g_auto(Copy) copy = copy_make();
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};
        gsize old_size = copy.size, added = 17;
        char *old = copy.data;

        for (unsigned i = 0; i < copy.n_segments; i++)
                if (copy.segments[i].p_type == PT_LOAD) {
                        copy.segments[i].p_offset += old_size + added;
                }
        copy.size = 2 * old_size + added;
        copy.data = g_malloc0(copy.size);
        memcpy(copy.data, old, old_size);
        memcpy(copy.data + old_size + added, old, old_size);
        g_free(old);

        run = copy_run(&copy, "--memory=4M");
        tender_assert_exit(&run, 4);
}

static void test_memory_too_small(void)
{
        g_auto(Copy) copy = copy_make();
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};

        for (unsigned i = 0; i < copy.n_segments; i++)
                if (copy.segments[i].p_type == PT_LOAD && copy.segments[i].p_flags & PF_W)
                        copy.segments[i].p_memsz = 64 << 20;
        run = copy_run(&copy, "--memory=64M");
        tender_assert_exit(&run, TENDER_EXIT_USAGE);
        g_assert_nonnull(strstr(run.text,
                        "The image needs at least 66M of memory, and is given 64M: raise --memory="));
}

/* The n-th of those that are loaded, which are code and data. */
static Elf64_Phdr *copy_segment(const Copy *copy, unsigned n)
{
        for (unsigned i = 0; i < copy->n_segments; i++)
                if (copy->segments[i].p_type == PT_LOAD && n-- == 0)
                        return &copy->segments[i];

        g_assert_not_reached();
}

static void test_segment_beyond_memory(void)
{
        g_auto(Copy) copy = copy_make();
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};
        Elf64_Phdr *last = copy_segment(&copy, 1);

        last->p_vaddr = 1 << 30;
        last->p_memsz = last->p_filesz = 16;
        run = copy_run(&copy, "--memory=64M");
        tender_assert_exit(&run, TENDER_EXIT_USAGE);
        g_assert_nonnull(strstr(run.text,
                        "The image needs at least 1025M of memory, and is given 64M: raise --memory="));
}

/* Its end and the stack's size would be a small number together, and the segment before would be mapped over
 * whatever is there. */
static void test_segments_around_memory(void)
{
        static const uint64_t last_addresses[] = {
                        UINT64_MAX - 0x1fff, UINT64_MAX - 0xffff, UINT64_C(1) << 47};

        for (size_t i = 0; i < G_N_ELEMENTS(last_addresses); i++) {
                g_auto(Copy) copy = copy_make();
                g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};
                Elf64_Phdr *middle = copy_segment(&copy, 0), *last = copy_segment(&copy, 1);

                /* The code, with the entry, is the first now, in the place of the interpreter's name. */
                g_assert_cmpuint(copy.segments[0].p_type, ==, PT_INTERP);
                copy.segments[0] = *middle;
                middle->p_flags = PF_R;
                last->p_vaddr = last_addresses[i];
                last->p_memsz = last->p_filesz = 16;
                middle->p_vaddr = UINT64_C(1) << 46;
                run = copy_run(&copy, "--memory=64M");
                tender_assert_exit(&run, TENDER_EXIT_IMAGE);
                g_assert_nonnull(strstr(run.text, "claims more than there are addresses"));
        }
}

/* Or the image would be opened at that number, and be the device. */
static void test_closed_device(void)
{
        g_autofree char *disk = tender_guest("disk");
        g_autofree char *command =
                        g_strdup_printf("exec '%s' --network=service=3 --block=storage=5 '%s' 5>&-",
                                        g_getenv("TENDER"), disk);
        const char *argv[] = {"sh", "-c", command, NULL};

        assert_refused("/bin/sh", argv, TENDER_EXIT_HOST,
                        "Descriptor 5 for the device \"storage\" cannot be used: open it before this "
                        "program");
}

static void test_writable_code(void)
{
        g_auto(Copy) copy = copy_make();
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};

        for (unsigned i = 0; i < copy.n_segments; i++)
                if (copy.segments[i].p_type == PT_LOAD)
                        copy.segments[i].p_flags = PF_R | PF_W | PF_X;
        run = copy_run(&copy, "--memory=4M");
        tender_assert_exit(&run, TENDER_EXIT_IMAGE);
        g_assert_nonnull(strstr(run.text, "is writable and executable, which is not supported"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/refusals/of devices name them", test_devices);
        g_test_add_func("/tender/refusals/of block devices say why", test_block);
        g_test_add_func("/tender/refusals/of images for others", test_other_images);
        g_test_add_func("/tender/refusals/of a closed console", test_standard_descriptors);
        g_test_add_func("/tender/refusals/of a closed device that the image would become",
                        test_closed_device);
        g_test_add_func("/tender/refusals/of a segment beyond the memory", test_segment_beyond_memory);
        g_test_add_func("/tender/refusals/of segments around the memory", test_segments_around_memory);
        g_test_add_func("/tender/refusals/of writable code", test_writable_code);
        g_test_add_func("/tender/refusals/of too little memory", test_memory_too_small);
        g_test_add_func("/tender/refusals/not of what has to be copied", test_out_of_step);
        return g_test_run();
}
