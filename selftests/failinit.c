// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the module while something fails: it is loaded and works, or it is not there and
 * has left nothing behind, and is loaded the next time.
 */
#include "failnth.h"

#include <sys/utsname.h>

/* More chances to fail than loading has. */
#define MANY 1000000U

/*
 * The last ones, of which the module's own init has some 310. Before it the kernel itself
 * comes to hundreds, and is none the better for failing: that is not ours to test. So the first
 * of these is the kernel's still: more are to be tried if it is not, as init has come to more.
 */
#define LAST 340U

FIXTURE(init)
{
	int failnth;
	int ko;
	char parameters[128];
};

static int open_ko(void)
{
	const char *path = getenv("VMLAB_KO");
	struct utsname kernel;
	char built[256];

	uname(&kernel);
	snprintf(built, sizeof(built), "../build/%s/vmlab.ko", kernel.release);
	return open(path ?: built, O_RDONLY | O_CLOEXEC);
}

static int load(const FIXTURE_DATA(init) *self)
{
	return syscall(SYS_finit_module, self->ko, self->parameters, 0);
}

/* What held it lately may not have let go of it yet. */
static bool unload(void)
{
	return EVENTUALLY(!syscall(SYS_delete_module, "vmlab", O_NONBLOCK));
}

FIXTURE_SETUP(init)
{
	const char *reason = failnth_prepare();

	if (reason)
		SKIP_TEST("%s", reason);
	self->ko = open_ko();
	if (self->ko < 0) {
		failnth_restore();
		SKIP_TEST("no vmlab.ko to load again: set VMLAB_KO");
	}
	snprintf(self->parameters, sizeof(self->parameters), "max_pages=%llu writeback_secs=%llu",
		 parameter_get("max_pages"), parameter_get("writeback_secs"));
	self->failnth = failnth_open("thread-self");
	ASSERT_GE(self->failnth, 0);
	ASSERT_TRUE(unload());
}

FIXTURE_TEARDOWN(init)
{
	load(self);
	close(self->ko);
	close(self->failnth);
	failnth_restore();
}

static bool mentions_us(const char *path)
{
	static char text[1 << 18];

	return text_read(path, text, sizeof(text)) >= 0 && strstr(text, "vmlab");
}

static bool nothing_left(void)
{
	return access(DEVICE, F_OK) && access("/sys/module/vmlab", F_OK) &&
	       access("/sys/kernel/tracing/events/vmlab", F_OK) && !mentions_us("/proc/modules") &&
	       !mentions_us("/proc/misc") && !mentions_us("/proc/filesystems") &&
	       !mentions_us("/proc/slabinfo");
}

/* That a device has no node is not the module's fault: the kernel goes on without. */
static bool works(void)
{
	bool right;
	int fd = region_open();

	if (fd < 0)
		return errno == ENOENT && mentions_us("/proc/misc");
	right = writes_filled(fd, 0, PAGE, 1) && reads_filled(fd, 0, PAGE, 1);
	close(fd);
	return right;
}

/* How many chances there are. The kernel does some things only once, hence twice. */
static unsigned int count(const FIXTURE_DATA(init) *self)
{
	unsigned int left = MANY;

	for (int i = 0; i < 2; i++) {
		failnth_arm(self->failnth, MANY);
		if (load(self))
			broken("loading: %s\n", strerror(errno));
		left = failnth_disarm(self->failnth);
		if (!unload())
			broken("unloading: %s\n", strerror(errno));
	}
	return MANY - left;
}

/* Whether the kernel tells who came to what fails. */
static void tell(bool who)
{
	const char *verbose = who ? "2" : "0";

	text_write(DEBUGFS "/failslab/verbose", verbose);
	text_write(DEBUGFS "/fail_page_alloc/verbose", verbose);
	text_write(DEBUGFS "/fail_usercopy/verbose", verbose);
}

/* What the kernel's log has had to say since @kmsg was last read. */
static void read_log(int kmsg, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length + 1 < size && (got = read(kmsg, text + length, size - 1 - length)) != 0) {
		if (got < 0 && errno != EPIPE)
			break;
		length += got > 0 ? got : 0;
	}
	text[length] = 0;
}

/* Had init begun when the @n-th chance failed? 1 or 0; or -1 if the kernel does not tell. */
static int init_had_begun(const FIXTURE_DATA(init) *self, unsigned int n)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	static char text[1 << 16];
	bool loaded;

	lseek(kmsg, 0, SEEK_END);
	tell(true);
	failnth_arm(self->failnth, n);
	loaded = !load(self);
	failnth_disarm(self->failnth);
	tell(false);
	read_log(kmsg, text, sizeof(text));
	close(kmsg);
	if (loaded && !unload())
		broken("unloading: %s\n", strerror(errno));
	/* Those that are on the stack for certain have no "?" before them. */
	return !strstr(text, "; load_module+") ? -1 : !!strstr(text, "; do_one_initcall+");
}

/* Some memory is asked for by who does not want to be told if there is none. */
static bool begins_before_init(const FIXTURE_DATA(init) *self, unsigned int n)
{
	int begun = -1;

	for (unsigned int end = n + 20; n < end && begun < 0; n++)
		begun = init_had_begun(self, n);
	return begun == 0;
}

TEST_F_TIMEOUT(init, survives_each_failure, 1200)
{
	const unsigned int all = count(self);
	unsigned int hits = 0, refusals = 0;
	int ret, error;

	ASSERT_GT(all, LAST);
	EXPECT_TRUE(begins_before_init(self, all - LAST)) {
		TH_LOG("of init's chances to fail there are more than %u", LAST);
	}
	for (unsigned int n = all - LAST; n <= all; n++) {
		failnth_arm(self->failnth, n);
		ret = load(self);
		error = errno;
		hits += !failnth_disarm(self->failnth);
		if (ret) {
			refusals++;
			ASSERT_TRUE(error == ENOMEM || error == EFAULT) {
				TH_LOG("%u: %s", n, strerror(error));
			}
			ASSERT_TRUE(nothing_left()) {
				TH_LOG("%u: something is left", n);
			}
			ASSERT_EQ(0, load(self)) {
				TH_LOG("%u: not repeatable: %s", n, strerror(errno));
			}
		}
		ASSERT_TRUE(works()) {
			TH_LOG("%u: loaded, but does not work", n);
		}
		ASSERT_TRUE(unload()) {
			TH_LOG("%u: cannot be unloaded: %s", n, strerror(errno));
		}
	}
	TH_LOG("%u of %u failures, %u refusals", hits, all, refusals);
	EXPECT_GT(hits, LAST / 2);
	EXPECT_GT(refusals, 20);
}

TEST_HARNESS_MAIN
