/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdbool.h>

#include <vmlab.h>

struct json_object;

/* Those of a pool that are not empty, as pictures. @latency: latencies are measured. */
void histograms_print(const struct vmlab_histogram *all, bool latency);

/* All of them as a JSON object. */
struct json_object *histograms_json(const struct vmlab_histogram *all);

#endif /* HISTOGRAM_H */
