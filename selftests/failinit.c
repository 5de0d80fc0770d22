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
 * The last ones, of which the module's own init has some 250. Before it the kernel itself
 * comes to hundreds, and is none the better for failing: that is not ours to test. The walk
 * begins among these, and a test fails if it does not.
 */
#define LAST 280U

/* The kernel tells of a module here when nothing of its own can fail any more but what calls init. */
#define TRACING		"/sys/kernel/tracing/"
#define LOADED_EVENT	TRACING "events/module/module_load/enable"

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
	ASSERT_EQ(0, text_write(LOADED_EVENT, "1"));
	ASSERT_TRUE(unload());
}

FIXTURE_TEARDOWN(init)
{
	load(self);
	text_write(LOADED_EVENT, "0");
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

/* Did the last load() come as far as init? Forgets what is known of those before. */
static bool came_to_init(void)
{
	static char text[1 << 16];
	bool came = text_read(TRACING "trace", text, sizeof(text)) >= 0 &&
		    strstr(text, "module_load: vmlab");

	close(open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC));
	return came;
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

TEST_F_TIMEOUT(init, survives_each_failure, 1200)
{
	const unsigned int all = count(self);
	unsigned int hits = 0, refusals = 0, before_init = 0;
	int ret, error;

	came_to_init();
	for (unsigned int n = all > LAST ? all - LAST : 1; n <= all; n++) {
		failnth_arm(self->failnth, n);
		ret = load(self);
		error = errno;
		hits += !failnth_disarm(self->failnth);
		if (ret) {
			refusals++;
			before_init += !came_to_init();
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
		ASSERT_TRUE(came_to_init()) {
			TH_LOG("%u: loaded without a trace", n);
		}
		ASSERT_TRUE(works()) {
			TH_LOG("%u: loaded, but does not work", n);
		}
		ASSERT_TRUE(unload()) {
			TH_LOG("%u: cannot be unloaded: %s", n, strerror(errno));
		}
	}
	TH_LOG("%u of %u failures, %u refusals, %u of them before init", hits, all, refusals,
	       before_init);
	EXPECT_GT(hits, LAST / 2);
	EXPECT_GT(refusals, before_init + 20);
	/* None of init's own is before the walk. */
	EXPECT_GT(before_init, 0);
}

TEST_HARNESS_MAIN
