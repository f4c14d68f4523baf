#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/diagnostics/sources.h"

/// Which files a command that takes several means, and their texts.
namespace upg::tools {

/// The files as given; a folder stands for all `.upg` files under it in order of their names, hidden folders left out.
/// False, said on standard error, if a folder cannot be read.
bool source_files(const char *command, const std::vector<std::string> &inputs, std::vector<std::string> &files);

/// Reads a file, or standard input for `-`; nothing, said on standard error, if that fails.
std::optional<diagnostics::FileId> load_source_file(const char *command, const std::string &path,
                                                    diagnostics::Sources &sources);

}  // namespace upg::tools
