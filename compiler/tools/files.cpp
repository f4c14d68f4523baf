#include "compiler/tools/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "compiler/syntax/parse.h"
#include "compiler/tools/command_line.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

/// All `.upg` files under a folder, in order of their names; hidden folders are not looked into. False: `why` it
/// failed.
bool files_under(const std::string &folder, std::vector<std::string> &files, std::string &why) {
  std::error_code error;
  std::vector<std::string> found;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (at->is_directory(error) && name.starts_with('.')) at.disable_recursion_pending();
    if (at->is_regular_file(error) && name.ends_with(".upg")) found.push_back(at->path().string());
  }
  if (error) why = error.message();
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
  return !error;
}

}  // namespace

bool source_files(const char *command, const std::vector<std::string> &inputs, std::vector<std::string> &files) {
  bool readable = true;
  for (const std::string &input : inputs) {
    std::error_code ignored;
    if (input == "-" || !std::filesystem::is_directory(input, ignored)) {
      files.push_back(input);
      continue;
    }
    std::string why;
    if (files_under(input, files, why)) continue;
    put_error(fmt::format("{}: cannot read `{}`: {}\n", command, diagnostics::printable(input), why));
    readable = false;
  }
  return readable;
}

std::optional<diagnostics::FileId> load_source_file(const char *command, const std::string &path,
                                                    diagnostics::Sources &sources) {
  if (path == "-") {
    std::optional<std::string> text = read_standard_input();
    if (text) return sources.add(path, std::move(*text));
    put_error(fmt::format("{}: standard input cannot be read, or is larger than 64 MiB\n", command));
    return std::nullopt;
  }
  std::string why;
  const std::optional<diagnostics::FileId> file = sources.load(path, syntax::max_file_bytes, why);
  if (!file) put_error(fmt::format("{}: cannot read `{}`: {}\n", command, diagnostics::printable(path), why));
  return file;
}

}  // namespace upg::tools
