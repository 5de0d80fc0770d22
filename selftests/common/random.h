/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdbool.h>
#include <stdint.h>

void random_seed(uint64_t seed);
uint64_t random_bits(void);
uint64_t random_below(uint64_t limit);
bool random_chance(unsigned int percent);

/* Other bits for @bits, each time the same. */
uint64_t random_mix(uint64_t bits);

#endif
