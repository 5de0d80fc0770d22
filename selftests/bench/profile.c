// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's: counts the instructions that the guest executes while
 * vmlab-bench measures, for each side of a row apart (see MARK_SIDE in meter.c).
 *
 *	-plugin profile.so,out=FILE
 *
 * writes a line for each block of instructions after every turn: side, address,
 * instructions in all turns of that side so far.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of QEMU's plugin interface that is used here: Debian packages no header for it. */

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

typedef uint64_t plugin_id;
typedef void executed_fn(unsigned int processor, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*translated)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed_fn *executed,
					  int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_fn *executed,
					    int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

#define SIDES	4
#define NOBODY	255

/*
 * A block, as often as it was translated: guests change their code, and QEMU
 * forgets its own when there is much of it.
 */
struct block {
	struct block *next;
	uint64_t address, instructions;
	uint64_t executed[SIDES];
};

static struct block *blocks;
static unsigned int side = NOBODY;
static FILE *out;

static void block_executed(unsigned int processor, void *data)
{
	struct block *block = data;

	(void)processor;
	if (side < SIDES)
		block->executed[side]++;
}

/* QEMU is killed once the command has ended, so nothing can wait for its end. */
static void save(void)
{
	rewind(out);
	for (struct block *block = blocks; block; block = block->next) {
		for (int i = 0; i < SIDES; i++) {
			if (block->executed[i])
				fprintf(out, "%d %" PRIx64 " %" PRIu64 "\n", i, block->address,
					block->executed[i] * block->instructions);
		}
	}
	fflush(out);
}

static void mark_executed(unsigned int processor, void *data)
{
	bool counted = side < SIDES;

	(void)processor;
	side = (uintptr_t)data;
	if (counted && side >= SIDES)
		save();
}

static bool is_mark(const struct qemu_plugin_insn *insn, unsigned int *marked)
{
	static const unsigned char nop[] = { 0x0f, 0x1f, 0x80 };
	const unsigned char *code = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != 7 || memcmp(code, nop, sizeof(nop)) != 0 ||
	    memcmp(code + 4, "LMV", 3) != 0)
		return false;
	*marked = code[3];
	return true;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *block = calloc(1, sizeof(*block));
	unsigned int marked;

	(void)id;
	if (!block)
		abort();
	block->address = qemu_plugin_tb_vaddr(tb);
	block->instructions = qemu_plugin_tb_n_insns(tb);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, 0, block);
	for (size_t i = 0; i < block->instructions; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn, &marked))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_executed, 0,
							       (void *)(uintptr_t)marked);
	}
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv);
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc == 1 && !strncmp(argv[0], "out=", 4))
		out = fopen(argv[0] + 4, "w");
	if (!out) {
		fprintf(stderr, "profile.so: out=FILE is needed, and must be writable\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
