/* A libnvidia-ml.so.1 without a GPU, for the real pynvml.

   What it answers stands in $STAND_IN/state, read anew at every call, one fact a line:

     driver 570.86.10
     device GPU-… USED              a device and its bytes in use; "-": it does not tell them
     instance MIG-… USED PARENT     a MIG instance; its parent is then split
     row compute UUID PID BYTES     PID or "self", BYTES a number, "none", or "held" (0: no row)
     fail FUNCTION CODE             that function returns CODE
     late N                         of memory that was freed, the first N questions see nothing

   "held" is what the CUDA stand-in holds, in $STAND_IN/held. Compiled with -DOLD it is a library
   of driver 470: the second version of the process lists, the first of the memory. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS, UNINITIALIZED, INVALID, NOT_SUPPORTED, NOT_FOUND = 6, TOO_SMALL, UNKNOWN = 999 };
enum { LINES = 64, NONE = -1 };

typedef struct { unsigned pid; unsigned long long used; unsigned gpu, compute; } Row;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory2;
typedef char Line[128];

static Line lines[LINES], known[LINES]; /* a handle is the address of a UUID in `known` */
static int count, opened_by;

static FILE *file(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("STAND_IN"), name);
    return fopen(path, "r");
}

/* Read the state; the answer to a call of `function` on this library. */
static int ask(const char *function) {
    Line name;
    int code;
    FILE *state = file("state");
    for (count = 0; state && count < LINES && fgets(lines[count], sizeof *lines, state); count++) {}
    if (state) fclose(state);
    for (int i = 0; i < count; i++)
        if (sscanf(lines[i], "fail %127s %d", name, &code) == 2 && !strcmp(name, function))
            return code;
    if (opened_by == getpid() || !strcmp(function, "nvmlInitWithFlags")) return SUCCESS;
    return opened_by ? UNKNOWN : UNINITIALIZED; /* unknown: to a child of the one who opened it */
}

static long long held(void) {
    static long long seen = 0, unseen = 0, asked = 0;
    long long now = 0, freed = 0, late = 0;
    FILE *bytes = file("held");
    if (bytes && fscanf(bytes, "%lld %lld", &now, &freed) != 2) now = 0;
    if (bytes) fclose(bytes);
    for (int i = 0; i < count; i++) sscanf(lines[i], "late %lld", &late);
    if (freed > seen) unseen += freed - seen, seen = freed, asked = 0;
    if (asked++ >= late) unseen = 0;
    return now + unseen;
}

static long long bytes_of(const char *word) {
    if (!strcmp(word, "held")) return held();
    return !strcmp(word, "none") || !strcmp(word, "-") ? NONE : atoll(word);
}

static int handle_of(const char *uuid, char **device) {
    for (int i = 0; i < LINES; i++) {
        if (!known[i][0]) strcpy(known[i], uuid);
        if (!strcmp(known[i], uuid)) { *device = known[i]; return SUCCESS; }
    }
    return NOT_FOUND;
}

/* The UUID in line number `index` of those that start like `format`, below `parent` if given. */
static int find(const char *format, int index, char *uuid, const char *parent) {
    Line found, bytes, above;
    for (int i = 0; i < count; i++) {
        if (sscanf(lines[i], format, found, bytes, above) < 2) continue;
        if (*parent && strcmp(above, parent)) continue;
        if (!index--) return strcpy(uuid, found), SUCCESS;
    }
    return NOT_FOUND;
}

#define DEVICE "device %127s %127s"
#define INSTANCE "instance %127s %127s %127s"

const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : "an error"; }

int nvmlInitWithFlags(unsigned flags) {
    int code = ask("nvmlInitWithFlags");
    (void)flags;
    if (code == SUCCESS && opened_by != getpid()) {
        opened_by = getpid(); /* like the driver's, it opens descriptors and takes heap for good */
        if (open("/dev/null", O_RDONLY) < 0 || !memset(malloc(3000000), 1, 3000000)) return UNKNOWN;
    }
    return code;
}

int nvmlShutdown(void) { opened_by = 0; return SUCCESS; }

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    int code = ask("nvmlSystemGetDriverVersion");
    for (int i = 0; i < count; i++) sscanf(lines[i], "driver %79s", version);
    return (void)length, code;
}

int nvmlDeviceGetCount_v2(unsigned *devices) {
    int code = ask("nvmlDeviceGetCount_v2");
    Line uuid;
    for (*devices = 0; !find(DEVICE, *devices, uuid, ""); ++*devices) {}
    return code;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, char **device) {
    int code = ask("nvmlDeviceGetHandleByIndex_v2");
    Line uuid;
    if (!code) code = find(DEVICE, index, uuid, "");
    return code ? code : handle_of(uuid, device);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, char **device) {
    int code = ask("nvmlDeviceGetHandleByUUID");
    return code ? code : handle_of(uuid, device);
}

int nvmlDeviceGetUUID(char *device, char *uuid, unsigned length) {
    int code = ask("nvmlDeviceGetUUID");
    snprintf(uuid, length, "%s", device);
    return code;
}

int nvmlDeviceGetMigMode(char *device, unsigned *current, unsigned *pending) {
    int code = ask("nvmlDeviceGetMigMode");
    Line uuid;
    *current = *pending = !find(INSTANCE, 0, uuid, device);
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(char *device, unsigned *most) {
    (void)device;
    *most = 7;
    return ask("nvmlDeviceGetMaxMigDeviceCount");
}

int nvmlDeviceGetMigDeviceHandleByIndex(char *device, unsigned index, char **instance) {
    int code = ask("nvmlDeviceGetMigDeviceHandleByIndex");
    Line uuid;
    if (!code) code = find(INSTANCE, index, uuid, device);
    return code ? code : handle_of(uuid, instance);
}

static int memory(const char *function, char *device, long long *used) {
    int code = ask(function);
    Line what, uuid, bytes;
    for (int i = 0; i < count && !code; i++)
        if (sscanf(lines[i], "%127s %127s %127s", what, uuid, bytes) == 3 && !strcmp(uuid, device))
            return (*used = bytes_of(bytes)) == NONE ? NOT_SUPPORTED : SUCCESS;
    return code ? code : NOT_FOUND;
}

int nvmlDeviceGetMemoryInfo(char *device, Memory *answer) {
    long long used = 0;
    int code = memory("nvmlDeviceGetMemoryInfo", device, &used);
    *answer = (Memory){1ull << 40, 0, used + 1000}; /* with what the driver reserves */
    return code;
}

/* The size first: with too little room the answer is the number of rows. */
static int processes(const char *function, const char *kind, char *device, unsigned *size, Row *rows) {
    int code = ask(function), pid, n = 0;
    for (int i = 0; i < count && !code; i++) {
        Line list, uuid, who, bytes;
        if (sscanf(lines[i], "row %127s %127s %127s %127s", list, uuid, who, bytes) != 4) continue;
        if (strcmp(list, kind) || strcmp(uuid, device)) continue;
        if (!strcmp(bytes, "held") && !held()) continue; /* no context, no row */
        pid = strcmp(who, "self") ? atoi(who) : getpid();
        if (rows && n < (int)*size) rows[n] = (Row){pid, bytes_of(bytes), -1, -1};
        n++;
    }
    if (!code && n > (rows ? (int)*size : 0)) code = TOO_SMALL;
    *size = n;
    return code;
}

#define LIST(KIND, name, version)                                                                \
    int nvmlDeviceGet##KIND##RunningProcesses_##version(char *device, unsigned *size, Row *rows) { \
        return processes("nvmlDeviceGet" #KIND "RunningProcesses_" #version, name, device, size, rows); \
    }

#ifdef OLD
LIST(Compute, "compute", v2)
LIST(Graphics, "graphics", v2)
#else
LIST(Compute, "compute", v3)
LIST(Graphics, "graphics", v3)

int nvmlDeviceGetMemoryInfo_v2(char *device, Memory2 *answer) {
    long long used = 0;
    int code = memory("nvmlDeviceGetMemoryInfo_v2", device, &used);
    if (answer->version != 0x02000028) return 25;
    *answer = (Memory2){answer->version, 1ull << 40, 1000, 0, used};
    return code;
}
#endif
