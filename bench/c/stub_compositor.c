/* A compositor that shows nothing: strict about the wire, quick to answer. stub_compositor SOCKET
 *
 * Serves any number of clients until SIGTERM, then prints what it saw as one JSON line and exits 1 if any client broke a rule.
 * The rules are libwayland's (dense ids, sizes, types of objects, since-versions of what is bound) and those of xdg-shell and
 * wl_shm that a proxy could break by losing, repeating or reordering messages or descriptors: configure before buffer, pools no
 * larger than their file (the client makes them exactly as large, so a swapped descriptor shows).
 */
#include "stub_objects.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

/* What an epoll event names, beside clients and (lowest bit set) their timers. */
enum { LISTENER = 0, SIGNALS = 2, GONE = 4 };

static struct totals totals;
static int epoll_fd;

static void want(struct client *c, bool writable)
{
	if (c->wants_out == writable)
		return;
	c->wants_out = writable;
	/* a client that does not read its events is not read either */
	struct epoll_event e = { .events = writable ? EPOLLOUT : EPOLLIN, .data.ptr = c };
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->t.fd, &e);
}

static void drop(struct client *c)
{
	close(c->t.fd);
	if (c->timer >= 0)
		close(c->timer);
	if (c->good && held(&c->t.in))
		fail(c, &totals, 1, "ended inside a message");
	for (int fd; (fd = take_fd(&c->t)) >= 0; close(fd))
		if (c->good)
			fail(c, &totals, 1, "a descriptor too many");
	free(c->t.in.bytes);
	free(c->t.out.bytes);
	free(c->objects);
	free(c);
}

/* Answers whole messages while there is room for answers, sends, refills bursts. False when the client is gone. */
static bool serve(struct client *c)
{
	for (;;) {
		uint32_t size;
		const uint32_t *m;
		while (c->good && held(&c->t.out) < OUT_HIGH && c->t.n_out_fds < FDS_SENT && (m = next_message(&c->t, &size))) {
			handle(c, &totals, m, size);
			c->t.in.start += size;
		}
		fill_burst(c, &totals);
		if (!held(&c->t.out))
			return c->good;
		if (!send_some(&c->t, MSG_DONTWAIT) || !c->good)
			return false;
		if (held(&c->t.out)) {
			want(c, true);
			return true;
		}
		want(c, false);
	}
}

static void accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct client *c = new_client(fd);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
	totals.clients++;
}

static void start_timer(struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uintptr_t)c | 1 };
	c->timer_watched = true;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->timer, &e))
		die("epoll_ctl");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: stub_compositor SOCKET\n");
		return 2;
	}
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	int signals = signalfd(-1, &stop, SFD_CLOEXEC), listener = listen_at(argv[1]);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event on_listen = { .events = EPOLLIN, .data.u64 = LISTENER }, on_signal = { .events = EPOLLIN, .data.u64 = SIGNALS };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &on_listen);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signals, &on_signal);
	for (;;) {
		struct epoll_event ready[64];
		int n = epoll_wait(epoll_fd, ready, 64, -1);
		for (int i = 0; i < n; i++) {
			uint64_t who = ready[i].data.u64;
			struct client *c = (struct client *)(uintptr_t)(who & ~(uint64_t)1);
			bool alive = true;
			if (who == LISTENER) {
				accept_one(listener);
				continue;
			}
			if (who == SIGNALS) {
				printf("{\"clients\": %lu, \"requests\": %lu, \"events\": %lu, \"fds\": %lu, \"broken\": %lu}\n",
				       totals.clients, totals.requests, totals.events, totals.fds, totals.broken);
				return totals.broken ? 1 : 0;
			}
			if (who == GONE)
				continue;
			if (who & 1)
				tick(c, &totals);
			else if (ready[i].events & EPOLLOUT)
				alive = true;
			else {
				ssize_t got = receive_some(&c->t, MSG_DONTWAIT);
				alive = got != 0;
			}
			if (!alive || !serve(c)) {
				drop(c);
				/* the timer of this client may stand further on in this batch */
				for (int k = i + 1; k < n; k++)
					if ((ready[k].data.u64 & ~(uint64_t)1) == (uintptr_t)c)
						ready[k].data.u64 = GONE;
				continue;
			}
			if (c->timer >= 0 && !c->timer_watched)
				start_timer(c);
		}
	}
}
