// SPDX-License-Identifier: GPL-2.0
/*
 * Every operation on a region with each of its allocations, copies and disk requests
 * failed once: it succeeds all the same, or gives an error that its documentation knows,
 * and then succeeds if tried again. The content is right, and nothing is lost or leaked.
 *
 * The harness knows the tests of one C file only: hence a header for each noun.
 */
#include "failnth_region.h"
#include "failnth_mapping.h"
#include "failnth_fault.h"
#include "failnth_copy.h"
#include "failnth_size.h"
#include "failnth_mount.h"
#include "failnth_writeback.h"
#include "failnth_clone.h"
#include "failnth_fork.h"
#include "failnth_huge.h"
#include "failnth_huge_share.h"
#include "failnth_swap.h"
#include "failnth_zero.h"
#include "failnth_store.h"
#include "failnth_reflink.h"
#include "failnth_ending.h"
#include "failnth_lasting.h"

TEST_HARNESS_MAIN
