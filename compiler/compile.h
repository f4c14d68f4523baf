#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"
#include "runtime/plan/plan.h"

namespace upg::compiler {

/// What to compile and how.
struct CompileOptions {
  std::string path;  // the file that holds the plan; "-": `text` is it (standard input, read by the caller)
  std::string text;  // only for path "-"
  std::vector<std::pair<std::string, std::string>> drafts;  // path and text of files to be read so, not from the disk
  std::string shown;  // only for path "-": the path that messages print and whose folder holds the other modules
  std::vector<std::string> stdlib;  // folders searched for `use`d modules, after the folder of the file itself
  std::string plan;                 // which `upgrade` or `repair`; empty: the only one
  std::vector<std::pair<std::string, std::string>> defines;  // -D name=value, for `param`s
  std::string limit;             // --limit: a host set as written on the command line; empty: all
  bool plan_required = true;     // false: a module alone is checked too; there is no plan then
  std::string compiler_version;  // goes into the plan and its digest
  std::size_t diagnostic_limit = 200;
};

/// Everything a compilation gave. Files of `sources` and of the plan have the same indices, so a range of the one is a
/// range of the other.
struct Compiled {
  diagnostics::Sources sources;
  diagnostics::Sink sink;
  std::optional<plan::Plan> plan;  // present only if no error was reported; it has passed the validator
};

/// Reads, resolves and lowers one plan. Never throws; every mistake is in the sink. The safety rules are not asked here
/// (safety::check).
Compiled compile(const CompileOptions &options);

}  // namespace upg::compiler
