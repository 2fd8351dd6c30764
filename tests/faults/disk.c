/* A disk that fails on demand, for a process started with LD_PRELOAD. Only files named in $DISK_FILES (a part of
 * their path) are concerned. The file $DISK_FAULT, read at each call, holds what is wrong at the moment:
 *   full N      writes say that no space is left          readonly    writes say that the file is read-only
 *   broken      fdatasync and fsync fail                  slow N      they take N ms longer
 * and nothing is when it does not exist. With $DISK_JOURNAL set, what was written and what was synced is noted
 * there in order: a line "w NAME OFFSET LENGTH" and the bytes, "t NAME LENGTH" for a cut, "s NAME" for a sync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The file's name when it is one of ours, NULL otherwise. */
static const char *name_of(int fd, char *path, size_t size) {
    const char *ours = getenv("DISK_FILES");
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (ours == NULL || length <= 0) return NULL;
    path[length] = 0;
    if (strstr(path, ours) == NULL || strstr(path, "-shm") != NULL) return NULL;
    return strrchr(path, '/') + 1;
}

static void fault(char *kind, int *number) {
    const char *path = getenv("DISK_FAULT");
    char text[64] = "";
    kind[0] = 0;
    *number = 0;
    int fd = path == NULL ? -1 : open(path, O_RDONLY);
    if (fd < 0) return;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length > 0) sscanf(text, "%31s %d", kind, number);
}

static void journal(const char *head, const void *bytes, size_t length) {
    const char *path = getenv("DISK_JOURNAL");
    if (path == NULL) return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) abort();
    if (write(fd, head, strlen(head)) < 0 || (length > 0 && write(fd, bytes, length) < 0)) abort();
    close(fd);
}

static ssize_t put(const char *symbol, int fd, const void *bytes, size_t length, off64_t offset) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, symbol);
    char path[4096], kind[32], head[512];
    int number;
    const char *name = name_of(fd, path, sizeof path);
    if (name == NULL) return real(fd, bytes, length, offset);
    fault(kind, &number);
    if (strcmp(kind, "full") == 0 || strcmp(kind, "readonly") == 0) {
        errno = kind[0] == 'f' ? ENOSPC : EROFS;
        return -1;
    }
    pthread_mutex_lock(&lock);
    ssize_t written = real(fd, bytes, length, offset);
    if (written > 0) {
        snprintf(head, sizeof head, "w %s %lld %zd\n", name, (long long)offset, written);
        journal(head, bytes, (size_t)written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return put("pwrite64", fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return put("pwrite", fd, bytes, length, offset);
}

static int cut(const char *symbol, int fd, off64_t length) {
    int (*real)(int, off64_t) = dlsym(RTLD_NEXT, symbol);
    char path[4096], head[512];
    const char *name = name_of(fd, path, sizeof path);
    if (name == NULL) return real(fd, length);
    pthread_mutex_lock(&lock);
    int result = real(fd, length);
    snprintf(head, sizeof head, "t %s %lld\n", name, (long long)length);
    if (result == 0) journal(head, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int fd, off64_t length) { return cut("ftruncate64", fd, length); }
int ftruncate(int fd, off_t length) { return cut("ftruncate", fd, length); }

static int flush(const char *symbol, int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, symbol);
    char path[4096], kind[32], head[512];
    int number;
    const char *name = name_of(fd, path, sizeof path);
    if (name == NULL) return real(fd);
    fault(kind, &number);
    if (strcmp(kind, "slow") == 0) usleep((useconds_t)number * 1000);
    if (strcmp(kind, "broken") == 0) {
        errno = EIO;
        return -1;
    }
    pthread_mutex_lock(&lock);
    snprintf(head, sizeof head, "s %s\n", name);
    int result = real(fd);
    if (result == 0) journal(head, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int fdatasync(int fd) { return flush("fdatasync", fd); }
int fsync(int fd) { return flush("fsync", fd); }
