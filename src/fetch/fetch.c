/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One transfer by libcurl. What a hostile server can make it do is bounded: only https, also behind a
 * redirect; so many bytes, so much time. What it says in headers and errors is not trusted. */

#include "fetch/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "config.h"

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"

#define FOLDER        "/var/tmp" /* of our unit alone (PrivateTmp=), and on a disk, unlike memory */
#define REDIRECTS_MAX 5
#define CONNECT_SEC   30
#define SLOW_BYTES    1024 /* a second; slower than that for SLOW_SEC is too slow */
#define SLOW_SEC      20
#define SHOWN_MAX     300

typedef struct Transfer {
        int fd, client;
        uint64_t size, size_max;
        int error;      /* errno of a write that failed */
        bool too_large; /* there was more than size_max */
        bool gone;      /* the client */
} Transfer;

static size_t on_fetch_data(char *data, size_t one, size_t n, void *userdata)
{
        Transfer *transfer = userdata;
        size_t size = one * n;
        int r;

        transfer->too_large = size > transfer->size_max - transfer->size;
        if (transfer->too_large)
                return CURL_WRITEFUNC_ERROR;
        r = write_all(transfer->fd, data, size);
        if (r < 0) {
                transfer->error = r;
                return CURL_WRITEFUNC_ERROR;
        }

        transfer->size += size;
        return size;
}

static int on_fetch_progress(
                void *userdata, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
        Transfer *transfer = userdata;
        struct pollfd poller = {.fd = transfer->client, .events = POLLRDHUP};

        transfer->gone = poll(&poller, 1, 0) > 0 && (poller.revents & (POLLHUP | POLLRDHUP | POLLERR));
        return transfer->gone;
}

static int fetch_open(int *ret_fd, Error *ret_error)
{
        char path[] = FOLDER "/fetch-XXXXXX";
        int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot make a file in " FOLDER);
        (void) unlink(path);

        *ret_fd = fd;
        return 0;
}

static int fetch_refuse_size(const Transfer *transfer, Error *ret_error)
{
        g_autofree char *max = size_format(transfer->size_max);

        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "it is larger than %s: publish a smaller file there, or, if it is an image, raise "
                        "ImageSizeMax= in shruthi.conf",
                        max);
}

static int fetch_refuse_status(CURL *curl, Error *ret_error)
{
        long status = 0;

        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        if (status == 404 || status == 410)
                return error_set(ret_error, ERROR_NO_SUCH_IMAGE,
                                "the server has no such file (status %ld): put it there, or correct the URL",
                                status);

        return error_set(ret_error, ERROR_FAILED,
                        "the server refuses with status %ld: see its log, or try again later", status);
}

static int fetch_explain(
                CURL *curl, const Transfer *transfer, CURLcode code, const char *reason, Error *ret_error)
{
        g_autofree char *shown = text_for_display(*reason ? reason : curl_easy_strerror(code), SHOWN_MAX);

        if (transfer->gone)
                return error_set(ret_error, ERROR_CANCELED, "The caller has disconnected");
        if (transfer->too_large || code == CURLE_FILESIZE_EXCEEDED)
                return fetch_refuse_size(transfer, ret_error);
        if (transfer->error)
                return error_set(ret_error, ERROR_FAILED,
                                "no room for it in " FOLDER " (%s): free some space there",
                                g_strerror(-transfer->error));

        switch (code) {
        case CURLE_HTTP_RETURNED_ERROR:
                return fetch_refuse_status(curl, ret_error);
        case CURLE_OPERATION_TIMEDOUT:
                return error_set(ret_error, ERROR_TIMED_OUT,
                                "it took too long, with %" PRIu64 " bytes so far (%s): a server has %d "
                                "seconds, and may not be slower than %d bytes a second for %d seconds",
                                transfer->size, shown, FETCH_SEC, SLOW_BYTES, SLOW_SEC);
        case CURLE_UNSUPPORTED_PROTOCOL:
                return error_set(ret_error, ERROR_FAILED,
                                "the server redirects to what is not https, which is not followed");
        case CURLE_TOO_MANY_REDIRECTS:
                return error_set(ret_error, ERROR_FAILED,
                                "the server redirects more than %d times: write the URL of the file itself",
                                REDIRECTS_MAX);
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CACERT_BADFILE:
                return error_set(ret_error, ERROR_FAILED,
                                "no secure connection to the server: %s. Its certificate must be valid for "
                                "this host name, and be from an authority that this host trusts",
                                shown);
        default:
                return error_set(ret_error, ERROR_FAILED,
                                "%s: see whether the server is up, and try again", shown);
        }
}

/* $reason has CURL_ERROR_SIZE bytes, and is no array parameter: curl's macros take its size, of which clang
 * warns. */
static CURLcode fetch_prepare(CURL *curl, const char *url, Transfer *transfer, char *reason)
{
        const struct {
                CURLoption option;
                long value;
        } numbers[] = {
                        {CURLOPT_FOLLOWLOCATION, 1},
                        {CURLOPT_MAXREDIRS, REDIRECTS_MAX},
                        {CURLOPT_FAILONERROR, 1},
                        {CURLOPT_NOSIGNAL, 1},
                        {CURLOPT_NOPROGRESS, 0},
                        {CURLOPT_CONNECTTIMEOUT, CONNECT_SEC},
                        {CURLOPT_TIMEOUT, FETCH_SEC},
                        {CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES},
                        {CURLOPT_LOW_SPEED_TIME, SLOW_SEC},
                        {CURLOPT_SSL_VERIFYPEER, 1},
                        {CURLOPT_SSL_VERIFYHOST, 2},
                        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
                        {CURLOPT_HTTP_CONTENT_DECODING, 0},
        };
        CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);

        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) transfer->size_max);
        for (size_t i = 0; code == CURLE_OK && i < G_N_ELEMENTS(numbers); i++)
                code = curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "shruthi-fetch/" SHRUTHI_VERSION);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_fetch_data);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_fetch_progress);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
        return code;
}

int fetch_file(const FetchRequest *request, int client, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        char reason[CURL_ERROR_SIZE] = "";
        Transfer transfer = {.client = client, .size_max = request->size_max};
        CURLcode code = CURLE_FAILED_INIT;
        CURL *curl = NULL;
        long status = 0;
        int r;

        r = fetch_open(&fd, ret_error);
        if (r < 0)
                return r;
        transfer.fd = fd;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
                curl = curl_easy_init();
        if (curl)
                code = fetch_prepare(curl, request->url, &transfer, reason);
        if (code == CURLE_OK)
                code = curl_easy_perform(curl);
        if (code == CURLE_OK)
                code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        /* Also 204, a part (206), or a redirect to nowhere is not the file. */
        if (code == CURLE_OK && status != 200)
                code = CURLE_HTTP_RETURNED_ERROR;
        r = code == CURLE_OK ? 0 : fetch_explain(curl, &transfer, code, reason, ret_error);
        curl_easy_cleanup(curl);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return error_set_errno(ret_error, errno, "Cannot rewind the file");

        *ret_fd = TAKE_FD(fd);
        return 0;
}
