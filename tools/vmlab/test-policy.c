// SPDX-License-Identifier: GPL-2.0
/*
 * The victim policies, called in every order that their interface allows: random sequences of
 * all hooks, several pages on their way in, pages that may not leave, other numbers of frames,
 * other policies. Exit status 0 or 1. With an argument, a seed, that one only.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/slab.h>

#include "policy/policy.h"

/* Documentation/policies.rst has one; selftests/sim.sh links it. */
extern const struct vmlab_policy_ops vmlab_policy_example __attribute__((weak));

#define PAGES		400
#define MAX_FRAMES	150
#define STEPS		4000
#define SEEDS		25

static struct vmlab_entry entries[PAGES];
static uint64_t dice;
static int failed;

/* How many of 100 victims were referenced unseen, and how many pages were forgotten. */
static unsigned int young_of_100;
static unsigned int forgotten;
static const char *context;

static void __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", context);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	failed = 1;
}

static uint32_t below(uint32_t limit)
{
	dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((dice >> 33) % limit);
}

void vmlab_policy_forget(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	(void)policy;
	if (entry->state != VMLAB_ENTRY_UNKNOWN)
		wrong("forgot a page of state %d", entry->state);
	forgotten++;
}

static void forget_all(void)
{
	for (int i = 0; i < PAGES; i++)
		vmlab_entry_init(&entries[i]);
	young_of_100 = 0;
}

static unsigned int count(enum vmlab_entry_state state)
{
	unsigned int found = 0;

	for (int i = 0; i < PAGES; i++)
		found += entries[i].state == state;
	return found;
}

/* As many as the policy may remember. */
static unsigned int history(const struct vmlab_policy *policy)
{
	if (policy->ops == &vmlab_policy_2q)
		return policy->frames < 2 ? 1 : policy->frames / 2;
	if (policy->ops == &vmlab_policy_s3fifo)
		return policy->frames < 2 ? 1 : policy->frames * 9 / 10;
	if (policy->ops == &vmlab_policy_arc || policy->ops == &vmlab_policy_lirs)
		return policy->frames * 2;
	return 0;
}

static void examine(const struct vmlab_policy *policy)
{
	unsigned int remembered = count(VMLAB_ENTRY_REMEMBERED);

	if (policy->resident != count(VMLAB_ENTRY_RESIDENT))
		wrong("%u pages are resident, and %u say so", policy->resident,
		      count(VMLAB_ENTRY_RESIDENT));
	if (policy->remembered != remembered)
		wrong("%u pages are remembered, and %u say so", policy->remembered, remembered);
	if (policy->as_counted || policy->ops == &vmlab_policy_example)
		return;
	if (policy->uncounted || policy->surplus)
		wrong("it counts as libCacheSim does, unasked");
	/* LIRS is cut when the next page comes, and each victim until then adds one. */
	if (policy->ops != &vmlab_policy_lirs && remembered > history(policy))
		wrong("%u pages are remembered with %u frames", remembered, policy->frames);
	if (remembered > history(policy) + policy->frames)
		wrong("%u pages are remembered with %u frames", remembered, policy->frames);
}

/* A page that is in one of two states, or NULL. */
static struct vmlab_entry *find(enum vmlab_entry_state state, enum vmlab_entry_state or)
{
	uint32_t first = below(PAGES);

	for (uint32_t i = 0; i < PAGES; i++) {
		struct vmlab_entry *entry = &entries[(first + i) % PAGES];

		if (entry->state == state || entry->state == or)
			return entry;
	}
	return NULL;
}

static struct vmlab_entry *choose(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	unsigned int resident = policy->resident, before = forgotten;
	struct vmlab_entry *entry = vmlab_policy_victim(policy, incoming);

	if (!entry != !resident)
		wrong("%s, of %u pages", entry ? "a victim" : "no victim", resident);
	if (entry && entry->state != VMLAB_ENTRY_REMEMBERED && entry->state != VMLAB_ENTRY_UNKNOWN)
		wrong("the victim is of state %d", entry->state);
	if (policy->ops != &vmlab_policy_lirs && forgotten - before > 2)
		wrong("%u pages were forgotten for one", forgotten - before);
	return entry;
}

/* A victim was referenced unseen. Returns whether it stays. */
static bool spare(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	unsigned int resident = policy->resident, remembered = policy->remembered;
	enum vmlab_entry_state state = entry->state;
	bool stays = vmlab_policy_spared(policy, entry);

	if (stays && (!policy->ops->spared || entry->state != VMLAB_ENTRY_RESIDENT ||
		      !entry->looked || policy->resident != resident + 1))
		wrong("a page that stays is of state %d", entry->state);
	if (!stays && (entry->state != state || policy->resident != resident ||
		       policy->remembered != remembered))
		wrong("a page that leaves is of state %d, and was of %d", entry->state, state);
	examine(policy);
	return stays;
}

static void evict(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct vmlab_entry *entry = choose(policy, incoming);

	if (entry && below(100) < young_of_100)
		spare(policy, entry);
}

static void bring_in(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_policy_missed(policy, entry);
	while (policy->resident >= policy->frames + below(2))
		evict(policy, entry);
	vmlab_policy_inserted(policy, entry);
}

/* Who may not leave is not the next victim. */
static void refuse(struct vmlab_policy *policy)
{
	struct vmlab_entry *entry = choose(policy, NULL);

	if (!entry)
		return;
	/* It may have been asked about, in vain. */
	if (below(100) < young_of_100 && spare(policy, entry))
		return;
	vmlab_policy_refused(policy, entry);
	examine(policy);
	if (policy->resident < 2 || policy->ops == &vmlab_policy_random)
		return;
	if (choose(policy, NULL) == entry)
		wrong("%s: the page that was refused is the next victim", policy->ops->name);
}

static bool is_among(struct vmlab_entry *const *victims, unsigned int nr,
		     const struct vmlab_entry *entry)
{
	while (nr--) {
		if (victims[nr] == entry)
			return true;
	}
	return false;
}

/* One of two states, and no victim that is still to be decided about; or NULL. */
static struct vmlab_entry *find_other(enum vmlab_entry_state state, enum vmlab_entry_state or,
				      struct vmlab_entry *const *victims, unsigned int nr)
{
	struct vmlab_entry *entry = find(state, or);

	return entry && !is_among(victims, nr, entry) ? entry : NULL;
}

/* As the kernel does it: several are chosen at once, and pages come and go before they do. */
static void evict_many(struct vmlab_policy *policy)
{
	struct vmlab_entry *victims[16];
	unsigned int most = 1 + below(16), nr = 0;

	while (nr < most && (victims[nr] = choose(policy, NULL)))
		nr++;
	while (nr) {
		struct vmlab_entry *entry;

		entry = find_other(VMLAB_ENTRY_REMEMBERED, VMLAB_ENTRY_UNKNOWN, victims, nr);
		if (entry && below(2))
			bring_in(policy, entry);
		entry = find_other(VMLAB_ENTRY_RESIDENT, VMLAB_ENTRY_REMEMBERED, victims, nr);
		if (entry && below(2))
			vmlab_policy_removed(policy, entry);
		entry = victims[--nr];
		if (below(100) < young_of_100)
			spare(policy, entry);
		else if (!below(4))
			vmlab_policy_refused(policy, entry);
		else if (!below(4))
			vmlab_policy_removed(policy, entry);
		examine(policy);
	}
}

static void resize(struct vmlab_policy *policy)
{
	uint32_t frames = 1 + below(MAX_FRAMES);
	void *room;

	if (vmlab_policy_room(policy, frames, &room))
		abort();
	kvfree(vmlab_policy_resize(policy, frames, room));
	if (policy->frames != frames)
		wrong("it has %u frames, not %u", policy->frames, frames);
	examine(policy);
	while (policy->resident > frames)
		evict(policy, NULL);
}

/* The same pages, another policy. */
static struct vmlab_policy *change(struct vmlab_policy *policy,
				   const struct vmlab_policy_ops *ops)
{
	struct vmlab_policy *next = vmlab_policy_new(ops, policy->frames, below(100));
	unsigned int resident = policy->resident, incoming = count(VMLAB_ENTRY_INCOMING);

	if (!next)
		abort();
	/* A miss that is under way is the old policy's: it has to be over. */
	for (; incoming; incoming--)
		vmlab_policy_removed(policy, find(VMLAB_ENTRY_INCOMING, VMLAB_ENTRY_INCOMING));
	vmlab_policy_adopt(next, policy);
	if (policy->resident || next->resident != resident)
		wrong("of %u pages, %u were adopted", resident, next->resident);
	vmlab_policy_free(policy);
	examine(next);
	return next;
}

static struct vmlab_policy *step(struct vmlab_policy *policy)
{
	struct vmlab_entry *entry;
	uint32_t what = below(1000);

	if (what < 450) {
		entry = find(VMLAB_ENTRY_RESIDENT, VMLAB_ENTRY_RESIDENT);
		if (entry)
			vmlab_policy_referenced(policy, entry);
		while (policy->surplus) {
			policy->surplus--;
			evict(policy, NULL);
		}
	} else if (what < 800) {
		entry = find(VMLAB_ENTRY_UNKNOWN, VMLAB_ENTRY_REMEMBERED);
		if (entry)
			bring_in(policy, entry);
	} else if (what < 850) {
		entry = find(VMLAB_ENTRY_REMEMBERED, VMLAB_ENTRY_UNKNOWN);
		if (entry && count(VMLAB_ENTRY_INCOMING) < 5)
			vmlab_policy_missed(policy, entry);
	} else if (what < 890) {
		entry = find(VMLAB_ENTRY_INCOMING, VMLAB_ENTRY_INCOMING);
		if (entry)
			vmlab_policy_inserted(policy, entry);
	} else if (what < 930) {
		vmlab_policy_removed(policy, &entries[below(PAGES)]);
	} else if (what < 950) {
		evict(policy, NULL);
	} else if (what < 970) {
		evict_many(policy);
	} else if (what < 990) {
		refuse(policy);
	} else if (what < 998) {
		resize(policy);
	} else {
		policy = change(policy, vmlab_policy_nth(below(9)));
	}
	return policy;
}

/* All policies, and the example at the end if it is linked. */
static const struct vmlab_policy_ops *nth(unsigned int nr)
{
	const struct vmlab_policy_ops *ops = vmlab_policy_nth(nr);

	if (!ops && &vmlab_policy_example && vmlab_policy_nth(nr - 1))
		ops = &vmlab_policy_example;
	return ops;
}

static void sequence(const struct vmlab_policy_ops *ops, uint64_t seed)
{
	struct vmlab_policy *policy;
	char name[64];

	snprintf(name, sizeof(name), "%s, seed %" PRIu64, ops->name, seed);
	context = name;
	forget_all();
	dice = seed;
	below(1);
	young_of_100 = seed % 3 ? 0 : below(91);
	policy = vmlab_policy_new(ops, 1 + below(MAX_FRAMES), seed);
	if (!policy)
		abort();
	/* For the simulator, where nobody is young. */
	policy->as_counted = seed % 4 == 1 && !young_of_100;
	for (int i = 0; i < STEPS && !failed; i++) {
		policy = step(policy);
		examine(policy);
	}
	for (int i = 0; i < PAGES; i++) {
		if (entries[i].state != VMLAB_ENTRY_REMEMBERED)
			vmlab_policy_removed(policy, &entries[i]);
	}
	vmlab_policy_free(policy);
	if (count(VMLAB_ENTRY_UNKNOWN) != PAGES)
		wrong("%u pages are still known in the end", PAGES - count(VMLAB_ENTRY_UNKNOWN));
}

/* Pages that were referenced unseen are looked at again when all others were. */
static void spares_in_order(const struct vmlab_policy_ops *ops)
{
	struct vmlab_policy *policy = vmlab_policy_new(ops, 100, 1);

	if (!policy)
		abort();
	context = ops->name;
	forget_all();
	for (int i = 0; i < 100; i++)
		bring_in(policy, &entries[i]);
	for (int i = 0; i < 200; i++) {
		struct vmlab_entry *entry = choose(policy, NULL);

		if (entry != &entries[i % 100])
			wrong("page %d is not the next one", i % 100);
		if (i < 100 && !spare(policy, entry))
			wrong("page %d was referenced, and leaves", i);
	}
	vmlab_policy_free(policy);
}

/* In 2Q, references count from when a page has come back. */
static void spares_what_came_back(void)
{
	struct vmlab_policy *policy = vmlab_policy_new(&vmlab_policy_2q, 100, 1);
	struct vmlab_entry *entry;

	if (!policy)
		abort();
	context = "2q";
	forget_all();
	for (int i = 0; i < 100; i++)
		bring_in(policy, &entries[i]);
	entry = choose(policy, NULL);
	if (spare(policy, entry))
		wrong("a page in A1in was spared");
	bring_in(policy, entry);
	for (int i = 0; policy->resident > policy->frames / 4 + 1; i++) {
		if (choose(policy, NULL) == entry)
			wrong("the page in Am leaves first");
	}
	if (choose(policy, NULL) != entry || !spare(policy, entry))
		wrong("a page in Am was not spared");
	while (policy->resident)
		choose(policy, NULL);
	vmlab_policy_free(policy);
}

/* A LIR page that gives that up for another one, and was referenced, is LIR again. */
static void spares_demoted(void)
{
	struct vmlab_policy *policy = vmlab_policy_new(&vmlab_policy_lirs, 10, 1);

	if (!policy)
		abort();
	context = "lirs";
	forget_all();
	for (int i = 0; i < 10; i++)
		bring_in(policy, &entries[i]);
	if (choose(policy, NULL) != &entries[9])
		wrong("a LIR page leaves first");
	bring_in(policy, &entries[9]);
	if (choose(policy, NULL) != &entries[0] || !spare(policy, &entries[0]))
		wrong("no LIR page was demoted for the one that came back");
	if (choose(policy, NULL) != &entries[1])
		wrong("the page that was spared is not LIR again");
	while (policy->resident)
		choose(policy, NULL);
	vmlab_policy_free(policy);
}

/*
 * Memory as the kernel sees it: a reference sets a bit, also that for which a page is brought
 * in, and nothing is known of it before the page is chosen as a victim.
 */
struct machine {
	struct vmlab_policy *policy;
	bool told;	/* of each reference, as the simulator does */
	bool bits[PAGES];
	unsigned int misses;
};

static void make_room(struct machine *machine)
{
	while (machine->policy->resident >= machine->policy->frames) {
		struct vmlab_entry *entry = choose(machine->policy, NULL);
		bool *bit = &machine->bits[entry - entries];

		if (*bit && !machine->told)
			spare(machine->policy, entry);
		*bit = false;
	}
}

static void touch(struct machine *machine, int page)
{
	struct vmlab_entry *entry = &entries[page];

	if (entry->state == VMLAB_ENTRY_RESIDENT) {
		if (machine->told)
			vmlab_policy_referenced(machine->policy, entry);
	} else {
		make_room(machine);
		vmlab_policy_missed(machine->policy, entry);
		vmlab_policy_inserted(machine->policy, entry);
		machine->misses++;
	}
	machine->bits[page] = true;
}

#define FRAMES	100
#define HOT	40
#define ROUNDS	100

/*
 * Some pages are used often, with a new page now and then, and after that @length pages once, again
 * and again. Returns how often the first were missed.
 */
static unsigned int scan(const struct vmlab_policy_ops *ops, bool told, int length)
{
	struct machine machine = { .policy = vmlab_policy_new(ops, FRAMES, 1), .told = told };
	unsigned int missed = 0;
	int next = 0;

	if (!machine.policy)
		abort();
	context = ops->name;
	forget_all();
	for (int i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < 16 * HOT; j++) {
			machine.misses = 0;
			touch(&machine, j % HOT);
			missed += machine.misses;
			if (j % 4 == 0)
				touch(&machine, HOT + next++ % (PAGES - HOT));
		}
		for (int j = 0; j < length; j++)
			touch(&machine, HOT + next++ % (PAGES - HOT));
	}
	while (machine.policy->resident)
		choose(machine.policy, NULL);
	vmlab_policy_free(machine.policy);
	return missed;
}

static const int lengths[] = { 100, 150, 300 };

#define NR_LENGTHS	(sizeof(lengths) / sizeof(*lengths))

/* Pages that are used often outlast those of a scan, told of each reference or not. */
static void resists_scans(const struct vmlab_policy_ops *ops)
{
	for (size_t i = 0; i < NR_LENGTHS; i++) {
		unsigned int told = scan(ops, true, lengths[i]);
		unsigned int seen = scan(ops, false, lengths[i]);

		if (told > 2 * HOT || seen > 3 * HOT)
			wrong("a scan of %d pages costs %u, and %u as bits tell", lengths[i], told,
			      seen);
	}
}

/* And not so in all policies: then the scans would be none. */
static void suffers_from_scans(const struct vmlab_policy_ops *ops)
{
	for (size_t i = 0; i < NR_LENGTHS; i++) {
		unsigned int seen = scan(ops, false, lengths[i]);

		if (seen < ROUNDS * HOT / 2)
			wrong("a scan of %d pages costs %u only", lengths[i], seen);
	}
}

/* A policy that gets the pages of another one has them in the same order. */
static void keeps_order(const struct vmlab_policy_ops *from, const struct vmlab_policy_ops *to)
{
	struct vmlab_policy *policy = vmlab_policy_new(from, 100, 1);

	if (!policy)
		abort();
	context = "order";
	forget_all();
	for (int i = 0; i < 100; i++)
		bring_in(policy, &entries[i]);
	policy = change(policy, to);
	for (int i = 0; i < 100; i++) {
		if (choose(policy, NULL) != &entries[i])
			wrong("from %s to %s, page %d is not next", from->name, to->name, i);
	}
	vmlab_policy_free(policy);
}

static void test_names(void)
{
	context = "names";
	for (unsigned int i = 0; vmlab_policy_nth(i); i++) {
		if (vmlab_policy_find(vmlab_policy_nth(i)->name) != vmlab_policy_nth(i))
			wrong("%s is not found", vmlab_policy_nth(i)->name);
	}
	if (vmlab_policy_find("nonsense") || vmlab_policy_find(""))
		wrong("found what is not there");
}

int main(int argc, char **argv)
{
	const struct vmlab_policy_ops *ops;

	if (argc > 1) {
		for (unsigned int i = 0; (ops = nth(i)); i++)
			sequence(ops, strtoull(argv[1], NULL, 10));
		return failed;
	}
	test_names();
	for (unsigned int i = 0; (ops = nth(i)); i++) {
		for (uint64_t seed = 1; seed <= SEEDS && !failed; seed++)
			sequence(ops, seed);
	}
	spares_in_order(&vmlab_policy_clock);
	spares_in_order(&vmlab_policy_lru);
	spares_in_order(&vmlab_policy_sieve);
	spares_what_came_back();
	spares_demoted();
	resists_scans(&vmlab_policy_2q);
	resists_scans(&vmlab_policy_arc);
	resists_scans(&vmlab_policy_sieve);
	resists_scans(&vmlab_policy_s3fifo);
	resists_scans(&vmlab_policy_lirs);
	suffers_from_scans(&vmlab_policy_fifo);
	suffers_from_scans(&vmlab_policy_clock);
	suffers_from_scans(&vmlab_policy_lru);
	keeps_order(&vmlab_policy_fifo, &vmlab_policy_lru);
	keeps_order(&vmlab_policy_lru, &vmlab_policy_clock);
	keeps_order(&vmlab_policy_clock, &vmlab_policy_fifo);
	return failed;
}
