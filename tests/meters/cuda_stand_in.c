/* A libcuda.so.1 without a GPU: one device, its primary context, its memory.

   What it holds is written to $STAND_IN/held, with all that was ever freed: 256 MiB for the
   context, and what was allocated, in blocks of 2 MiB. With $STAND_IN_FLAT set, cuMemGetInfo sees nothing of what was allocated. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SUCCESS, INVALID, NO_MEMORY, NOT_INITIALIZED, INVALID_CONTEXT = 201 };
enum { BLOCK = 2 << 20, CONTEXT = 256 << 20 };

static int initialized_by, references, current, created;
static long long held, freed;

static void write_held(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/held", getenv("STAND_IN"));
    FILE *file = fopen(path, "w");
    if (file) { fprintf(file, "%lld %lld\n", held, freed); fclose(file); }
}

static int ready(void) { return initialized_by == getpid() ? SUCCESS : NOT_INITIALIZED; }

int cuInit(unsigned flags) {
    if (initialized_by != getpid()) held = references = 0;
    initialized_by = getpid();
    return (void)flags, write_held(), SUCCESS;
}

int cuDeviceGetCount(int *count) { *count = 1; return ready(); }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ready(); }

int cuDeviceGetUuid_v2(unsigned char uuid[16], int device) {
    for (int i = 0; i < 16; i++) uuid[i] = i == 15 ? 0x0a : 0;
    return (void)device, ready();
}

int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    *flags = 0, *active = references > 0;
    return (void)device, ready();
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    (void)device;
    *context = &held;
    if (!references++) { created++; held += CONTEXT; write_held(); }
    return ready();
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    if (!--references) { held = 0; write_held(); }
    return (void)device, ready();
}

int cuCtxPushCurrent_v2(void *context) { current += context == &held; return ready(); }
int cuCtxPopCurrent_v2(void **context) { *context = &held; current--; return ready(); }
int cuCtxSetCurrent(void *context) { current = context == &held; return ready(); }

int cuMemGetInfo_v2(size_t *free, size_t *total) {
    *total = 16ull << 30;
    *free = *total - (getenv("STAND_IN_FLAT") ? CONTEXT : held);
    return current ? ready() : INVALID_CONTEXT;
}

int cuMemAlloc_v2(unsigned long long *pointer, size_t size) {
    size_t blocks = (size + BLOCK - 1) / BLOCK, *memory = malloc(sizeof *memory);
    if (!current || !memory) return free(memory), INVALID_CONTEXT;
    *memory = blocks * BLOCK;
    held += *memory, *pointer = (unsigned long long)memory;
    return write_held(), ready();
}

int cuMemFree_v2(unsigned long long pointer) {
    held -= *(size_t *)pointer, freed += *(size_t *)pointer;
    free((size_t *)pointer);
    return write_held(), ready();
}

/* For the tests alone: how often a context was created, how many are current. */
int stand_in_created(void) { return created; }
int stand_in_current(void) { return current; }
