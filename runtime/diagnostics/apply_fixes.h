#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

/// A file as the fixes make it.
struct FixedFile {
  FileId file;
  std::string text;
  std::vector<std::string> told;  // "a.upg:3:5: E0111: write `and`", in the order of the file
};

/// The texts that the sure fixes of a sink make, for those files whose entry in `may_change` is true. A fix is taken
/// whole or not at all; one that overlaps a fix taken before it waits: compile again and apply again.
std::vector<FixedFile> apply_sure_fixes(const Sink &sink, const Sources &sources, const std::vector<bool> &may_change);

/// The difference between two texts as `diff -u` writes it, three lines of context; empty if there is none. Line based;
/// its cost is bounded: in very different texts the middle is shown as replaced whole.
std::string unified_diff(const std::string &path, std::string_view before, std::string_view after);

}  // namespace upg::diagnostics
