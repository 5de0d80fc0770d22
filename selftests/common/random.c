// SPDX-License-Identifier: GPL-2.0
#include "random.h"

static uint64_t state;

/* A Weyl sequence, and a mix of its bits (splitmix64). */
uint64_t random_mix(uint64_t bits)
{
	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ULL;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebULL;
	return bits ^ bits >> 31;
}

void random_seed(uint64_t seed)
{
	state = random_mix(seed);
}

uint64_t random_bits(void)
{
	return random_mix(state += 0x9e3779b97f4a7c15ULL);
}

uint64_t random_below(uint64_t limit)
{
	return random_bits() % limit;
}

bool random_chance(unsigned int percent)
{
	return random_below(100) < percent;
}
