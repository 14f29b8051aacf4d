/* The scenarios; README.md says what each is meant to show. A batch of requests is always closed by a sync that is waited for. */
#include "scenarios.h"
#include <sys/epoll.h>

enum { FRAME_WIDTH = 3840, FRAME_HEIGHT = 2160, DAMAGE_RECTS = 8, DAMAGE_SIDE = 128, PICTURE_WIDTH = 800, PICTURE_HEIGHT = 600 };

uint8_t *frame_pixels;

static void sample(struct report *r, uint64_t ns)
{
	if (r->n_samples == r->room) {
		r->room = r->room ? r->room * 2 : 4096;
		r->samples = realloc(r->samples, r->room * sizeof *r->samples);
		if (!r->samples)
			die("realloc");
	}
	r->samples[r->n_samples++] = ns;
}

static uint64_t deadline(const struct options *o) { return now_ns() + (uint64_t)(o->seconds * 1e9); }

static void wait_dones(struct wl *c, uint64_t target)
{
	while (c->seen.dones < target)
		wait_events(c);
}

/* One sync at a time: the latency that every blocking call of a toolkit pays. */
static void run_roundtrip(struct wl **clients, const struct options *o, struct report *r)
{
	r->unit = "round trips";
	for (uint64_t now = now_ns(), end = deadline(o); now < end; r->count++) {
		roundtrip(*clients);
		uint64_t then = now;
		now = now_ns();
		sample(r, now - then);
	}
}

/* Small requests without answers, a sync every thousand, at most 16 thousand under way. */
static void run_requests(struct wl **clients, const struct options *o, struct report *r)
{
	struct wl *c = *clients;
	uint64_t first = c->seen.dones, batches = 0;
	r->unit = "requests";
	for (uint64_t end = deadline(o); now_ns() < end; batches++) {
		for (int i = 0; i < 125; i++) {
			REQUEST(c, c->surface, 9, 0, 0, 64, 64);
			REQUEST(c, c->surface, 8, 1);
			REQUEST(c, c->surface, 9, 8, 8, 32, 32);
			REQUEST(c, c->surface, 4, 0);
			REQUEST(c, c->surface, 9, 16, 16, 16, 16);
			REQUEST(c, c->surface, 5, 0);
			REQUEST(c, c->surface, 9, 1, 2, 3, 4);
			REQUEST0(c, c->surface, 6);
		}
		sync_request(c);
		if (batches >= 16)
			wait_dones(c, first + batches - 15);
	}
	wait_dones(c, first + batches);
	r->count = batches * 1001;
}

/* Frames without waiting for them, a sync every ten: per ten frames 41 requests and 32 events, at most a thousand under way. */
static void run_stream(struct wl **clients, const struct options *o, struct report *r)
{
	struct wl *c = *clients;
	uint64_t first = c->seen.dones, batches = 0;
	r->unit = "requests";
	for (uint64_t end = deadline(o); now_ns() < end; batches++) {
		for (int i = 0; i < 10; i++) {
			REQUEST(c, c->surface, 1, c->buffers[i & 1], 0, 0);
			REQUEST(c, c->surface, 9, 0, 0, 64, 64);
			uint32_t callback = new_id(c, CALLBACK);
			REQUEST(c, c->surface, 3, callback);
			REQUEST0(c, c->surface, 6);
		}
		sync_request(c);
		if (batches >= 100)
			wait_dones(c, first + (batches - 99) * 11);
	}
	wait_dones(c, first + batches * 11);
	r->count = batches * 41;
}

/* The commit lets the order through: a careful proxy may keep damage back until then. */
static void order(struct wl *c, uint32_t kind, uint32_t pairs, uint32_t rate)
{
	REQUEST(c, c->surface, 2, kind, pairs, ORDER, rate);
	REQUEST0(c, c->surface, 6);
}

static uint64_t burst(struct wl *c, uint32_t pairs)
{
	uint64_t target = c->seen.moves + pairs, start = now_ns();
	order(c, ORDER_BURST, pairs, 0);
	while (c->seen.moves < target)
		wait_events(c);
	roundtrip(c); /* the frame event after the last motion */
	return now_ns() - start;
}

/* As many events as the connection takes. */
static void run_events(struct wl **clients, const struct options *o, struct report *r)
{
	r->unit = "events";
	for (uint64_t end = deadline(o); now_ns() < end; r->count += 100000)
		burst(*clients, 50000);
}

/* Bursts of 500 events (7 KiB) from standstill: how long until the last one is there. */
static void run_bursts(struct wl **clients, const struct options *o, struct report *r)
{
	r->unit = "events";
	for (uint64_t end = deadline(o); now_ns() < end; r->count += 500)
		sample(r, burst(*clients, 250));
}

/* A gaming mouse: motion and frame 1000 times a second; the age of each when it is read. */
static void run_motion(struct wl **clients, const struct options *o, struct report *r)
{
	struct wl *c = *clients;
	uint32_t pairs = (uint32_t)(o->seconds * 1000);
	uint64_t target = c->seen.moves + pairs;
	c->ages = calloc(pairs, sizeof *c->ages);
	c->n_ages = 0;
	c->room_ages = pairs;
	order(c, ORDER_MOTION, pairs, 1000);
	while (c->seen.moves < target)
		wait_events(c);
	for (uint32_t i = 0; i < c->n_ages; i++)
		sample(r, (uint64_t)c->ages[i] * 100);
	free(c->ages);
	c->room_ages = 0;
	r->unit = "motions";
	r->count = pairs;
}

/* Surfaces and regions made and destroyed, 32 in a batch, two batches under way: ids come back and are used again. */
static void run_churn(struct wl **clients, const struct options *o, struct report *r)
{
	struct wl *c = *clients;
	uint64_t first = c->seen.dones, batches = 0;
	r->unit = "objects";
	for (uint64_t end = deadline(o); now_ns() < end; batches++) {
		for (int i = 0; i < 8; i++) {
			uint32_t surface = new_id(c, SURFACE);
			REQUEST(c, c->compositor, 0, surface);
			for (int k = 0; k < 3; k++) {
				uint32_t region = new_id(c, REGION);
				REQUEST(c, c->compositor, 1, region);
				REQUEST(c, region, 1, 0, 0, 64, 64);
				REQUEST(c, surface, 4, region);
				destroy_object(c, region, 0);
			}
			destroy_object(c, surface, 0);
		}
		sync_request(c);
		if (batches)
			wait_dones(c, first + batches);
		else
			flush(c);
	}
	wait_dones(c, first + batches);
	r->count = batches * 33;
}

/* 28 pools, each a descriptor, and one keyboard, whose keymap is a descriptor the other way, then a sync. */
static void run_fds(struct wl **clients, const struct options *o, struct report *r)
{
	static int files[FDS_SENT];
	struct wl *c = *clients;
	for (int i = 0; i < FDS_SENT && !files[i]; i++)
		files[i] = sized_file(4096 * (size_t)(i + 1)); /* sizes differ: a swapped descriptor shows */
	r->unit = "descriptors";
	uint64_t keymaps = c->seen.keymaps;
	for (uint64_t end = deadline(o); now_ns() < end;) {
		for (uint32_t i = 0; i < FDS_SENT; i++) {
			uint32_t pool = new_id(c, POOL);
			give_fd(c, files[i]);
			REQUEST(c, c->shm, 0, pool, 4096 * (i + 1));
			destroy_object(c, pool, 1);
		}
		uint32_t keyboard = new_id(c, KEYBOARD);
		REQUEST(c, c->seat, 1, keyboard);
		roundtrip(c);
		if (c->seen.keymaps != ++keymaps) {
			fprintf(stderr, "client: keymap missing\n");
			exit(3);
		}
		destroy_object(c, keyboard, 0);
		r->fds += FDS_SENT + 1;
	}
	roundtrip(c);
	r->count = r->fds;
}

/* 4K frames, eight damaged squares each, the next one when the frame callback and the buffer are back. */
static void run_frames(struct wl **clients, const struct options *o, struct report *r)
{
	struct wl *c = *clients;
	r->unit = "frames";
	for (uint64_t now = now_ns(), end = deadline(o); now < end; r->count++) {
		uint32_t which = r->count & 1, callback = new_id(c, CALLBACK);
		uint64_t dones = c->seen.dones + 1, releases = c->seen.releases + 1;
		REQUEST(c, c->surface, 1, c->buffers[which], 0, 0);
		for (uint32_t i = 0; i < DAMAGE_RECTS; i++) {
			uint32_t x = i * 400 + (uint32_t)(r->count & 63), y = i * 200;
			size_t at = ((size_t)(which * FRAME_HEIGHT + y) * FRAME_WIDTH + x) * 4;
			memset(frame_pixels + at, (int)(r->count & 255), 64);
			REQUEST(c, c->surface, 9, x, y, DAMAGE_SIDE, DAMAGE_SIDE);
		}
		REQUEST(c, c->surface, 3, callback);
		REQUEST0(c, c->surface, 6);
		while (c->seen.dones < dones || c->seen.releases < releases)
			wait_events(c);
		uint64_t then = now;
		now = now_ns();
		sample(r, now - then);
	}
	roundtrip(c);
}

/* Pictures whose rows change from `from` to `to`, the next one when the last is back: for proxies that carry pixels. */
static void pictures(struct wl *c, const struct options *o, struct report *r, uint32_t from, uint32_t to)
{
	r->unit = "frames";
	for (uint64_t now = now_ns(), end = deadline(o); now < end; r->count++) {
		uint32_t which = r->count & 1, callback = new_id(c, CALLBACK);
		uint64_t dones = c->seen.dones + 1, releases = c->seen.releases + 1;
		for (uint32_t y = 0; y < PICTURE_HEIGHT; y++)
			memset(frame_pixels + ((size_t)(which * PICTURE_HEIGHT + y) * PICTURE_WIDTH + from) * 4,
			       (int)((r->count * 7 + y) & 255), (to - from) * 4);
		REQUEST(c, c->surface, 1, c->buffers[which], 0, 0);
		REQUEST(c, c->surface, 9, from, 0, to - from, PICTURE_HEIGHT);
		REQUEST(c, c->surface, 3, callback);
		REQUEST0(c, c->surface, 6);
		while (c->seen.dones < dones || c->seen.releases < releases)
			wait_events(c);
		uint64_t then = now;
		now = now_ns();
		sample(r, now - then);
	}
	roundtrip(c);
}

static void run_video(struct wl **clients, const struct options *o, struct report *r)
{
	pictures(*clients, o, r, 0, PICTURE_WIDTH);
}

static void run_rows(struct wl **clients, const struct options *o, struct report *r)
{
	pictures(*clients, o, r, 200, 360);
}

/* A terminal: a cell of 10x20 pixels with a letter in it, and the next frame when that one is back. */
static void run_typing(struct wl **clients, const struct options *o, struct report *r)
{
	struct wl *c = *clients;
	r->unit = "frames";
	for (uint64_t now = now_ns(), end = deadline(o); now < end; r->count++) {
		uint32_t which = r->count & 1, callback = new_id(c, CALLBACK);
		uint32_t x = r->count % 80 * 10, top = r->count / 80 % 30 * 20;
		uint64_t dones = c->seen.dones + 1, releases = c->seen.releases + 1;
		for (uint32_t y = top; y < top + 20; y++)
			memset(frame_pixels + ((size_t)(which * PICTURE_HEIGHT + y) * PICTURE_WIDTH + x) * 4, (int)((r->count + y) & 255), 40);
		REQUEST(c, c->surface, 1, c->buffers[which], 0, 0);
		REQUEST(c, c->surface, 9, x, top, 10, 20);
		REQUEST(c, c->surface, 3, callback);
		REQUEST0(c, c->surface, 6);
		while (c->seen.dones < dones || c->seen.releases < releases)
			wait_events(c);
		uint64_t then = now;
		now = now_ns();
		sample(r, now - then);
	}
	roundtrip(c);
}

/* Every client has one sync under way, again and again. */
static void run_clients(struct wl **clients, const struct options *o, struct report *r)
{
	static int ep;
	uint64_t *started = calloc(o->clients, sizeof *started);
	if (!ep) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		for (uint32_t i = 0; i < o->clients; i++) {
			struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };
			epoll_ctl(ep, EPOLL_CTL_ADD, clients[i]->t.fd, &e);
		}
	}
	r->unit = "round trips";
	uint64_t end = deadline(o);
	uint32_t under_way = o->clients;
	for (uint32_t i = 0; i < o->clients; i++) {
		started[i] = now_ns();
		sync_request(clients[i]);
		flush(clients[i]);
	}
	while (under_way) {
		struct epoll_event ready[64];
		int n = epoll_wait(ep, ready, 64, -1);
		for (int k = 0; k < n; k++) {
			uint32_t i = ready[k].data.u32;
			uint64_t dones = clients[i]->seen.dones, now;
			if (!wl_readable(clients[i])) {
				fprintf(stderr, "client %u: connection lost\n", i);
				exit(3);
			}
			if (clients[i]->seen.dones == dones)
				continue;
			now = now_ns();
			sample(r, now - started[i]);
			r->count++;
			if (now >= end) {
				under_way--;
				continue;
			}
			started[i] = now;
			sync_request(clients[i]);
			flush(clients[i]);
		}
	}
	free(started);
}

const struct scenario scenarios[] = {
	{ "roundtrip", 64, 64, 1, run_roundtrip },
	{ "requests", 64, 64, 1, run_requests },
	{ "stream", 64, 64, 1, run_stream },
	{ "events", 64, 64, 1, run_events },
	{ "bursts", 64, 64, 1, run_bursts },
	{ "motion", 64, 64, 1, run_motion },
	{ "churn", 64, 64, 1, run_churn },
	{ "fds", 64, 64, 1, run_fds },
	{ "frames", FRAME_WIDTH, FRAME_HEIGHT, 1, run_frames },
	{ "video", PICTURE_WIDTH, PICTURE_HEIGHT, 1, run_video },
	{ "rows", PICTURE_WIDTH, PICTURE_HEIGHT, 1, run_rows },
	{ "typing", PICTURE_WIDTH, PICTURE_HEIGHT, 1, run_typing },
	{ "clients", 64, 64, 0, run_clients },
	{ NULL, 0, 0, 0, NULL },
};

const struct scenario *scenario_named(const char *name)
{
	for (const struct scenario *s = scenarios; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}
