/* A Wayland client that behaves like libwayland: dense ids, reused only after delete_id, bounded flushes, ≤ 28 descriptors at once. */
#ifndef CLIENT_H
#define CLIENT_H
#include "transport.h"

enum state { FREE, LIVE, DESTROYED };

struct seen { uint64_t requests, events, dones, frames, releases, moves, keymaps; };

struct wl {
	struct transport t;
	size_t flush_at;
	uint8_t *kinds, *states;           /* by id */
	uint32_t n_ids, room, *free_ids, n_free;
	uint32_t registry, compositor, shm, seat, wm_base, surface, xdg_surface, toplevel, pointer, pool, buffers[2];
	uint32_t names[INTERFACES];        /* of the globals, by interface */
	uint32_t versions[INTERFACES];
	uint32_t serial;                   /* of the last xdg configure */
	uint32_t *ages, n_ages, room_ages; /* of timed motion, in 100 ns; kept while room_ages > 0 */
	struct seen seen;
};

struct wl *wl_connect(const char *path, size_t flush_at, bool retry);
void wl_close(struct wl *c);
void wl_setup(struct wl *c, uint32_t width, uint32_t height, uint8_t **pixels);

uint32_t new_id(struct wl *c, enum interface kind);
void flush(struct wl *c);
void wait_events(struct wl *c);        /* flushes, then reads and handles what there is, at least one read */
bool wl_readable(struct wl *c);        /* reads and handles without waiting; false when the proxy hung up */
int sized_file(size_t bytes);

#define REQUEST(c, object, opcode, ...) do { PUT(&(c)->t.out, object, opcode, __VA_ARGS__); sent(c); } while (0)
#define REQUEST0(c, object, opcode) do { PUT0(&(c)->t.out, object, opcode); sent(c); } while (0)

static inline void sent(struct wl *c)
{
	c->seen.requests++;
	if (held(&c->t.out) >= c->flush_at)
		flush(c);
}

/* The destructor request; the id comes back with delete_id. */
static inline void destroy_object(struct wl *c, uint32_t id, uint32_t opcode)
{
	c->states[id] = DESTROYED;
	REQUEST0(c, id, opcode);
}

static inline void sync_request(struct wl *c)
{
	uint32_t id = new_id(c, CALLBACK);
	REQUEST(c, 1, 0, id);
}

static inline void roundtrip(struct wl *c)
{
	uint64_t target = c->seen.dones + 1;
	sync_request(c);
	while (c->seen.dones < target)
		wait_events(c);
}

/* Queues a descriptor for the message that is put next. */
static inline void give_fd(struct wl *c, int fd)
{
	if (c->t.n_out_fds == FDS_SENT)
		flush(c);
	c->t.out_fds[c->t.n_out_fds++] = fd;
}
#endif
