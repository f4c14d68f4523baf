#include "runtime/journal/file_system.h"

#include <sys/vfs.h>

#include <filesystem>
#include <iterator>

namespace upg::journal {
namespace {

struct Row {
  unsigned long type;
  const char *name;
};

// Numbers of statfs(2) and of the kernel's magic.h; some of these are not in any header of ours.
constexpr Row kShared[] = {
    {0x6969, "NFS"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB"},
    {0x517b, "SMB"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x73757245, "Coda"},
    {0x564c, "NCP"},
    {0x01021997, "9p"},
    {0x00c36400, "ceph"},
    {0x65735546, "FUSE"},
    {0x0bd00bd0, "Lustre"},
    {0x01161970, "GFS2"},
    {0x7461636f, "OCFS2"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0xaad7aaea, "PanFS"},
    {0x786f4256, "a shared folder of VirtualBox"},
    {0xbacbacbc, "a shared folder of VMware"},
};

}  // namespace

std::optional<std::string> shared_file_system(unsigned long type) {
  for (const Row &row : kShared)
    if (row.type == (type & 0xffffffff)) return row.name;
  return std::nullopt;
}

std::optional<std::string> shared_file_system_of(const std::string &path) {
  struct statfs fs {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (statfs(folder.empty() ? "." : folder.c_str(), &fs) != 0) return std::nullopt;
  return shared_file_system(static_cast<unsigned long>(fs.f_type));
}

}  // namespace upg::journal
