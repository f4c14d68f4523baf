#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace upg::cli {

/// Writes a file that is there whole or not at all, also if the machine stops now. Empty: done; else why not.
std::string replace_file(const std::string &path, std::string_view bytes);

/// Replaces several files: each is written beside its place, checked to be unchanged since it was read (`before`), and
/// then renamed. If any of them cannot be written or has changed, none is replaced and the reason is given.
struct Replacement {
  std::string path;
  std::string before;
  std::string after;
};
std::string replace_files(const std::vector<Replacement> &files);

}  // namespace upg::cli
