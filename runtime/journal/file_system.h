#pragma once
#include <optional>
#include <string>

namespace upg::journal {

/// What a file system of this type (statfs) is called if it lies on another machine or behind a process, where neither
/// locks nor flushed writes can be relied on; nothing for a local one.
std::optional<std::string> shared_file_system(unsigned long type);

/// The same of the folder that the file is in.
std::optional<std::string> shared_file_system_of(const std::string &path);

}  // namespace upg::journal
