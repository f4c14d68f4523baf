#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "compiler/format/format.h"
#include "compiler/syntax/parse.h"
#include "compiler/tools/command.h"
#include "compiler/tools/command_line.h"
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

/// The text of a file or of standard input.
std::optional<diagnostics::FileId> load(const std::string &path, diagnostics::Sources &sources) {
  if (path == "-") {
    std::optional<std::string> text = read_standard_input();
    if (text) return sources.add(path, std::move(*text));
    put_error("upgc fmt: standard input cannot be read, or is larger than 64 MiB\n");
    return std::nullopt;
  }
  std::string why;
  const std::optional<diagnostics::FileId> file = sources.load(path, syntax::max_file_bytes, why);
  if (!file) put_error(fmt::format("upgc fmt: cannot read `{}`: {}\n", diagnostics::printable(path), why));
  return file;
}

/// One file as it is and as it should be; nothing, said on standard error and in `outcome`, if that is not known.
std::optional<cli::Replacement> in_style(const std::string &path, const ColorOption &options, Outcome &outcome) {
  diagnostics::Sources sources;
  const std::optional<diagnostics::FileId> file = load(path, sources);
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

/// The files that are meant; false, said on standard error, if a folder cannot be read.
bool all_files(const std::vector<std::string> &inputs, std::vector<std::string> &files) {
  bool readable = true;
  for (const std::string &input : inputs) {
    std::error_code ignored;
    if (input == "-" || !std::filesystem::is_directory(input, ignored)) {
      files.push_back(input);
      continue;
    }
    std::string why;
    if (files_under(input, files, why)) continue;
    put_error(fmt::format("upgc fmt: cannot read `{}`: {}\n", diagnostics::printable(input), why));
    readable = false;
  }
  return readable;
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
  outcome.unreadable = !all_files({options.inputs.begin(), options.inputs.end()}, files);
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
