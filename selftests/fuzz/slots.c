// SPDX-License-Identifier: GPL-2.0
#include "fuzz.h"
#include "sys.h"

#define FD_FIRST	100
#define WINDOWS_START	(16 * TIB)
#define WINDOWS_END	(WINDOWS_START + WINDOWS * TIB)
#define OWN_PAGES	64	/* that the last window begins with */

static const char letters[] = "rfp";

void slot_name(char *text, size_t size, unsigned int slot)
{
	snprintf(text, size, "%c%u", letters[slot / SLOTS_EACH], slot % SLOTS_EACH);
}

unsigned int slot_parse(const char *text)
{
	const char *letter = *text ? strchr(letters, *text) : NULL;

	if (!letter || text[1] < '0' || text[1] >= '0' + SLOTS_EACH || text[2])
		return SLOT_NONE;
	return (unsigned int)(letter - letters) * SLOTS_EACH + (unsigned int)(text[1] - '0');
}

static unsigned int family_bits(unsigned int families)
{
	unsigned int bits = 0;

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		if (families & 1U << slot / SLOTS_EACH)
			bits |= 1U << slot;
	}
	return bits;
}

/* A slot of the families, one of the set @made if it has any. */
unsigned int slot_pick(unsigned int families, unsigned int made)
{
	unsigned int among = family_bits(families), slot;

	if (among & made)
		among &= made;
	do {
		slot = random_below(SLOTS);
	} while (!(among & 1U << slot));
	return slot;
}

int slot_fd(unsigned int slot)
{
	return FD_FIRST + (int)slot;
}

int slot_take(int fd, unsigned int slot)
{
	int ret;

	if (fd < 0)
		return -errno;
	/* A literal in place of a slot: open, but not to be had. */
	if (slot >= SLOTS) {
		close(fd);
		return 0;
	}
	ret = dup3(fd, slot_fd(slot), O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

uint64_t window_address(unsigned int window)
{
	return WINDOWS_START + window * TIB;
}

/*
 * May a call change this range? What is wholly outside of what a process can have is
 * refused by the kernel, and harmless.
 */
bool windows_hold(uint64_t address, uint64_t length)
{
	if (address >= WINDOWS_START && address < WINDOWS_END)
		return length <= WINDOWS_END - address || length > -address;
	return address >= 1UL << 47 || (address < 16 * PAGE && length < 16 * PAGE);
}

int windows_make(void)
{
	void *own = (void *)window_address(WINDOWS - 1);

	if (mmap(own, OWN_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != own)
		return -errno;
	return 0;
}
