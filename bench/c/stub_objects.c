/* One client of the stub: its objects, the rules for each request, the answers. */
#include "stub_objects.h"
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

enum { VARIABLE = 1, MOST_REQUESTS = 14 };

/* Sizes of requests by opcode: 0 = unknown to the stub, VARIABLE = has a string. */
static const uint8_t sizes[INTERFACES][MOST_REQUESTS] = {
	[DISPLAY] = { 12, 12 },
	[REGISTRY] = { VARIABLE },
	[COMPOSITOR] = { 12, 12 },
	[SURFACE] = { 8, 20, 24, 12, 12, 12, 8, 12, 12, 24 },
	[REGION] = { 8, 24, 24 },
	[SHM] = { 16 },
	[POOL] = { 32, 8, 12 },
	[BUFFER] = { 8 },
	[SEAT] = { 12, 12, 12, 8 },
	[POINTER] = { 24, 8 },
	[KEYBOARD] = { 8 },
	[TOUCH] = { 8 },
	[WM_BASE] = { 8, 0, 16, 12 },
	[XDG_SURFACE] = { 8, 12, 0, 24, 12 },
	[TOPLEVEL] = { 8, 12, VARIABLE, VARIABLE, 24, 16, 20, 16, 16, 8, 8, 12, 8, 8 },
	[SUBCOMPOSITOR] = { 8, 20 },
	[SUBSURFACE] = { 8, 16, 12, 12, 8, 8 },
	[OUTPUT] = { 8 },
};

static const struct { const char *interface; uint8_t version, kind; } globals[] = {
	{ "wl_compositor", 4, COMPOSITOR },       { "wl_subcompositor", 1, SUBCOMPOSITOR },
	{ "wl_shm", 1, SHM },                     { "wl_seat", 7, SEAT },
	{ "wl_output", 3, OUTPUT },               { "xdg_wm_base", 2, WM_BASE },
	{ "wl_data_device_manager", 3, DATA_MANAGER },
	/* announced because every compositor does; the bench's client never binds these */
	{ "wp_viewporter", 1, NONE },             { "wp_presentation", 1, NONE },
	{ "zxdg_decoration_manager_v1", 1, NONE }, { "zxdg_output_manager_v1", 3, NONE },
	{ "zwp_linux_dmabuf_v1", 3, NONE },       { "zwp_text_input_manager_v3", 1, NONE },
	{ "zwp_relative_pointer_manager_v1", 1, NONE }, { "zwp_pointer_constraints_v1", 1, NONE },
	{ "zwp_primary_selection_device_manager_v1", 1, NONE }, { "zwlr_layer_shell_v1", 4, NONE },
	{ "zwlr_screencopy_manager_v1", 3, NONE },
};
enum { N_GLOBALS = sizeof globals / sizeof globals[0] };

struct client *new_client(int fd)
{
	struct client *c = calloc(1, sizeof *c);
	if (!c)
		die("calloc");
	c->t.fd = fd;
	c->t.gives_away = true;
	c->timer = -1;
	c->good = true;
	c->room = 64;
	c->objects = calloc(c->room, sizeof *c->objects);
	if (!c->objects)
		die("calloc");
	c->objects[1] = (struct object){ .interface = DISPLAY, .version = 1 };
	c->n_objects = 2;
	return c;
}

void fail(struct client *c, struct totals *totals, uint32_t object, const char *why)
{
	uint32_t *w = begin(&c->t.out, 1, 0, HEADER + 8 + 4 * string_words(why));
	w[0] = object;
	w[1] = 3; /* implementation */
	put_string(w + 2, why);
	c->good = false;
	if (totals->broken++ < 8)
		fprintf(stderr, "stub: client %lu: object %u: %s\n", totals->clients, object, why);
}

static struct object *find(struct client *c, uint32_t id, enum interface kind)
{
	return id && id < c->n_objects && c->objects[id].interface == kind ? &c->objects[id] : NULL;
}

/* libwayland's rule: a free id, or the one after the last. */
static struct object *create(struct client *c, struct totals *totals, uint32_t id, enum interface kind, uint8_t version)
{
	if (id < 2 || id > c->n_objects || (id < c->n_objects && c->objects[id].interface != NONE)) {
		fail(c, totals, id, "not a valid new object id");
		return NULL;
	}
	if (id == c->n_objects) {
		if (++c->n_objects > c->room) {
			c->room *= 2;
			c->objects = realloc(c->objects, c->room * sizeof *c->objects);
			if (!c->objects)
				die("realloc");
		}
	}
	c->objects[id] = (struct object){ .interface = (uint8_t)kind, .version = version };
	return &c->objects[id];
}

static void destroy(struct client *c, struct totals *totals, uint32_t id)
{
	c->objects[id].interface = NONE;
	PUT(&c->t.out, 1, 1, id);
	totals->events++;
}

static void enter(struct client *c, struct totals *totals)
{
	if (!c->pointer || c->focus)
		return;
	for (uint32_t id = 2; id < c->n_objects; id++)
		if (c->objects[id].interface == SURFACE && c->objects[id].mapped) {
			c->focus = id;
			PUT(&c->t.out, c->pointer, 0, 1, id, 256, 256);
			PUT0(&c->t.out, c->pointer, 5);
			totals->events += 2;
			return;
		}
}

static void motion(struct client *c, struct totals *totals, uint32_t time, uint32_t at)
{
	PUT(&c->t.out, c->pointer, 2, time, (at & 255) << 8, (at >> 8 & 255) << 8);
	PUT0(&c->t.out, c->pointer, 5);
	totals->events += 2;
}

void fill_burst(struct client *c, struct totals *totals)
{
	for (; c->burst && held(&c->t.out) < OUT_HIGH; c->burst--)
		motion(c, totals, (uint32_t)c->burst, (uint32_t)c->burst);
}

void tick(struct client *c, struct totals *totals)
{
	uint64_t times;
	if (read(c->timer, &times, sizeof times) != sizeof times)
		return;
	for (; times && c->timed; times--, c->timed--)
		motion(c, totals, stamp(), c->timed);
	if (!c->timed) {
		close(c->timer);
		c->timer = -1;
		c->timer_watched = false;
	}
}

static void order(struct client *c, struct totals *totals, const uint32_t *a, uint32_t rate)
{
	if (!c->pointer || !c->focus)
		fail(c, totals, 1, "events ordered without a focused pointer");
	else if (a[0] == ORDER_BURST)
		c->burst += a[1];
	else if (a[0] == ORDER_MOTION && rate && c->timer < 0) {
		struct itimerspec every = { .it_interval.tv_nsec = 1000000000 / rate, .it_value.tv_nsec = 1000000000 / rate };
		c->timed = a[1];
		c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		timerfd_settime(c->timer, 0, &every, NULL);
	} else
		fail(c, totals, 1, "unknown order");
}

/* A frame on the screen at once: the buffer is released, the frame callbacks are done. */
static void commit(struct client *c, struct totals *totals, struct object *s)
{
	struct object *role = find(c, s->role, XDG_SURFACE);
	if (s->attached && s->buffer) {
		if (role && !role->configured) {
			fail(c, totals, s->role, "buffer before the first configure was acked");
			return;
		}
		if (!find(c, s->buffer, BUFFER)) {
			fail(c, totals, s->buffer, "commit of a destroyed buffer");
			return;
		}
		PUT0(&c->t.out, s->buffer, 0);
		totals->events++;
		if (!s->mapped) {
			s->mapped = true;
			enter(c, totals);
		}
	} else if (role && role->role && !role->serial) {
		PUT(&c->t.out, role->role, 0, 0, 0, 0);
		PUT(&c->t.out, s->role, 0, role->serial = 1);
		totals->events += 2;
	}
	s->attached = false;
	for (int i = 0; i < s->n_frames; i++) {
		PUT(&c->t.out, s->frames[i], 0, 1);
		totals->events++;
		destroy(c, totals, s->frames[i]);
	}
	s->n_frames = 0;
}

static void on_surface(struct client *c, struct totals *totals, uint32_t id, uint32_t op, const uint32_t *a)
{
	struct object *s = &c->objects[id];
	switch (op) {
	case 0:
		if (c->focus == id)
			c->focus = 0;
		destroy(c, totals, id);
		return;
	case 1:
		if (a[0] && !find(c, a[0], BUFFER))
			fail(c, totals, a[0], "attach: not a buffer");
		s->buffer = a[0];
		s->attached = true;
		return;
	case 2:
		if (a[2] == ORDER)
			order(c, totals, a, a[3]);
		return;
	case 3:
		if (s->n_frames == FRAMES_HELD)
			fail(c, totals, id, "more frame callbacks than the stub holds");
		else {
			s->frames[s->n_frames++] = a[0];
			create(c, totals, a[0], CALLBACK, 1);
		}
		return;
	case 4:
	case 5:
		if (a[0] && !find(c, a[0], REGION))
			fail(c, totals, a[0], "not a region");
		return;
	case 6:
		commit(c, totals, s);
		return;
	case 9:
		if ((int32_t)a[2] < 0 || (int32_t)a[3] < 0)
			fail(c, totals, id, "negative damage");
	}
}

static void bind_global(struct client *c, struct totals *totals, const uint32_t *a, uint32_t words)
{
	uint32_t taken;
	const char *name = words > 2 ? get_string(a + 1, words - 1, &taken) : NULL;
	if (!name || words != 1 + taken + 2 || a[0] < 1 || a[0] > N_GLOBALS || strcmp(globals[a[0] - 1].interface, name) ||
	    globals[a[0] - 1].kind == NONE) {
		fail(c, totals, 1, "bind: no such global");
		return;
	}
	uint32_t version = a[1 + taken], id = a[2 + taken], kind = globals[a[0] - 1].kind;
	if (version < 1 || version > globals[a[0] - 1].version) {
		fail(c, totals, id, "bind: no such version");
		return;
	}
	if (!create(c, totals, id, kind, (uint8_t)version))
		return;
	if (kind == SHM) {
		PUT(&c->t.out, id, 0, 0);
		PUT(&c->t.out, id, 0, 1);
		totals->events += 2;
	} else if (kind == SEAT) {
		PUT(&c->t.out, id, 0, 3);
		totals->events++;
	}
}

static void announce(struct client *c, struct totals *totals, uint32_t registry)
{
	for (uint32_t i = 0; i < N_GLOBALS; i++) {
		uint32_t n = string_words(globals[i].interface);
		uint32_t *w = begin(&c->t.out, registry, 0, HEADER + 4 * (n + 2));
		w[0] = i + 1;
		w = put_string(w + 1, globals[i].interface);
		w[0] = globals[i].version;
		totals->events++;
	}
}

static void create_pool(struct client *c, struct totals *totals, const uint32_t *a)
{
	int fd = take_fd(&c->t);
	struct stat facts;
	totals->fds += fd >= 0;
	if (fd < 0 || fstat(fd, &facts) || facts.st_size != (off_t)a[1])
		fail(c, totals, a[0], fd < 0 ? "create_pool: descriptor missing" : "create_pool: another pool's descriptor");
	close(fd);
	struct object *pool = create(c, totals, a[0], POOL, 1);
	if (pool)
		pool->bytes = a[1];
}

/* A new file for each keyboard, as compositors that are careful do. */
static void send_keymap(struct client *c, struct totals *totals, uint32_t keyboard, uint8_t version)
{
	static const char text[] = "xkb_keymap { };\n";
	int fd = memfd_create("keymap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || write(fd, text, sizeof text) != sizeof text)
		die("keymap");
	PUT(&c->t.out, keyboard, 0, 1, sizeof text);
	c->t.out_fds[c->t.n_out_fds++] = fd;
	totals->events++;
	if (version >= 4) {
		PUT(&c->t.out, keyboard, 5, 25, 600);
		totals->events++;
	}
}

static void on_seat(struct client *c, struct totals *totals, uint32_t id, uint32_t op, const uint32_t *a)
{
	uint8_t version = c->objects[id].version;
	if (op == 3) {
		destroy(c, totals, id);
	} else if (!create(c, totals, a[0], op == 0 ? POINTER : op == 1 ? KEYBOARD : TOUCH, version)) {
		return;
	} else if (op == 0) {
		c->pointer = a[0];
		enter(c, totals);
	} else if (op == 1)
		send_keymap(c, totals, a[0], version);
}

static void on_xdg_surface(struct client *c, struct totals *totals, uint32_t id, uint32_t op, const uint32_t *a)
{
	struct object *x = &c->objects[id];
	if (op == 0) {
		destroy(c, totals, id);
	} else if (op == 1) {
		x->role = a[0];
		create(c, totals, a[0], TOPLEVEL, x->version);
	} else if (op == 4) {
		if (!x->serial || a[0] != x->serial)
			fail(c, totals, id, "ack_configure: wrong serial");
		x->configured = true;
	}
}

static bool legal_size(struct client *c, struct totals *totals, const uint32_t *m, uint32_t size)
{
	uint32_t id = m[0], op = m[1] & 0xffff, kind = id < c->n_objects ? c->objects[id].interface : NONE;
	uint32_t right = kind != NONE && op < MOST_REQUESTS ? sizes[kind][op] : 0;
	if (kind == NONE)
		fail(c, totals, 1, "invalid object");
	else if (!right)
		fail(c, totals, id, "invalid method");
	else if (right == VARIABLE ? size < HEADER + 4 : size != right)
		fail(c, totals, id, "wrong size");
	else
		return true;
	return false;
}

void handle(struct client *c, struct totals *totals, const uint32_t *m, uint32_t size)
{
	totals->requests++;
	if (!legal_size(c, totals, m, size))
		return;
	uint32_t id = m[0], op = m[1] & 0xffff, taken;
	const uint32_t *a = m + 2, words = (size - HEADER) / 4;
	uint8_t kind = c->objects[id].interface, version = c->objects[id].version;
	switch (kind) {
	case SURFACE:
		on_surface(c, totals, id, op, a);
		return;
	case DISPLAY:
		if (op == 1) {
			if (create(c, totals, a[0], REGISTRY, 1))
				announce(c, totals, a[0]);
		} else if (create(c, totals, a[0], CALLBACK, 1)) {
			PUT(&c->t.out, a[0], 0, 1);
			totals->events++;
			destroy(c, totals, a[0]);
		}
		return;
	case REGISTRY:
		bind_global(c, totals, a, words);
		return;
	case COMPOSITOR:
		create(c, totals, a[0], op == 0 ? SURFACE : REGION, version);
		return;
	case SHM:
		create_pool(c, totals, a);
		return;
	case POOL:
		if (op == 1)
			destroy(c, totals, id);
		else if (op == 0) {
			if ((uint64_t)a[1] + (uint64_t)a[3] * a[4] > c->objects[id].bytes || a[4] < a[2] * 4)
				fail(c, totals, id, "create_buffer: beyond its pool");
			create(c, totals, a[0], BUFFER, 1);
		} else if (a[0] < c->objects[id].bytes)
			fail(c, totals, id, "resize: smaller");
		return;
	case SEAT:
		on_seat(c, totals, id, op, a);
		return;
	case WM_BASE:
		if (op == 0)
			destroy(c, totals, id);
		else if (op == 2) {
			if (!find(c, a[1], SURFACE))
				fail(c, totals, a[1], "get_xdg_surface: not a surface");
			else if (create(c, totals, a[0], XDG_SURFACE, version))
				c->objects[a[1]].role = a[0];
		}
		return;
	case XDG_SURFACE:
		on_xdg_surface(c, totals, id, op, a);
		return;
	case SUBCOMPOSITOR:
		if (op == 0)
			destroy(c, totals, id);
		else if (!find(c, a[1], SURFACE) || !find(c, a[2], SURFACE))
			fail(c, totals, id, "get_subsurface: not a surface");
		else
			create(c, totals, a[0], SUBSURFACE, 1);
		return;
	case TOPLEVEL:
		if ((op == 2 || op == 3) && (!get_string(a, words, &taken) || taken != words))
			fail(c, totals, id, "bad string");
		if (op == 0)
			destroy(c, totals, id);
		return;
	case POINTER:
		if (op == 1) {
			c->pointer = c->pointer == id ? 0 : c->pointer;
			destroy(c, totals, id);
		}
		return;
	default: /* destructors are the first request of all that is left */
		if (op == 0)
			destroy(c, totals, id);
	}
}
