/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan is what its lines say; what is none is refused with file, line, value and the way out. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "unikernel/setting.h"

#define GROUP "[Group peer]\nImage=/a\nCount=4\n"

static FleetPlan *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        FleetPlan *plan = NULL;

        (void) fleet_plan_parse("/srv/gossip.fleet", text, strlen(text), &plan, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return plan;
}

static void test_whole_plan(void)
{
        g_autoptr(FleetPlan) plan = parse(
                        "[Fleet]\nName=lab\nSeed=7\nDuration=90s\nTolerate=2.5%\n"
                        "[Network a]\nSubnet=10.0.0.0/24\nIPv6Subnet=fd00::/64\nMode=isolated\n"
                        "[Network b]\nBridge=br0\nSubnet=10.1.0.0/24\nFirstAddress=10.1.0.50\n"
                        "[Group seed]\nImage=seed.spt\nNetwork=service:a\nMemory=16M\n"
                        "[Group "
                        "peer]\nImage=sha256:"
                        "0000000000000000000000000000000000000000000000000000000000000000\n"
                        "Count=9\nNetwork=service:a\nNetwork=other:b\nStart=10s 4/s\nReady=started\n"
                        "[Event 1min]\nStop=10% of peer\nKill=seed-0 peer-8\nExecStart=/bin/sh -c 'a b'\n"
                        "[Churn peer]\nSession=weibull 60s 0.5\nAbsence=uniform 1s 2s\nFrom=5s\n"
                        "[Barrier up]\nGroup=seed\nConsole=^up$\nShare=50%\nTimeout=3s\n");
        const FleetGroup *seed = fleet_plan_find_group(plan, "seed"),
                         *peer = fleet_plan_find_group(plan, "peer");
        const FleetAction *last = plan->actions->pdata[2];
        const FleetChurn *churn = plan->churns->pdata[0];
        const FleetBarrier *barrier = plan->barriers->pdata[0];

        g_assert_cmpstr(plan->name, ==, "lab");
        g_assert_cmpstr(plan->seed, ==, "7");
        g_assert_cmpuint(plan->duration_usec, ==, 90 * G_USEC_PER_SEC);
        g_assert_cmpfloat(plan->tolerate, ==, 2.5);
        g_assert_cmpuint(plan->n_members, ==, 10);
        g_assert_cmpstr(seed->image, ==, "/srv/seed.spt");
        g_assert_cmpuint(seed->count, ==, 1);
        g_assert_cmpuint(peer->first, ==, 1);
        g_assert_cmpuint(peer->links->len, ==, 2);
        g_assert_true(peer->late);
        g_assert_cmpuint(peer->start_usec, ==, 10 * G_USEC_PER_SEC);
        g_assert_cmpfloat(peer->rate, ==, 4);
        g_assert_cmpuint(last->verb, ==, FLEET_EXECUTE);
        g_assert_cmpstr(last->command[2], ==, "a b");
        g_assert_cmpuint(churn->until_usec, ==, 90 * G_USEC_PER_SEC);
        g_assert_cmpfloat(churn->session.b, ==, 0.5);
        g_assert_true(barrier->group == seed);
        g_assert_cmpfloat(barrier->share, ==, 50);
}

static void test_least_plan(void)
{
        g_autoptr(FleetPlan) plan = parse("[Group peer]\nImage=/a\n");

        g_assert_cmpstr(plan->name, ==, "gossip");
        g_assert_cmpstr(plan->seed, ==, "1");
        g_assert_cmpuint(plan->n_members, ==, 1);
}

static const struct {
        const char *text, *message;
} refusals[] = {
                {"", "gossip.fleet:1: the plan has no members"},
                {"[Flete]\n", "gossip.fleet:1: unknown section '[Flete]', did you mean 'Fleet'?"},
                {"[Fleet x]\n" GROUP, ":1: [Fleet] takes no name"},
                {"[Fleet]\nSeeed=1\n" GROUP, ":2: unknown key 'Seeed' in [Fleet], did you mean 'Seed'?"},
                {"[Fleet]\nName=A B\n" GROUP, ":2: Name=A B: not a name: write 1 to 63"},
                {"[Fleet]\nSeed={x}\n" GROUP, ":2: Seed={x}: not a seed"},
                {"[Fleet]\nDuration=8d\n" GROUP,
                                ":2: Duration=8d: not a time up to 7 days: write such as 90s"},
                {"[Fleet]\nTolerate=5\n" GROUP, ":2: Tolerate=5: not a share: write 0% to 100%"},
                {"[Fleet]\nTolerate=101%\n" GROUP, ":2: Tolerate=101%: not a share"},
                {"[Network]\n" GROUP, ":1: [Network] needs a name: write [Network NAME]"},
                {"[Network a]\n" GROUP, ":1: [Network a] has no subnet: write Subnet= or IPv6Subnet="},
                {"[Network a]\nSubnet=10.0.0.1/24\n" GROUP, ":2: Subnet=10.0.0.1/24: "},
                {"[Network a]\nSubnet=fd00::/64\n" GROUP, ":2: Subnet=fd00::/64: write a subnet of IPv4"},
                {"[Network a]\nBridge=b\nSubnet=10.0.0.0/24\n" GROUP,
                                "others may use it: write FirstAddress="},
                {"[Network a]\nBridge=b\nNetwork=c\nSubnet=10.0.0.0/24\n" GROUP, "write one of them"},
                {"[Network a]\nSubnet=10.0.0.0/24\nFirstAddress=10.0.1.1\n" GROUP,
                                ":3: FirstAddress=10.0.1.1: not an address in the subnet"},
                {"[Network a]\nSubnet=10.0.0.0/24\nMode=open\n" GROUP,
                                ":3: Mode=open: write nat, isolated or routed"},
                {"[Network abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdef]\n"
                 "Subnet=10.0.0.0/24\n" GROUP,
                                ":1: it is made as "},
                {"[Group peer]\nCount=2\n", ":1: [Group peer] has no image: write Image=FILE"},
                {"[Group Peer]\nImage=/a\n", ":1: [Group] needs a name"},
                {"[Group peer]\nImage=sha256:0\n", ":2: Image=sha256:0: must be 'sha256:' and 64"},
                {GROUP "Memroy=1\n", ":4: unknown key 'Memroy' in [Group peer], did you mean 'Memory'?"},
                {GROUP "Owner=root\n", ":4: Owner=root: members of a fleet have no setting of this kind"},
                {GROUP "Network=service\n", ":4: Network=service: write DEVICE:NETWORK"},
                {GROUP "Network=service:lab\n", ":4: Network=service:lab: there is no such network: write a "
                                                "section [Network lab]"},
                {"[Group peer]\nImage=/a\nCount=0\n",
                                ":3: Count=0: write a number of members from 1 to 4096"},
                {"[Group peer]\nImage=/a\nCount=5000\n", ":3: Count=5000: write a number"},
                {GROUP "[Group b]\nImage=/a\nCount=4093\n", ":4: the fleet has more than 4096 members"},
                {GROUP "Start=soon\n", ":4: Start=soon: not a time"},
                {GROUP "Start=0/s\n", ":4: Start=0/s: write how long"},
                {GROUP "Start=0.0000000001/s\n", ":4: Start=0.0000000001/s: the last of 4 members would "
                                                 "start after more than 7"},
                {GROUP "Start=7d 1/s\n", "would start after more than 7 days"},
                {GROUP "Values=none.csv\n", ":4: Values=none.csv: /srv/none.csv cannot be read"},
                {GROUP "[Event]\nStop=peer-0\n", ":4: [Event] needs the time when it happens"},
                {GROUP "[Event soon]\nStop=peer-0\n", ":4: [Event] needs the time"},
                {GROUP "[Event 1s]\nHalt=peer-0\n", ":5: unknown key 'Halt' in [Event 1s]"},
                {GROUP "[Event 1s]\nStop=peer-4\n", ":5: Stop=peer-4: 'peer-4' is no member of this plan"},
                {GROUP "[Event 1s]\nStop=3 of pear\n", ":5: Stop=3 of pear: 'pear' is no member"},
                {GROUP "[Event 1s]\nStop=x of peer\n", "'x' is no member"},
                {GROUP "[Event 1s]\nExecStart=ls\n", ":5: ExecStart=ls: write the absolute path"},
                {GROUP "[Churn pear]\n", ":4: [Churn] needs a group of this plan"},
                {GROUP "[Churn peer]\nSession=normal 1s\n", ":5: Session=normal 1s: write fixed TIME"},
                {GROUP "[Churn peer]\nSession=fixed 1s\n", "needs both Session="},
                {GROUP "[Churn peer]\nSession=fixed 1s\nAbsence=fixed 1s\n", "has no end: write Until="},
                {GROUP "[Barrier up]\nConsole=a[\n", ":5: Console=a[: not a regular expression"},
                {GROUP "Start=5s\n[Barrier up]\nGroup=peer\n", "started after the clock has begun"},
                {GROUP "[Barrier up]\nGroup=pear\n", ":5: Group=pear: there is no such group"},
                /* What only the members show. */
                {GROUP "Memory=5\n", ":1: [Group peer], member 0: Memory=5: less than 1M"},
                {GROUP "Arguments={indx}\n", ":1: [Group peer], member 0: "},
                {GROUP "Arguments={peer.4.service.ip}\n",
                                ":4: Arguments=: {peer.4.service.ip}: write the number"},
                {GROUP "Arguments={peer.1.service.ip}\n",
                                "{peer.1.service.ip}: the group has no such device"},
                {GROUP "Arguments={choose:pear,2}\n", "{choose:pear,2}: write {choose:GROUP,N}"},
                {GROUP "Arguments={choose:peer,0}\n", "{choose:peer,0}: write how many"},
                {"[Network a]\nSubnet=10.0.0.0/16\n[Group peer]\nImage=/a\nCount=4096\nNetwork=service:a\n"
                 "Arguments={choose:peer,1024}{choose:peer,1024}{choose:peer,1024}{choose:peer,1024}"
                 "{choose:peer,1024}{choose:peer,1024}{choose:peer,1024}\n",
                                "Arguments=: with its fields filled in, it is longer than 65536 bytes"},
                {"[Network a]\nSubnet=10.0.0.0/30\n" GROUP "Network=service:a\n",
                                "[Network a] has addresses for 1 members only"},
                {"[Network a]\nSubnet=10.0.0.0/24\n" GROUP "Network=service:a\nArguments={choose6:peer,1}\n",
                                "{choose6:peer,1}: its network has no subnet of this family"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autoptr(FleetPlan) plan = NULL;
                g_autoptr(FleetExpansion) expansion = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                r = fleet_plan_parse("/srv/gossip.fleet", refusals[i].text, strlen(refusals[i].text), &plan,
                                &error);
                if (r >= 0)
                        r = fleet_expand(plan, &expansion, &error);
                g_assert_cmpint(r, <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                if (!strstr(error.message, refusals[i].message)) {
                        g_test_message("'%s' lacks '%s'", error.message, refusals[i].message);
                        g_test_fail();
                }
                g_assert_true(g_str_has_prefix(error.message, "/srv/gossip.fleet:"));
        }
}

/* The manual page has a line for each key of each section, and no other. */
static void test_manual_page(void)
{
        g_autofree char *path = g_build_filename(
                                        g_getenv("SHRUTHI_SOURCE_ROOT"), "data/man/shruthi.fleet.5", NULL),
                        *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        for (const FleetSectionKeys *section = fleet_section_keys; section->type; section++) {
                g_autofree char *upper = g_ascii_strup(section->type, -1), *head = NULL;
                const char *begin, *end;
                guint n = 0;

                head = g_strconcat(".SH [", upper, NULL);
                begin = strstr(text, head);
                g_assert_nonnull(begin);
                end = strstr(begin + 1, ".SH ");
                for (const char *const *key = section->keys; *key; key++, n++) {
                        g_autofree char *line = g_strdup_printf(".TP\n\\fI%s=\\fR\n", *key);
                        const char *found = strstr(begin, line);

                        if (!found || found > end) {
                                g_test_message("[%s] lacks %s=", section->type, *key);
                                g_test_fail();
                        }
                }
                for (const char *p = begin; (p = strstr(p + 1, ".TP\n\\fI")) && p < end;)
                        n--;
                g_assert_cmpuint(n, ==, 0);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fleet/plan/whole", test_whole_plan);
        g_test_add_func("/fleet/plan/least", test_least_plan);
        g_test_add_func("/fleet/plan/refusals", test_refusals);
        g_test_add_func("/fleet/plan/manual-page", test_manual_page);
        return g_test_run();
}
