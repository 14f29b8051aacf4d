/* Preloaded into user-mode Linux 6.1 where the processor has more extended state than it has room for (AMX: 11 KiB against 2.7): it asks
 * ptrace for that state with a buffer of its own size, and the host refuses to take so little back (EFAULT), which is a panic at the first
 * exec. Here the host gets its whole state; user-mode Linux sees the part that it knows, and the rest stays in its initial state, as nothing
 * in a guest uses it (Linux hands out AMX only on request: arch_prctl(ARCH_REQ_XCOMP_PERM)). */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ROOM 16384
#define XSTATE_BV 512 /* which parts of the state are there: Intel SDM, XSAVE area, header */
#define AMX (3ull << 17)

/* what the host has, in `whole`; 0 where it cannot be had */
static size_t read_whole(long pid, char *whole)
{
    struct iovec iov = {whole, ROOM};
    return syscall(SYS_ptrace, PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &iov) < 0 ? 0 : iov.iov_len;
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list args;
    va_start(args, request);
    long pid = va_arg(args, pid_t);
    void *address = va_arg(args, void *);
    void *data = va_arg(args, void *);
    va_end(args);

    if ((uintptr_t)address == NT_X86_XSTATE && (request == PTRACE_GETREGSET || request == PTRACE_SETREGSET)) {
        struct iovec *asked = data;
        static char whole[ROOM] __attribute__((aligned(64))); /* the caller's stack is a kernel's, 16 KiB; one thread calls */
        size_t size = read_whole(pid, whole);
        if (size > asked->iov_len && asked->iov_len > XSTATE_BV + sizeof(uint64_t)) {
            char *from = request == PTRACE_GETREGSET ? whole : asked->iov_base;
            char *to = request == PTRACE_GETREGSET ? asked->iov_base : whole;
            uint64_t parts;
            memcpy(to, from, asked->iov_len);
            memcpy(&parts, to + XSTATE_BV, sizeof parts);
            parts &= ~AMX;
            memcpy(to + XSTATE_BV, &parts, sizeof parts);
            if (request == PTRACE_GETREGSET)
                return 0;
            struct iovec iov = {whole, size};
            return syscall(SYS_ptrace, request, pid, address, &iov);
        }
    }
    long peeked = 0; /* the system call stores what PEEK reads; the function returns it */
    int peek = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
    long result = syscall(SYS_ptrace, (long)request, pid, address, peek ? &peeked : data);
    return peek && result >= 0 ? peeked : result;
}
