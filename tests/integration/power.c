/* A disk that loses power, as an LD_PRELOAD library: what fsync was asked for is copied into a shadow, and nothing else.
 *
 * POWER_ROOT: the folder that is such a disk. POWER_SHADOW: where copies go (same file system): for a file <inode>.data
 * and a hard link <inode>.pin (so that its inode is not used again), for a folder <inode>.dir with a line an entry.
 * POWER_LIES: part of the paths whose fsync answers and does nothing, as if the program had forgotten it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int keep_folder(const char *path, const char *shadow, unsigned long inode) {
    char fresh[4096], kept[4096];
    snprintf(fresh, sizeof fresh, "%s/%lu.dir.%d.%ld", shadow, inode, getpid(), syscall(SYS_gettid));
    snprintf(kept, sizeof kept, "%s/%lu.dir", shadow, inode);
    DIR *folder = opendir(path);
    FILE *list = fopen(fresh, "w");
    if (!folder || !list) abort();
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            fprintf(list, "%lu %d %s\n", (unsigned long) entry->d_ino, entry->d_type, entry->d_name);
    closedir(folder);
    if (fclose(list) || rename(fresh, kept)) abort();
    return 0;
}

static int keep_file(const char *link, const char *shadow, unsigned long inode) {
    char pin[4096], kept[4096], block[1 << 16];
    snprintf(pin, sizeof pin, "%s/%lu.pin", shadow, inode);
    snprintf(kept, sizeof kept, "%s/%lu.data", shadow, inode);
    if (linkat(AT_FDCWD, link, AT_FDCWD, pin, AT_SYMLINK_FOLLOW) && errno != EEXIST && errno != ENOENT) abort();
    int from = open(link, O_RDONLY | O_CLOEXEC), to = open(kept, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (from < 0 || to < 0) abort();
    off_t at = 0;
    for (ssize_t got; (got = pread(from, block, sizeof block, at)) > 0; at += got)
        if (pwrite(to, block, got, at) != got) abort();
    if (ftruncate(to, at)) abort();
    close(from);
    close(to);
    return 0;
}

static int keep(int fd, long number) {
    const char *root = getenv("POWER_ROOT"), *shadow = getenv("POWER_SHADOW"), *lies = getenv("POWER_LIES");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!root || !shadow || length < 0) return syscall(number, fd);
    path[length] = 0;
    size_t size = strlen(root);
    if (strncmp(path, root, size) || (path[size] && path[size] != '/')) return syscall(number, fd);
    if (lies && *lies && strstr(path + size, lies)) return 0;
    struct stat about;
    if (fstat(fd, &about)) return -1;
    return S_ISDIR(about.st_mode) ? keep_folder(path, shadow, about.st_ino) : keep_file(link, shadow, about.st_ino);
}

int fsync(int fd) { return keep(fd, SYS_fsync); }
int fdatasync(int fd) { return keep(fd, SYS_fdatasync); }
