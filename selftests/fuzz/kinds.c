// SPDX-License-Identifier: GPL-2.0
/* Arguments: made at random, written, and read. */
#include "fuzz.h"
#include "sys.h"
#include "../common/number.h"

/* Where sizes, offsets and counts go wrong, by one and by a page more or less. */
static const uint64_t edges[] = {
	0, 1, PAGE, 64 * PAGE, 512 * PAGE, 1UL << 31, 1UL << 32, TIB, VMLAB_SIZE_DEFAULT,
	VMLAB_SIZE_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX,
};

static const int64_t steps[] = { 0, 0, 0, 1, -1, PAGE, -(int64_t)PAGE };

static const uint64_t hostile_addresses[] = {
	0, PAGE, 1UL << 47, 0xffff800000000000UL, UINT64_MAX - PAGE + 1,
};

static uint64_t hostile_number(void)
{
	if (random_chance(5))
		return random_bits();
	return edges[random_below(COUNT(edges))] + (uint64_t)steps[random_below(COUNT(steps))];
}

static uint64_t number(const struct kind *kind)
{
	uint64_t value = random_below(kind->most) * kind->unit;

	if (kind->tame || random_chance(85))
		return value;
	if (kind->unit == PAGE && random_chance(40))
		return HUGE * (1 + random_below(3));
	if (kind->unit > 1 && random_chance(50))
		return value + random_below(kind->unit);
	return hostile_number();
}

static size_t names_count(const struct name *names)
{
	size_t n = 0;

	while (names[n].text)
		n++;
	return n;
}

static uint64_t choice(const struct kind *kind)
{
	if (random_chance(2))
		return hostile_number();
	return kind->names[random_below(names_count(kind->names))].value;
}

static uint64_t flags(const struct kind *kind)
{
	size_t count = names_count(kind->names), usual = 0;
	uint64_t value = 0;

	while (kind->usual && kind->usual[usual])
		usual++;
	if (usual && random_chance(80))
		value = kind->usual[random_below(usual)];
	while (random_chance(15))
		value |= kind->names[random_below(count)].value;
	if (random_chance(2))
		value ^= 1UL << random_below(32);
	return value;
}

static struct arg descriptor(const struct kind *kind, const struct made *made)
{
	static const int literals[] = { -1, AT_FDCWD, 99999, 1 << 30 };

	if (random_chance(2))
		return (struct arg){ SLOT_NONE, (uint64_t)(int64_t)literals[random_below(4)] };
	if (random_chance(3))
		return (struct arg){ (uint8_t)random_below(SLOTS), 0 };
	return (struct arg){ (uint8_t)slot_pick(kind->families, kind->made ? 0 : made->slots), 0 };
}

static struct arg window(const struct kind *kind, const struct made *made)
{
	struct arg arg;

	if (random_chance(2))
		return (struct arg){ SLOT_NONE,
				     hostile_addresses[random_below(COUNT(hostile_addresses))] };
	do {
		arg.slot = (uint8_t)random_below(WINDOWS);
	} while (!kind->made && !(made->windows & 1U << arg.slot));
	arg.value = random_chance(50) ? 0 : random_below(kind->most) * PAGE;
	if (random_chance(5))
		arg.value += random_below(PAGE);
	return arg;
}

struct arg kind_generate(const struct kind *kind, const struct made *made)
{
	switch (kind->class) {
	case NUMBER:
		return (struct arg){ SLOT_NONE, number(kind) };
	case CHOICE:
		return (struct arg){ SLOT_NONE, choice(kind) };
	case FLAGS:
		return (struct arg){ SLOT_NONE, flags(kind) };
	case DESCRIPTOR:
		return descriptor(kind, made);
	case ADDRESS:
		return window(kind, made);
	}
	abort();
}

static void print_flags(FILE *out, const struct name *names, uint64_t value)
{
	const char *between = "";

	for (; names->text; names++) {
		if (!names->value || (value & names->value) != names->value)
			continue;
		fprintf(out, "%s%s", between, names->text);
		value &= ~names->value;
		between = "|";
	}
	if (value || !*between)
		fprintf(out, "%s%#lx", between, value);
}

static void print_choice(FILE *out, const struct name *names, uint64_t value)
{
	for (; names->text; names++) {
		if (names->value == value) {
			fputs(names->text, out);
			return;
		}
	}
	fprintf(out, "%#lx", value);
}

void kind_print(FILE *out, const struct kind *kind, struct arg arg)
{
	char slot[8];

	if (kind->class == FLAGS) {
		print_flags(out, kind->names, arg.value);
	} else if (kind->class == CHOICE) {
		print_choice(out, kind->names, arg.value);
	} else if (arg.slot == SLOT_NONE) {
		fprintf(out, "%#lx", arg.value);
	} else if (kind->class == DESCRIPTOR) {
		slot_name(slot, sizeof(slot), arg.slot);
		fputs(slot, out);
	} else {
		fprintf(out, "m%u+%#lx", arg.slot, arg.value);
	}
}

static bool parse_name(const char *text, size_t length, const struct name *names, uint64_t *value)
{
	char copy[64];

	for (; names->text; names++) {
		if (strlen(names->text) == length && !strncmp(names->text, text, length)) {
			*value |= names->value;
			return true;
		}
	}
	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = 0;
	return number_parse(copy, UINT64_MAX, value);
}

static bool parse_names(const char *text, const struct name *names, uint64_t *value)
{
	*value = 0;
	for (;;) {
		size_t length = strcspn(text, "|");
		uint64_t one = 0;

		if (!parse_name(text, length, names, &one))
			return false;
		*value |= one;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

bool kind_parse(const char *text, const struct kind *kind, struct arg *arg)
{
	*arg = (struct arg){ SLOT_NONE, 0 };
	if (kind->class == FLAGS || kind->class == CHOICE)
		return parse_names(text, kind->names, &arg->value);
	if (kind->class == DESCRIPTOR)
		arg->slot = (uint8_t)slot_parse(text);
	if (kind->class == ADDRESS && *text == 'm' && text[1] >= '0' && text[1] < '0' + WINDOWS &&
	    text[2] == '+') {
		arg->slot = (uint8_t)(text[1] - '0');
		return number_parse(text + 3, UINT64_MAX, &arg->value);
	}
	return arg->slot != SLOT_NONE || number_parse(text, UINT64_MAX, &arg->value);
}
