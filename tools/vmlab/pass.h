/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PASS_H
#define PASS_H

#include <stdint.h>

/*
 * A message between two processes of the demo, over a socket pair: a number, and a
 * descriptor if @fd is not -1. Both return 0, or a negative errno: -EPIPE if the other
 * side is gone.
 */
int pass_send(int socket, uint64_t number, int fd);

/* @fd may be NULL if none is expected. */
int pass_receive(int socket, uint64_t *number, int *fd);

#endif /* PASS_H */
