// SPDX-License-Identifier: GPL-2.0
/* All operations, and the kinds of arguments that several of them take. */
#include "fuzz.h"
#include "sys.h"

static const struct op *const tables[] = {
	region_ops, memory_ops, file_ops, name_ops, mount_ops, process_ops, pool_ops,
};

const struct kind fd = { DESCRIPTOR, .families = REGIONS | FILES | PIPES };
const struct kind region = { DESCRIPTOR, .families = REGIONS };
const struct kind new_region = { DESCRIPTOR, .made = true, .families = REGIONS };
const struct kind file = { DESCRIPTOR, .families = FILES };
const struct kind new_file = { DESCRIPTOR, .made = true, .families = FILES };
const struct kind pipe_end = { DESCRIPTOR, .families = PIPES };
const struct kind new_pipe = { DESCRIPTOR, .made = true, .families = PIPES };
const struct kind mappable = { DESCRIPTOR, .families = REGIONS | FILES };

const struct kind address = { ADDRESS, .most = 16 };
const struct kind place = { ADDRESS, .made = true, .most = 8 };
const struct kind length = { NUMBER, .unit = PAGE, .most = 24 };
const struct kind offset = { NUMBER, .unit = PAGE, .most = 24 };
const struct kind size = { NUMBER, .unit = PAGE, .most = 48 };
const struct kind count = { NUMBER, .unit = 1, .most = 16 };
const struct kind small = { NUMBER, .tame = true, .unit = 1, .most = 8 };

const struct kind huges = { NUMBER, .unit = HUGE, .most = 4 };
const struct kind file_name = { NUMBER, .tame = true, .unit = 1, .most = 7 };

const struct kind open_flags = { FLAGS, .names = (const struct name[]){
	{ "O_RDWR", O_RDWR }, { "O_WRONLY", O_WRONLY }, { "O_APPEND", O_APPEND },
	{ "O_CLOEXEC", O_CLOEXEC }, { "O_CREAT", O_CREAT }, { "O_DIRECT", O_DIRECT },
	{ "O_DSYNC", O_DSYNC }, { "O_EXCL", O_EXCL }, { "O_NOATIME", O_NOATIME },
	{ "O_NONBLOCK", O_NONBLOCK }, { "O_PATH", O_PATH }, { "O_TRUNC", O_TRUNC },
	{ "O_TMPFILE", O_TMPFILE }, { "O_RDONLY", O_RDONLY }, { }
}, .usual = (const uint64_t[]){ O_RDWR, O_RDWR, O_RDWR | O_CLOEXEC, O_WRONLY, 0 } };

const struct kind create_flags = { FLAGS, .names = (const struct name[]){
	{ "O_RDWR", O_RDWR }, { "O_WRONLY", O_WRONLY }, { "O_CREAT", O_CREAT },
	{ "O_DIRECT", O_DIRECT }, { "O_DSYNC", O_DSYNC }, { "O_EXCL", O_EXCL },
	{ "O_TRUNC", O_TRUNC }, { "O_APPEND", O_APPEND }, { "O_NOATIME", O_NOATIME }, { }
}, .usual = (const uint64_t[]){ O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDWR, O_RDWR | O_DIRECT,
				O_RDWR | O_CREAT | O_DIRECT, 0 } };

size_t ops_count(void)
{
	static size_t count;

	if (!count) {
		while (op_at(count))
			count++;
	}
	return count;
}

const struct op *op_at(size_t number)
{
	for (size_t i = 0; i < COUNT(tables); i++) {
		for (const struct op *op = tables[i]; op->name; op++) {
			if (!number--)
				return op;
		}
	}
	return NULL;
}

size_t op_number(const struct op *op)
{
	size_t number = 0;

	while (op_at(number) != op)
		number++;
	return number;
}

const struct op *op_find(const char *name)
{
	const struct op *op;

	for (size_t i = 0; (op = op_at(i)) != NULL; i++) {
		if (!strcmp(op->name, name))
			return op;
	}
	return NULL;
}

unsigned int op_args(const struct op *op)
{
	unsigned int n = 0;

	while (n < ARGS_MAX && op->args[n])
		n++;
	return n;
}
