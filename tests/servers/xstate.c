/*
 * Preloaded into user-mode Linux 6.1, which otherwise dies at its start on processors whose extended
 * state is larger than the 2696 bytes that it provides for (those with AMX): Linux reads the state
 * of a traced process into a buffer of any size, but sets it only from one that holds all of it.
 * Here the state to set is put into a buffer of the full size, without the features beyond UML's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define EXTENDED_STATE 0x202  /* NT_X86_XSTATE of elf.h */
#define LARGEST 16384
#define HEADER 512            /* of the XSAVE area: which features it holds, then reserved bytes */
#define HEADER_RESERVED (HEADER + 16)
#define HEADER_RESERVED_SIZE 48
#define FEATURES_OF_UML 0x2ff /* x87, SSE, AVX, MPX, AVX-512, PKRU */

typedef long (*Ptrace)(int request, pid_t process, void *address, void *data);

static Ptrace next_ptrace(void)
{
	static Ptrace next;
	if (!next)
		next = (Ptrace)dlsym(RTLD_NEXT, "ptrace");
	return next;
}

static long set_state(pid_t process, void *kind, struct iovec *given)
{
	static __thread unsigned char buffer[LARGEST];
	static size_t full_size; /* the same for all processes */
	struct iovec whole = { buffer, full_size ? full_size : sizeof buffer };
	uint64_t features;

	if (!full_size) {
		if (next_ptrace()(PTRACE_GETREGSET, process, kind, &whole) < 0)
			return -1;
		full_size = whole.iov_len;
	}
	if (given->iov_len >= full_size)
		return next_ptrace()(PTRACE_SETREGSET, process, kind, given);
	memset(buffer, 0, full_size);
	memcpy(buffer, given->iov_base, given->iov_len);
	memcpy(&features, buffer + HEADER, sizeof features);
	features &= FEATURES_OF_UML;
	memcpy(buffer + HEADER, &features, sizeof features);
	memset(buffer + HEADER_RESERVED, 0, HEADER_RESERVED_SIZE);
	return next_ptrace()(PTRACE_SETREGSET, process, kind, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	pid_t process = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *);
	void *data = va_arg(arguments, void *);
	va_end(arguments);

	if (request == PTRACE_SETREGSET && (long)address == EXTENDED_STATE)
		return set_state(process, address, data);
	return next_ptrace()(request, process, address, data);
}
