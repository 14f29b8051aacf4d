/* What the stub knows of each client and the answers it gives; the loop is in stub_compositor.c, the rules in stub_objects.c. */
#ifndef STUB_OBJECTS_H
#define STUB_OBJECTS_H
#include "transport.h"

enum { OUT_HIGH = 65536, FRAMES_HELD = 8 };

struct object {
	uint8_t interface, version;
	bool attached, configured, mapped;         /* surface */
	uint8_t n_frames;
	uint32_t frames[FRAMES_HELD];
	uint32_t buffer, role;                     /* surface: pending buffer, xdg_surface; xdg_surface: its wl_surface, toplevel */
	uint32_t serial;                           /* xdg_surface: last configure */
	uint32_t bytes;                            /* pool: size */
};

struct client {
	struct transport t;
	struct object *objects;
	uint32_t n_objects, room;
	uint32_t pointer, focus;                   /* ids, 0 = none */
	uint64_t burst;                            /* pairs of motion and frame still owed */
	uint32_t timed;                            /* the same, one per tick of the timer */
	int timer;
	bool timer_watched, wants_out, good;
};

struct totals { uint64_t clients, requests, events, fds, broken; };

struct client *new_client(int fd);
void handle(struct client *c, struct totals *totals, const uint32_t *message, uint32_t size);
void fail(struct client *c, struct totals *totals, uint32_t object, const char *why);
void fill_burst(struct client *c, struct totals *totals);
void tick(struct client *c, struct totals *totals);
#endif
