/* A Wayland connection as libwayland keeps it: bytes and descriptors, both buffered, at most 28 descriptors in one sendmsg. */
#ifndef TRANSPORT_H
#define TRANSPORT_H
#include "wire.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_SENT = 28, FDS_READ = 253, FDS_HELD = 1024, READ_BYTES = 65536 };

struct transport {
	int fd;
	struct buffer in, out;
	int out_fds[FDS_SENT], n_out_fds;
	int in_fds[FDS_HELD], n_in_fds, next_in_fd;
	bool gives_away; /* descriptors are closed here once they are sent */
};

static inline struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(a.sun_path, path);
	return a;
}

/* The name appears only once connections are taken: whoever waits for it can connect at once. */
static inline int listen_at(const char *path)
{
	char early[sizeof(struct sockaddr_un)];
	snprintf(early, sizeof early, "%s~", path);
	struct sockaddr_un a = unix_address(early);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024) || rename(early, path))
		die(path);
	return fd;
}

/* One sendmsg. True unless the peer is gone; what the socket did not take stays in `out`. */
static inline bool send_some(struct transport *t, int flags)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * FDS_SENT)]; } control;
	struct iovec iov = { t->out.bytes + t->out.start, held(&t->out) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (t->n_out_fds) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)t->n_out_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)t->n_out_fds);
		memcpy(CMSG_DATA(c), t->out_fds, sizeof(int) * (size_t)t->n_out_fds);
	}
	ssize_t n = sendmsg(t->fd, &m, flags | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	t->out.start += (size_t)n;
	for (int i = 0; t->gives_away && i < t->n_out_fds; i++)
		close(t->out_fds[i]);
	t->n_out_fds = 0; /* they went with the first byte */
	return true;
}

/* One recvmsg: bytes read, 0 when the peer is gone, -1 when there is nothing to read now. */
static inline ssize_t receive_some(struct transport *t, int flags)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * FDS_READ)]; } control;
	struct iovec iov = { reserve(&t->in, READ_BYTES), READ_BYTES };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	ssize_t n = recvmsg(t->fd, &m, flags | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	t->in.end += (size_t)n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (t->next_in_fd == t->n_in_fds)
			t->next_in_fd = t->n_in_fds = 0;
		if ((size_t)t->n_in_fds + count > FDS_HELD || (m.msg_flags & MSG_CTRUNC)) {
			fprintf(stderr, "descriptors piled up: sent without the messages that carry them\n");
			return 0;
		}
		memcpy(t->in_fds + t->n_in_fds, CMSG_DATA(c), count * sizeof(int));
		t->n_in_fds += (int)count;
	}
	return n;
}

/* The next descriptor received, or -1. The caller owns it. */
static inline int take_fd(struct transport *t)
{
	return t->next_in_fd < t->n_in_fds ? t->in_fds[t->next_in_fd++] : -1;
}

/* The next whole message, or NULL. Sizes that cannot be are reported by *size = 0. */
static inline const uint32_t *next_message(struct transport *t, uint32_t *size)
{
	if (held(&t->in) < HEADER)
		return NULL;
	const uint32_t *words = (const uint32_t *)(t->in.bytes + t->in.start);
	*size = words[1] >> 16;
	if (*size < HEADER || *size & 3) {
		*size = 0;
		return words;
	}
	return held(&t->in) < *size ? NULL : words;
}
#endif
