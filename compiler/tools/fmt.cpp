#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "compiler/format/format.h"
#include "compiler/tools/command.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/files.h"
#include "runtime/cli/replace.h"
#include "runtime/diagnostics/apply_fixes.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

struct FormatOptions : ColorOption {
  llvm::cl::list<std::string> inputs{llvm::cl::Positional, llvm::cl::OneOrMore, llvm::cl::desc("FILE..."),
                                     llvm::cl::value_desc("file")};
  llvm::cl::opt<bool> check{"check", llvm::cl::desc("change nothing; exit code 1 if a file is not in the style")};
  llvm::cl::opt<bool> diff{"diff", llvm::cl::desc("change nothing; show what would change")};
};

/// What became of all files.
struct Outcome {
  std::vector<cli::Replacement> changed;
  bool unreadable = false;
  bool refused = false;  // a file has syntax errors
};

/// One file as it is and as it should be; nothing, said on standard error and in `outcome`, if that is not known.
std::optional<cli::Replacement> in_style(const std::string &path, const ColorOption &options, Outcome &outcome) {
  diagnostics::Sources sources;
  const std::optional<diagnostics::FileId> file = load_source_file("upgc fmt", path, sources);
  if (!file) {
    outcome.unreadable = true;
    return std::nullopt;
  }
  diagnostics::Sink sink;
  std::optional<std::string> formatted = format::format(sources, *file, sink);
  if (!formatted) {
    diagnostics::TextStyle style;
    style.color = diagnostics::use_color(options.color, STDERR_FILENO);
    put_error(diagnostics::render_text(sink, sources, style));
    outcome.refused = true;
    return std::nullopt;
  }
  return cli::Replacement{path, std::string(sources.text(*file)), std::move(*formatted)};
}

Exit write(const std::vector<cli::Replacement> &changed) {
  if (const std::string why = cli::replace_files(changed); !why.empty()) {
    put_error(fmt::format("upgc fmt: nothing was changed: {}\n", why));
    return Exit::usage;
  }
  for (const cli::Replacement &file : changed) put(fmt::format("formatted {}\n", diagnostics::printable(file.path)));
  return Exit::clean;
}

}  // namespace

Exit run_fmt(std::span<const char *const> arguments) {
  CommandLine line;
  FormatOptions options;
  if (const auto end = line.parse(arguments,
                                  "writes .upg files, or all under a folder, in the one style; `-`: from "
                                  "standard input to standard output"))
    return *end;
  const bool only_look = options.check || options.diff;
  std::vector<std::string> files;
  Outcome outcome;
  outcome.unreadable = !source_files("upgc fmt", {options.inputs.begin(), options.inputs.end()}, files);
  for (const std::string &path : files) {
    std::optional<cli::Replacement> file = in_style(path, options, outcome);
    if (!file) continue;
    if (path == "-" && !only_look) put(file->after);
    if (file->after != file->before && (path != "-" || only_look)) outcome.changed.push_back(std::move(*file));
  }
  if (outcome.unreadable) return Exit::usage;
  if (!only_look) {
    const Exit exit = write(outcome.changed);
    return exit == Exit::clean && outcome.refused ? Exit::findings : exit;
  }
  for (const cli::Replacement &file : outcome.changed) {
    if (options.diff)
      put(diagnostics::unified_diff(file.path, file.before, file.after));
    else
      put(fmt::format("not in the style: {}\n", diagnostics::printable(file.path)));
  }
  return outcome.refused || (options.check && !outcome.changed.empty()) ? Exit::findings : Exit::clean;
}

}  // namespace upg::tools
