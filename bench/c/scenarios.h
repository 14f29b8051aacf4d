/* What the load client can be asked to do. Each scenario runs for about `seconds` and reports what it counted. */
#ifndef SCENARIOS_H
#define SCENARIOS_H
#include "client.h"

struct report {
	const char *unit;          /* what `count` counts */
	uint64_t count, elapsed_ns, requests, events, fds;
	uint64_t *samples;         /* ns */
	size_t n_samples, room;
};

struct options {
	const char *socket;
	double seconds;
	uint32_t clients, flush_at;
};

struct scenario {
	const char *name;
	uint32_t width, height;    /* of the window */
	uint32_t clients;          /* 0: as the options say */
	void (*run)(struct wl **clients, const struct options *o, struct report *r);
};

extern const struct scenario scenarios[];
const struct scenario *scenario_named(const char *name);
extern uint8_t *frame_pixels;
#endif
