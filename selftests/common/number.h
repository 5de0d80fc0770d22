/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers as text: those of options, and in programs that are written down. */
#ifndef NUMBER_H
#define NUMBER_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* Decimal, or as C writes it, and at most @most; false: it is no such number. */
bool number_parse(const char *text, uint64_t most, uint64_t *value);

/* The same for the argument of an option; if it is not from @least to @most, the program ends. */
uint64_t number_option(const char *text, uint64_t least, uint64_t most, struct argp_state *state);

#endif
