/* The load: load_client SCENARIO SOCKET [--seconds S] [--clients N] [--flush BYTES] [--attended] [--limit S]
 *
 * Prints one JSON line with raw figures. --attended: prints {"phase": "ready"} when the connections are set up and warm and waits
 * for a line on stdin; after the result it waits for another, so that the runner can look at the proxy in between, with
 * everything still connected. SCENARIO `startup` connects as soon as SOCKET answers and prints when the first round trip was done.
 * Exit 2: the system refused something, 3: an answer was wrong or the proxy hung up, 4: not done within --limit.
 */
#include "scenarios.h"
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>

static void too_late(int signal)
{
	(void)signal;
	static const char text[] = "load_client: not done within the time limit: an answer is missing\n";
	if (write(2, text, sizeof text - 1) < 0)
		_exit(5);
	_exit(4);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static uint64_t own_cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_line(bool attended)
{
	char byte;
	fflush(stdout);
	while (attended && read(0, &byte, 1) == 1 && byte != '\n')
		;
}

static void count(struct wl **clients, uint32_t n, struct seen *total)
{
	*total = (struct seen){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		total->requests += clients[i]->seen.requests;
		total->events += clients[i]->seen.events;
	}
}

/* Retries all of it: a proxy may listen before it can serve. */
static int startup(const char *path)
{
	for (;;) {
		struct wl *c = wl_connect(path, 4096, true);
		uint32_t *m = begin(&c->t.out, 1, 0, 12);
		m[0] = 2;
		while (held(&c->t.out) && send_some(&c->t, 0))
			;
		while (held(&c->t.in) < 12 && receive_some(&c->t, 0) > 0)
			;
		if (held(&c->t.in) >= 12) {
			printf("{\"first_roundtrip_at_ns\": %lu}\n", now_ns());
			return 0;
		}
		wl_close(c);
		usleep(200);
	}
}

static void print(const struct scenario *s, const struct options *o, struct report *r, uint64_t cpu)
{
	printf("{\"scenario\": \"%s\", \"clients\": %u, \"unit\": \"%s\", \"count\": %lu, \"elapsed_ns\": %lu, \"requests\": %lu, "
	       "\"events\": %lu, \"client_cpu_ns\": %lu", s->name, o->clients, r->unit, r->count, r->elapsed_ns, r->requests,
	       r->events, cpu);
	if (r->n_samples) {
		qsort(r->samples, r->n_samples, sizeof *r->samples, by_size);
		printf(", \"samples\": %zu, \"p50_ns\": %lu, \"p99_ns\": %lu", r->n_samples, r->samples[r->n_samples / 2],
		       r->samples[r->n_samples * 99 / 100]);
	}
	printf("}\n");
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' }, { "clients", required_argument, NULL, 'c' },
		{ "flush", required_argument, NULL, 'f' },   { "limit", required_argument, NULL, 'l' },
		{ "attended", no_argument, NULL, 'a' },      { NULL, 0, NULL, 0 },
	};
	struct options o = { .seconds = 0.3, .clients = 1, .flush_at = 4096 };
	bool attended = false;
	unsigned limit = 30;
	for (int k; (k = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (k == 's')
			o.seconds = atof(optarg);
		else if (k == 'c')
			o.clients = (uint32_t)atoi(optarg);
		else if (k == 'f')
			o.flush_at = (uint32_t)atoi(optarg);
		else if (k == 'l')
			limit = (unsigned)atoi(optarg);
		else if (k == 'a')
			attended = true;
		else
			return 2;
	}
	if (argc - optind != 2 || !o.clients) {
		fprintf(stderr, "usage: load_client SCENARIO SOCKET [--seconds S] [--clients N] [--flush BYTES] [--attended] [--limit S]\n");
		return 2;
	}
	o.socket = argv[optind + 1];
	signal(SIGALRM, too_late);
	alarm(limit);
	if (!strcmp(argv[optind], "startup"))
		return startup(o.socket);
	const struct scenario *s = scenario_named(argv[optind]);
	if (!s) {
		fprintf(stderr, "load_client: no scenario %s\n", argv[optind]);
		return 2;
	}
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	o.clients = s->clients ? s->clients : o.clients;
	struct wl **clients = calloc(o.clients, sizeof *clients);
	for (uint32_t i = 0; i < o.clients; i++) {
		clients[i] = wl_connect(o.socket, o.flush_at, true);
		wl_setup(clients[i], s->width, s->height, s->width > 64 ? &frame_pixels : NULL);
	}
	struct options warm = o;
	struct report ignored = { 0 }, r = { 0 };
	warm.seconds = o.seconds / 5;
	s->run(clients, &warm, &ignored);

	printf("{\"phase\": \"ready\"}\n");
	wait_line(attended);
	struct seen before, after;
	count(clients, o.clients, &before);
	uint64_t cpu = own_cpu(), start = now_ns();
	s->run(clients, &o, &r);
	r.elapsed_ns = now_ns() - start;
	cpu = own_cpu() - cpu;
	count(clients, o.clients, &after);
	r.requests = after.requests - before.requests;
	r.events = after.events - before.events;
	print(s, &o, &r, cpu);
	wait_line(attended);
	return 0;
}
