// SPDX-License-Identifier: GPL-2.0
/* What the machine says of a program besides its results. */
#include "fuzz.h"
#include "sys.h"
#include "../common/trouble.h"

#include <regex.h>

#define PARAMETERS	"/sys/module/vmlab/parameters/"
#define PATIENCE	2000	/* times 5 ms, until what a program held must be gone */

static struct parameter {
	const char *path;
	char text[32];		/* as it was */
} parameters[] = {
	{ .path = PARAMETERS "max_pages" },
	{ .path = PARAMETERS "writeback_secs" },
};

static int log_fd = -1;
static regex_t trouble, no_trouble;
static unsigned long pages_max;
static struct vmlab_features before;
static char complaint[512];

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	text[got < 0 ? 0 : got] = 0;
	close(fd);
	return got > 0;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(2, "%s", path);
	close(fd);
}

static struct vmlab_features figures(void)
{
	struct vmlab_features features;
	int fd = open("/dev/vmlab", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, VMLAB_IOC_FEATURES, &features))
		err(2, "/dev/vmlab");
	close(fd);
	features.regions--;
	return features;
}

static void set_parameters(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", pages_max);
	write_text(parameters[0].path, text);
	write_text(parameters[1].path, parameters[1].text);
}

/* Matches a message that begins as any of @patterns says. */
static void compile(regex_t *regex, const char *const *patterns, size_t count)
{
	char text[1024] = "^(";

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length, "%s%s", patterns[i],
			 i + 1 < count ? "|" : ")");
	}
	if (regcomp(regex, text, REG_EXTENDED | REG_NOSUB))
		errx(2, "%s: no regular expression", text);
}

void system_init(unsigned long pages)
{
	compile(&trouble, troubles, COUNT(troubles));
	compile(&no_trouble, no_troubles, COUNT(no_troubles));
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		err(2, "/dev/kmsg");
	lseek(log_fd, 0, SEEK_END);
	before = figures();
	for (size_t i = 0; i < COUNT(parameters); i++) {
		if (!read_text(parameters[i].path, parameters[i].text, sizeof(parameters[i].text)))
			err(2, "%s", parameters[i].path);
	}
	pages_max = before.pages + pages;
	set_parameters();
}

void system_restore(void)
{
	for (size_t i = 0; i < COUNT(parameters); i++)
		write_text(parameters[i].path, parameters[i].text);
}

static bool is_trouble(const char *message)
{
	return !regexec(&trouble, message, 0, NULL, 0) &&
	       regexec(&no_trouble, message, 0, NULL, 0);
}

/* Reads the log on to its end; the first complaint in it, or NULL. */
static const char *logged(void)
{
	const char *found = NULL;
	char record[2048];
	ssize_t got;

	while ((got = read(log_fd, record, sizeof(record) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		char *message;

		record[got < 0 ? 0 : got] = 0;
		message = strchr(record, ';');
		if (found || !message)
			continue;
		message[1 + strcspn(message + 1, "\n")] = 0;
		if (!is_trouble(message + 1))
			continue;
		snprintf(complaint, sizeof(complaint), "the kernel complained: %.400s",
			 message + 1);
		found = complaint;
	}
	return found;
}

/* What programs held is given back soon after their end, if not at once. */
static const char *held(void)
{
	struct vmlab_features now = figures();

	for (int i = 0; i < PATIENCE; i++) {
		if (now.regions <= before.regions && now.pages <= before.pages)
			return NULL;
		usleep(5000);
		now = figures();
	}
	snprintf(complaint, sizeof(complaint), "%llu regions with %llu pages stayed behind",
		 now.regions - before.regions, now.pages - before.pages);
	return complaint;
}

const char *system_complaint(void)
{
	const char *found = held();

	set_parameters();
	return logged() ?: found;
}
