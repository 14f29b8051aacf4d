/* The Wayland wire as the bench needs it: growing buffers, message writers, argument readers, the clock.
 *
 * Used by both ends (stub_compositor.c, load_client.c), never by the forwarder, which looks at nothing.
 */
#ifndef WIRE_H
#define WIRE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEADER = 8 };

enum interface {
	NONE, DISPLAY, REGISTRY, CALLBACK, COMPOSITOR, SURFACE, REGION, SHM, POOL, BUFFER, SEAT, POINTER, KEYBOARD, TOUCH,
	WM_BASE, XDG_SURFACE, TOPLEVEL, SUBCOMPOSITOR, SUBSURFACE, OUTPUT, DATA_MANAGER, INTERFACES
};

/* How the client asks the stub for events: wl_surface.damage(kind, count, ORDER, rate), legal and otherwise unused here. */
enum { ORDER = 31337, ORDER_BURST = 1, ORDER_MOTION = 2 };

struct buffer { uint8_t *bytes; size_t start, end, room; };

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static inline size_t held(const struct buffer *b) { return b->end - b->start; }

/* Room for n bytes at the end; moves what is held to the front first. */
static inline uint8_t *reserve(struct buffer *b, size_t n)
{
	if (b->start == b->end)
		b->start = b->end = 0;
	if (b->end + n <= b->room)
		return b->bytes + b->end;
	if (b->start) {
		memmove(b->bytes, b->bytes + b->start, held(b));
		b->end -= b->start;
		b->start = 0;
	}
	if (b->end + n > b->room) {
		b->room = (b->end + n) * 2;
		b->bytes = realloc(b->bytes, b->room);
		if (!b->bytes)
			die("realloc");
	}
	return b->bytes + b->end;
}

static inline uint32_t *begin(struct buffer *b, uint32_t object, uint32_t opcode, uint32_t size)
{
	uint32_t *words = (uint32_t *)reserve(b, size);
	b->end += size;
	words[0] = object;
	words[1] = size << 16 | opcode;
	return words + 2;
}

/* A message of words only: PUT(buffer, object, opcode, arguments...). */
#define PUT0(b, object, opcode) ((void)begin(b, object, opcode, HEADER))
#define PUT(b, object, opcode, ...) do { \
	const uint32_t words_[] = { __VA_ARGS__ }; \
	memcpy(begin(b, object, opcode, HEADER + sizeof words_), words_, sizeof words_); } while (0)

static inline uint32_t string_words(const char *s) { return 1 + ((uint32_t)strlen(s) + 1 + 3) / 4; }

static inline uint32_t *put_string(uint32_t *words, const char *s)
{
	uint32_t n = string_words(s);
	words[n - 1] = 0;
	words[0] = (uint32_t)strlen(s) + 1;
	memcpy(words + 1, s, words[0]);
	return words + n;
}

/* The string at words, or NULL when it is not whole inside the `left` words or not terminated; *taken in words. */
static inline const char *get_string(const uint32_t *words, uint32_t left, uint32_t *taken)
{
	if (left < 1 || words[0] == 0 || words[0] > (left - 1) * 4)
		return NULL;
	const char *s = (const char *)(words + 1);
	if (strnlen(s, words[0]) != words[0] - 1)
		return NULL;
	*taken = 1 + (words[0] + 3) / 4;
	return s;
}

static inline uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What the stub writes in the time field of timed motion: units of 100 ns, so that latency can be read off. */
static inline uint32_t stamp(void) { return (uint32_t)(now_ns() / 100); }
#endif
