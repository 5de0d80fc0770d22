/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmlab

#if !defined(VMLAB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VMLAB_TRACE_H

#include <linux/mm.h>
#include <linux/tracepoint.h>

#ifndef VMLAB_TRACE_ENUMS
#define VMLAB_TRACE_ENUMS
enum vmlab_fault_cause {
	VMLAB_FAULT_FIRST_TOUCH,	/* pages appeared */
	VMLAB_FAULT_REFAULT,		/* pages were there, just not mapped */
	VMLAB_FAULT_WRITE_NOTIFY,	/* first write to a page */
	VMLAB_FAULT_SWAP_IN,		/* a page was brought back into memory */
	VMLAB_FAULT_COPY_ON_WRITE,	/* a page that other regions have, too, was copied */
	VMLAB_FAULT_BEYOND_END,		/* behind the region's end */
	VMLAB_FAULT_FAILED,		/* no page to be had: see vmlab_error */
	VMLAB_FAULT_SWAP_IN_FAR,	/* not traced: the second tier of a store had the page */
};

enum vmlab_page_state {
	VMLAB_PS_EMPTY,
	VMLAB_PS_CLEAN,
	VMLAB_PS_DIRTY,
	VMLAB_PS_STORED,	/* not in memory */
	VMLAB_PS_SHARED,	/* with other regions, by copy-on-write */
};

enum vmlab_mapping_event {
	VMLAB_MAPPING_MMAP,
	VMLAB_MAPPING_OPEN,
	VMLAB_MAPPING_MOVE,
	VMLAB_MAPPING_CLOSE,
};

enum vmlab_operation {
	VMLAB_OP_FAULT,
	VMLAB_OP_WRITEBACK,
	VMLAB_OP_LOST,
};
#endif

TRACE_DEFINE_ENUM(VMLAB_FAULT_FIRST_TOUCH);
TRACE_DEFINE_ENUM(VMLAB_FAULT_REFAULT);
TRACE_DEFINE_ENUM(VMLAB_FAULT_WRITE_NOTIFY);
TRACE_DEFINE_ENUM(VMLAB_FAULT_SWAP_IN);
TRACE_DEFINE_ENUM(VMLAB_FAULT_COPY_ON_WRITE);
TRACE_DEFINE_ENUM(VMLAB_FAULT_BEYOND_END);
TRACE_DEFINE_ENUM(VMLAB_FAULT_FAILED);
TRACE_DEFINE_ENUM(VMLAB_PS_EMPTY);
TRACE_DEFINE_ENUM(VMLAB_PS_CLEAN);
TRACE_DEFINE_ENUM(VMLAB_PS_DIRTY);
TRACE_DEFINE_ENUM(VMLAB_PS_STORED);
TRACE_DEFINE_ENUM(VMLAB_PS_SHARED);
TRACE_DEFINE_ENUM(VMLAB_MAPPING_MMAP);
TRACE_DEFINE_ENUM(VMLAB_MAPPING_OPEN);
TRACE_DEFINE_ENUM(VMLAB_MAPPING_MOVE);
TRACE_DEFINE_ENUM(VMLAB_MAPPING_CLOSE);
TRACE_DEFINE_ENUM(VMLAB_OP_FAULT);
TRACE_DEFINE_ENUM(VMLAB_OP_WRITEBACK);
TRACE_DEFINE_ENUM(VMLAB_OP_LOST);

#define show_cause(cause) __print_symbolic(cause,			\
	{ VMLAB_FAULT_FIRST_TOUCH,	"first_touch" },		\
	{ VMLAB_FAULT_REFAULT,		"refault" },			\
	{ VMLAB_FAULT_WRITE_NOTIFY,	"write_notify" },		\
	{ VMLAB_FAULT_SWAP_IN,		"swap_in" },			\
	{ VMLAB_FAULT_COPY_ON_WRITE,	"copy_on_write" },		\
	{ VMLAB_FAULT_BEYOND_END,	"beyond_end" },			\
	{ VMLAB_FAULT_FAILED,		"failed" })

#define show_state(state) __print_symbolic(state,			\
	{ VMLAB_PS_EMPTY,		"empty" },			\
	{ VMLAB_PS_CLEAN,		"clean" },			\
	{ VMLAB_PS_DIRTY,		"dirty" },			\
	{ VMLAB_PS_STORED,		"stored" },			\
	{ VMLAB_PS_SHARED,		"shared" })

#define show_mapping_event(event) __print_symbolic(event,		\
	{ VMLAB_MAPPING_MMAP,		"mmap" },			\
	{ VMLAB_MAPPING_OPEN,		"open" },			\
	{ VMLAB_MAPPING_MOVE,		"move" },			\
	{ VMLAB_MAPPING_CLOSE,		"close" })

#define show_operation(op) __print_symbolic(op,				\
	{ VMLAB_OP_FAULT,		"fault" },			\
	{ VMLAB_OP_WRITEBACK,		"writeback" },			\
	{ VMLAB_OP_LOST,		"lost" })

/* A fault was served: @nr pages from @pgoff on were mapped (0: none). */
TRACE_EVENT(vmlab_fault,
	TP_PROTO(u32 region, const struct vm_fault *vmf, unsigned int nr,
		 enum vmlab_fault_cause cause),
	TP_ARGS(region, vmf, nr, cause),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(unsigned long, address)
		__field(unsigned long, pgoff)
		__field(bool, write)
		__field(unsigned int, nr)
		__field(int, cause)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->address = vmf->address;
		__entry->pgoff = vmf->pgoff;
		__entry->write = vmf->flags & FAULT_FLAG_WRITE;
		__entry->nr = nr;
		__entry->cause = cause;
	),
	TP_printk("region=%u address=%#lx pgoff=%lu %s nr=%u cause=%s",
		  __entry->region, __entry->address, __entry->pgoff,
		  __entry->write ? "write" : "read", __entry->nr,
		  show_cause(__entry->cause))
);

/* @nr pages from @pgoff on went from one state to another; see page.c. */
TRACE_EVENT(vmlab_page_state,
	TP_PROTO(u32 region, unsigned long pgoff, unsigned int nr,
		 enum vmlab_page_state from, enum vmlab_page_state to),
	TP_ARGS(region, pgoff, nr, from, to),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(unsigned long, pgoff)
		__field(unsigned int, nr)
		__field(int, from)
		__field(int, to)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->pgoff = pgoff;
		__entry->nr = nr;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("region=%u pgoff=%lu nr=%u %s -> %s", __entry->region,
		  __entry->pgoff, __entry->nr, show_state(__entry->from),
		  show_state(__entry->to))
);

/*
 * The page at @pgoff was brought back into memory, which took @ns nanoseconds from when its pool's
 * store was asked for it (0: nobody traced that then). @distance pages were evicted since it was,
 * and the pool has @frames in memory now: with the sum of the two it would have stayed.
 */
TRACE_EVENT(vmlab_swap_in,
	TP_PROTO(u32 region, unsigned long pgoff, unsigned long distance, unsigned long frames,
		 u64 ns),
	TP_ARGS(region, pgoff, distance, frames, ns),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(unsigned long, pgoff)
		__field(unsigned long, distance)
		__field(unsigned long, frames)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->pgoff = pgoff;
		__entry->distance = distance;
		__entry->frames = frames;
		__entry->ns = ns;
	),
	TP_printk("region=%u pgoff=%lu distance=%lu frames=%lu ns=%llu", __entry->region,
		  __entry->pgoff, __entry->distance, __entry->frames, __entry->ns)
);

/* A huge page at @pgoff was replaced by @nr small ones. */
TRACE_EVENT(vmlab_huge_split,
	TP_PROTO(u32 region, unsigned long pgoff, unsigned int nr),
	TP_ARGS(region, pgoff, nr),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(unsigned long, pgoff)
		__field(unsigned int, nr)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->pgoff = pgoff;
		__entry->nr = nr;
	),
	TP_printk("region=%u pgoff=%lu nr=%u", __entry->region, __entry->pgoff, __entry->nr)
);

/* @nr pages were written to the region's file, or @error says why not. */
TRACE_EVENT(vmlab_writeback,
	TP_PROTO(u32 region, unsigned long pgoff, unsigned int nr, int error),
	TP_ARGS(region, pgoff, nr, error),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(unsigned long, pgoff)
		__field(unsigned int, nr)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->pgoff = pgoff;
		__entry->nr = nr;
		__entry->error = error;
	),
	TP_printk("region=%u pgoff=%lu nr=%u error=%d", __entry->region,
		  __entry->pgoff, __entry->nr, __entry->error)
);

/* A VMA onto a region came, moved or went. */
TRACE_EVENT(vmlab_mapping,
	TP_PROTO(u32 region, const struct vm_area_struct *vma,
		 enum vmlab_mapping_event event),
	TP_ARGS(region, vma, event),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(unsigned long, pgoff)
		__field(int, event)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->start = vma->vm_start;
		__entry->end = vma->vm_end;
		__entry->pgoff = vma->vm_pgoff;
		__entry->event = event;
	),
	TP_printk("region=%u %s %#lx-%#lx pgoff=%lu", __entry->region,
		  show_mapping_event(__entry->event), __entry->start, __entry->end,
		  __entry->pgoff)
);

/* Region @to is a clone of @region, or a range was linked; or @error says why not. */
TRACE_EVENT(vmlab_clone,
	TP_PROTO(u32 region, u32 to, int error),
	TP_ARGS(region, to, error),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(u32, to)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->to = to;
		__entry->error = error;
	),
	TP_printk("region=%u to=%u error=%d", __entry->region, __entry->to, __entry->error)
);

/* Something could not be done for the page at @pgoff. */
TRACE_EVENT(vmlab_error,
	TP_PROTO(u32 region, enum vmlab_operation operation, unsigned long pgoff,
		 int error),
	TP_ARGS(region, operation, pgoff, error),
	TP_STRUCT__entry(
		__field(u32, region)
		__field(int, operation)
		__field(unsigned long, pgoff)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->region = region;
		__entry->operation = operation;
		__entry->pgoff = pgoff;
		__entry->error = error;
	),
	TP_printk("region=%u %s pgoff=%lu error=%d", __entry->region,
		  show_operation(__entry->operation), __entry->pgoff, __entry->error)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
