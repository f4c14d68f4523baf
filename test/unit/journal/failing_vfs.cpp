#include "test/unit/journal/failing_vfs.h"

#include <sqlite3.h>

#include <cstring>
#include <new>

namespace upg::journal_test {
namespace {

struct Plan {
  Fault fault = Fault::none;
  int left = 0;
  bool for_good = false;
  int struck = 0;

  bool strikes(Fault kind) {
    if (kind != fault) return false;
    if (left > 1) {
      --left;
      return false;
    }
    if (struck > 0 && !for_good) return false;
    ++struck;
    return true;
  }
};
Plan plan;  // the callbacks of a VFS have no place for it

struct File {
  sqlite3_file base;
  sqlite3_file *real;
};
sqlite3_file *real(sqlite3_file *f) { return reinterpret_cast<File *>(f)->real; }
const sqlite3_io_methods *methods(sqlite3_file *f) { return real(f)->pMethods; }

int file_close(sqlite3_file *f) { return methods(f)->xClose(real(f)); }
int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) { return methods(f)->xRead(real(f), to, n, at); }
int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
  if (plan.strikes(Fault::full)) return SQLITE_FULL;
  if (plan.strikes(Fault::torn)) {
    methods(f)->xWrite(real(f), from, n / 2, at);
    return SQLITE_IOERR_WRITE;
  }
  return methods(f)->xWrite(real(f), from, n, at);
}
int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
  return plan.strikes(Fault::truncate) ? SQLITE_IOERR_TRUNCATE : methods(f)->xTruncate(real(f), size);
}
int file_sync(sqlite3_file *f, int flags) {
  return plan.strikes(Fault::sync) ? SQLITE_IOERR_FSYNC : methods(f)->xSync(real(f), flags);
}
int file_size(sqlite3_file *f, sqlite3_int64 *size) { return methods(f)->xFileSize(real(f), size); }
int file_lock(sqlite3_file *f, int level) { return methods(f)->xLock(real(f), level); }
int file_unlock(sqlite3_file *f, int level) { return methods(f)->xUnlock(real(f), level); }
int file_reserved(sqlite3_file *f, int *out) { return methods(f)->xCheckReservedLock(real(f), out); }
int file_control(sqlite3_file *f, int op, void *arg) { return methods(f)->xFileControl(real(f), op, arg); }
int file_sector(sqlite3_file *f) { return methods(f)->xSectorSize(real(f)); }
int file_device(sqlite3_file *f) { return methods(f)->xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
  return methods(f)->xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file *f, int at, int n, int flags) { return methods(f)->xShmLock(real(f), at, n, flags); }
void shm_barrier(sqlite3_file *f) { methods(f)->xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file *f, int remove) { return methods(f)->xShmUnmap(real(f), remove); }

const sqlite3_io_methods ours = {2,           file_close, file_read,   file_write,    file_truncate, file_sync,
                                 file_size,   file_lock,  file_unlock, file_reserved, file_control,  file_sector,
                                 file_device, shm_map,    shm_lock,    shm_barrier,   shm_unmap,     nullptr,
                                 nullptr};

sqlite3_vfs *under = nullptr;
sqlite3_vfs over;

int vfs_open(sqlite3_vfs *, const char *name, sqlite3_file *f, int flags, int *out) {
  auto *file = reinterpret_cast<File *>(f);
  file->real = reinterpret_cast<sqlite3_file *>(file + 1);
  file->base.pMethods = nullptr;
  const int rc = under->xOpen(under, name, file->real, flags, out);
  if (file->real->pMethods) file->base.pMethods = &ours;
  return rc;
}

}  // namespace

FailingVfs::FailingVfs(Fault fault, int at, bool for_good) {
  plan = {fault, at, for_good, 0};
  under = sqlite3_vfs_find(nullptr);
  over = *under;
  over.pNext = nullptr;
  over.zName = "failing";
  over.szOsFile = static_cast<int>(sizeof(File)) + under->szOsFile;
  over.xOpen = vfs_open;
  sqlite3_vfs_register(&over, 1);
}

FailingVfs::~FailingVfs() {
  sqlite3_vfs_unregister(&over);
  sqlite3_vfs_register(under, 1);
}

int FailingVfs::struck() const { return plan.struck; }

}  // namespace upg::journal_test
