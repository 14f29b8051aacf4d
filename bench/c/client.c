/* The client's side of the protocol: ids, events, and the way to one mapped window with a pointer. */
#include "client.h"
#include <sys/mman.h>

static void wrong(const char *what, uint32_t number)
{
	fprintf(stderr, "client: %s (%u)\n", what, number);
	exit(3);
}

struct wl *wl_connect(const char *path, size_t flush_at, bool retry)
{
	struct sockaddr_un a = unix_address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (connect(fd, (struct sockaddr *)&a, sizeof a)) {
		if (!retry || (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN))
			die(path);
		usleep(200);
	}
	struct wl *c = calloc(1, sizeof *c);
	if (!c)
		die("calloc");
	c->t.fd = fd;
	c->flush_at = flush_at;
	c->room = 256;
	c->kinds = calloc(c->room, 1);
	c->states = calloc(c->room, 1);
	c->free_ids = calloc(c->room, sizeof *c->free_ids);
	c->kinds[1] = DISPLAY;
	c->states[1] = LIVE;
	c->n_ids = 2;
	return c;
}

void wl_close(struct wl *c)
{
	close(c->t.fd);
	free(c->t.in.bytes);
	free(c->t.out.bytes);
	free(c->kinds);
	free(c->states);
	free(c->free_ids);
	free(c);
}

uint32_t new_id(struct wl *c, enum interface kind)
{
	uint32_t id = c->n_free ? c->free_ids[--c->n_free] : c->n_ids++;
	if (c->n_ids > c->room) {
		c->room *= 2;
		c->kinds = realloc(c->kinds, c->room);
		c->states = realloc(c->states, c->room);
		c->free_ids = realloc(c->free_ids, c->room * sizeof *c->free_ids);
		if (!c->kinds || !c->states || !c->free_ids)
			die("realloc");
	}
	c->kinds[id] = (uint8_t)kind;
	c->states[id] = LIVE;
	return id;
}

static void delete_id(struct wl *c, uint32_t id)
{
	if (id >= c->n_ids || c->states[id] != DESTROYED)
		wrong("delete_id of an object in use", id);
	c->states[id] = FREE;
	c->free_ids[c->n_free++] = id;
}

static void global(struct wl *c, const uint32_t *a, uint32_t words)
{
	static const struct { const char *name; uint32_t kind; } wanted[] = {
		{ "wl_compositor", COMPOSITOR }, { "wl_shm", SHM }, { "wl_seat", SEAT }, { "xdg_wm_base", WM_BASE },
	};
	uint32_t taken;
	const char *name = words > 2 ? get_string(a + 1, words - 2, &taken) : NULL;
	if (!name || words != taken + 2)
		wrong("wl_registry.global is damaged", words);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (!strcmp(name, wanted[i].name)) {
			c->names[wanted[i].kind] = a[0];
			c->versions[wanted[i].kind] = a[1 + taken];
		}
}

static void on_pointer(struct wl *c, uint32_t op, const uint32_t *a)
{
	if (op != 2)
		return;
	c->seen.moves++;
	if (c->n_ages < c->room_ages)
		c->ages[c->n_ages++] = stamp() - a[0];
}

static void on_keyboard(struct wl *c, uint32_t op, const uint32_t *a)
{
	if (op != 0)
		return;
	int fd = take_fd(&c->t);
	if (fd < 0 || lseek(fd, 0, SEEK_END) < (off_t)a[1])
		wrong("keymap without its file", a[1]);
	close(fd);
	c->seen.keymaps++;
}

static void event(struct wl *c, const uint32_t *m, uint32_t size)
{
	uint32_t id = m[0], op = m[1] & 0xffff;
	const uint32_t *a = m + 2;
	c->seen.events++;
	if (!size || id >= c->n_ids || c->states[id] == FREE)
		wrong("event for an object that does not exist", id);
	switch (c->kinds[id]) {
	case POINTER:
		if (size != HEADER + (uint32_t[]){ 16, 8, 12, 16, 12, 0, 4, 8, 8 }[op > 8 ? 8 : op])
			wrong("pointer event of the wrong size", size);
		on_pointer(c, op, a);
		return;
	case CALLBACK:
		if (size != 12 || op != 0 || c->states[id] != LIVE)
			wrong("wl_callback.done is damaged", id);
		c->states[id] = DESTROYED;
		c->seen.dones++;
		return;
	case DISPLAY:
		if (op == 0) {
			fprintf(stderr, "client: wl_display.error object %u code %u: %.*s\n", a[0], a[1], (int)a[2], (const char *)(a + 3));
			exit(3);
		}
		delete_id(c, a[0]);
		return;
	case BUFFER:
		c->seen.releases++;
		return;
	case REGISTRY:
		if (op == 0)
			global(c, a, (size - HEADER) / 4);
		return;
	case XDG_SURFACE:
		c->serial = a[0];
		return;
	case WM_BASE:
		REQUEST(c, id, 3, a[0]);
		return;
	case KEYBOARD:
		on_keyboard(c, op, a);
		return;
	case TOPLEVEL:
	case SHM:
	case SEAT:
	case SURFACE:
		return;
	default:
		wrong("event of an interface that sends none here", c->kinds[id]);
	}
}

static bool handle_read(struct wl *c, ssize_t n)
{
	uint32_t size;
	const uint32_t *m;
	if (n == 0)
		return false;
	while ((m = next_message(&c->t, &size))) {
		event(c, m, size);
		c->t.in.start += size;
	}
	return true;
}

bool wl_readable(struct wl *c)
{
	return handle_read(c, receive_some(&c->t, MSG_DONTWAIT));
}

void flush(struct wl *c)
{
	while (held(&c->t.out)) {
		if (!send_some(&c->t, MSG_DONTWAIT))
			wrong("connection lost while writing", 0);
		if (!held(&c->t.out))
			return;
		struct pollfd p = { .fd = c->t.fd, .events = POLLIN | POLLOUT };
		poll(&p, 1, -1);
		/* what has come must be read, or both sides wait for each other; replies may add to `out`, never flush */
		if (p.revents & POLLIN) {
			size_t limit = c->flush_at;
			c->flush_at = SIZE_MAX;
			bool alive = wl_readable(c);
			c->flush_at = limit;
			if (!alive)
				wrong("connection lost while writing", 0);
		}
	}
}

void wait_events(struct wl *c)
{
	flush(c);
	if (!handle_read(c, receive_some(&c->t, 0)))
		wrong("connection lost while reading", 0);
}

int sized_file(size_t bytes)
{
	int fd = memfd_create("pool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		die("memfd_create");
	return fd;
}

static uint32_t bind_global(struct wl *c, enum interface kind, const char *name, uint32_t most)
{
	uint32_t n = string_words(name), version = c->versions[kind] < most ? c->versions[kind] : most, id = new_id(c, kind);
	if (!c->names[kind])
		wrong(name, 0);
	uint32_t *w = begin(&c->t.out, c->registry, 0, HEADER + 4 * (n + 3));
	w[0] = c->names[kind];
	w = put_string(w + 1, name);
	w[0] = version;
	w[1] = id;
	sent(c);
	return id;
}

static void text_request(struct wl *c, uint32_t object, uint32_t opcode, const char *text)
{
	put_string(begin(&c->t.out, object, opcode, HEADER + 4 * string_words(text)), text);
	sent(c);
}

/* Two buffers of one size in one pool. */
static void make_buffers(struct wl *c, uint32_t width, uint32_t height, uint8_t **pixels)
{
	uint32_t stride = width * 4, bytes = stride * height;
	int file = sized_file(2 * (size_t)bytes);
	if (pixels) {
		*pixels = mmap(NULL, 2 * (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (*pixels == MAP_FAILED)
			die("mmap");
	}
	c->pool = new_id(c, POOL);
	give_fd(c, file);
	REQUEST(c, c->shm, 0, c->pool, 2 * bytes);
	for (uint32_t i = 0; i < 2; i++) {
		c->buffers[i] = new_id(c, BUFFER);
		REQUEST(c, c->pool, 0, c->buffers[i], i * bytes, width, height, stride, 1);
	}
	flush(c);
	close(file);
}

/* Registry, globals, a window that is mapped, a pointer inside it. Ids that nest stay in order: parents first. */
void wl_setup(struct wl *c, uint32_t width, uint32_t height, uint8_t **pixels)
{
	c->registry = new_id(c, REGISTRY);
	REQUEST(c, 1, 1, c->registry);
	roundtrip(c);
	c->compositor = bind_global(c, COMPOSITOR, "wl_compositor", 4);
	c->shm = bind_global(c, SHM, "wl_shm", 1);
	c->seat = bind_global(c, SEAT, "wl_seat", 7);
	c->wm_base = bind_global(c, WM_BASE, "xdg_wm_base", 2);
	roundtrip(c);
	c->pointer = new_id(c, POINTER);
	REQUEST(c, c->seat, 0, c->pointer);
	c->surface = new_id(c, SURFACE);
	REQUEST(c, c->compositor, 0, c->surface);
	c->xdg_surface = new_id(c, XDG_SURFACE);
	REQUEST(c, c->wm_base, 2, c->xdg_surface, c->surface);
	c->toplevel = new_id(c, TOPLEVEL);
	REQUEST(c, c->xdg_surface, 1, c->toplevel);
	text_request(c, c->toplevel, 2, "bench");
	text_request(c, c->toplevel, 3, "org.example.bench");
	REQUEST0(c, c->surface, 6);
	make_buffers(c, width, height, pixels);
	while (!c->serial)
		wait_events(c);
	REQUEST(c, c->xdg_surface, 4, c->serial);
	REQUEST(c, c->surface, 1, c->buffers[0], 0, 0);
	REQUEST(c, c->surface, 9, 0, 0, width, height);
	REQUEST0(c, c->surface, 6);
	roundtrip(c);
}
