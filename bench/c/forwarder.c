/* The rival that parses nothing: accept, connect upstream, pass bytes and descriptors on. forwarder LISTEN UPSTREAM
 *
 * What any proxy between two Unix sockets must pay: one epoll_wait, one recvmsg, one sendmsg for each wake. Non-blocking; a side
 * that does not take what it is sent stops the reading of the other. Serves until it is killed.
 */
#include "transport.h"
#include <sys/epoll.h>
#include <sys/resource.h>

struct half {
	int fd;
	struct half *other;
	uint8_t *late;            /* what this side has not taken yet; its descriptors have gone with the first byte */
	size_t late_start, late_end;
	int *late_fds, n_late_fds;
	bool dead;
};

static int epoll_fd;
static uint8_t chunk[READ_BYTES];
static struct half *graves[2048];
static int n_graves;

static void watch(struct half *h, int operation)
{
	struct epoll_event e = { .data.ptr = h };
	e.events = (h->other->late ? 0 : EPOLLIN) | (h->late ? EPOLLOUT : 0);
	if (epoll_ctl(epoll_fd, operation, h->fd, &e))
		die("epoll_ctl");
}

static void bury(struct half *h)
{
	if (h->dead)
		return;
	struct half *pair[2] = { h, h->other };
	for (int i = 0; i < 2; i++) {
		close(pair[i]->fd);
		for (int k = 0; k < pair[i]->n_late_fds; k++)
			close(pair[i]->late_fds[k]);
		free(pair[i]->late);
		free(pair[i]->late_fds);
		pair[i]->dead = true;
		graves[n_graves++] = pair[i]; /* events of this batch may still name them */
	}
}

/* Bytes taken; -1 when the peer is gone. Closes the descriptors that went. */
static ssize_t pass(int fd, const uint8_t *bytes, size_t n, const int *fds, int n_fds)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * FDS_READ)]; } control;
	struct iovec iov = { (void *)bytes, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (n_fds) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n_fds) };
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n_fds);
	}
	ssize_t sent = sendmsg(fd, &m, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN ? 0 : -1;
	for (int i = 0; i < n_fds; i++)
		close(fds[i]);
	return sent;
}

static void readable(struct half *from)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * FDS_READ)]; } control;
	struct iovec iov = { chunk, sizeof chunk };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	ssize_t n = recvmsg(from->fd, &m, MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		bury(from);
		return;
	}
	int fds[FDS_READ], n_fds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);
		memcpy(fds + n_fds, CMSG_DATA(c), bytes);
		n_fds += (int)(bytes / sizeof(int));
	}
	struct half *to = from->other;
	ssize_t sent = pass(to->fd, chunk, (size_t)n, fds, n_fds);
	if (sent == n)
		return;
	if (sent <= 0 && n_fds) {
		to->late_fds = malloc(sizeof(int) * (size_t)n_fds);
		if (!to->late_fds)
			die("malloc");
		memcpy(to->late_fds, fds, sizeof(int) * (size_t)n_fds);
		to->n_late_fds = n_fds;
	}
	if (sent < 0) {
		bury(from);
		return;
	}
	to->late_start = 0;
	to->late_end = (size_t)(n - sent);
	to->late = malloc(to->late_end);
	if (!to->late)
		die("malloc");
	memcpy(to->late, chunk + sent, to->late_end);
	watch(to, EPOLL_CTL_MOD);
	watch(from, EPOLL_CTL_MOD);
}

static void writable(struct half *to)
{
	ssize_t sent = pass(to->fd, to->late + to->late_start, to->late_end - to->late_start, to->late_fds, to->n_late_fds);
	if (sent < 0) {
		bury(to);
		return;
	}
	if (sent > 0) {
		free(to->late_fds);
		to->late_fds = NULL;
		to->n_late_fds = 0;
	}
	to->late_start += (size_t)sent;
	if (to->late_start < to->late_end)
		return;
	free(to->late);
	to->late = NULL;
	watch(to, EPOLL_CTL_MOD);
	watch(to->other, EPOLL_CTL_MOD);
}

static void accept_one(int listener, const char *upstream)
{
	int guest = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (guest < 0)
		return;
	struct sockaddr_un a = unix_address(upstream);
	int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (host < 0 || connect(host, (struct sockaddr *)&a, sizeof a)) {
		close(guest);
		close(host);
		return;
	}
	fcntl(host, F_SETFL, O_NONBLOCK);
	struct half *pair[2] = { calloc(1, sizeof(struct half)), calloc(1, sizeof(struct half)) };
	if (!pair[0] || !pair[1])
		die("calloc");
	*pair[0] = (struct half){ .fd = guest, .other = pair[1] };
	*pair[1] = (struct half){ .fd = host, .other = pair[0] };
	watch(pair[0], EPOLL_CTL_ADD);
	watch(pair[1], EPOLL_CTL_ADD);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: forwarder LISTEN UPSTREAM\n");
		return 2;
	}
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	int listener = listen_at(argv[1]);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		struct epoll_event ready[64];
		int n = epoll_wait(epoll_fd, ready, 64, -1);
		for (int i = 0; i < n; i++) {
			struct half *h = ready[i].data.ptr;
			if (!h)
				accept_one(listener, argv[2]);
			else if (!h->dead && h->late && ready[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
				writable(h);
			else if (!h->dead && !h->other->late)
				readable(h);
		}
		while (n_graves)
			free(graves[--n_graves]);
	}
}
