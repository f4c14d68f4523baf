#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "compiler/compile.h"
#include "compiler/tools/command.h"
#include "runtime/diagnostics/render_text.h"

namespace upg::tools {

enum class Format : std::uint8_t { text, json, sarif, github, gitlab, junit };

/// --color.
struct ColorOption {
  llvm::cl::opt<diagnostics::Color> color{
      "color", llvm::cl::desc("colours in text"),
      llvm::cl::values(clEnumValN(diagnostics::Color::automatic, "auto", "on a terminal, unless NO_COLOR is set"),
                       clEnumValN(diagnostics::Color::always, "always", ""),
                       clEnumValN(diagnostics::Color::never, "never", "")),
      llvm::cl::init(diagnostics::Color::automatic)};
};

/// --format, --strict and --color: how diagnostics are shown, and what counts as an error.
struct OutputOptions : ColorOption {
  llvm::cl::opt<Format> format{
      "format", llvm::cl::desc("how diagnostics are printed; all but text go to standard output"),
      llvm::cl::values(clEnumValN(Format::text, "text", "for a person, on standard error (default)"),
                       clEnumValN(Format::json, "json", "everything, for a program"),
                       clEnumValN(Format::sarif, "sarif", "SARIF 2.1.0, for code scanning"),
                       clEnumValN(Format::github, "github", "annotations in GitHub Actions"),
                       clEnumValN(Format::gitlab, "gitlab", "GitLab's code quality report"),
                       clEnumValN(Format::junit, "junit", "JUnit XML, for test reports")),
      llvm::cl::init(Format::text)};
  llvm::cl::opt<bool> strict{"strict", llvm::cl::desc("warnings are errors")};
};

/// How FILE is compiled if it is source text.
struct SourceOptions {
  llvm::cl::opt<std::string> plan{"plan", llvm::cl::desc("which upgrade or repair, if FILE holds several"),
                                  llvm::cl::value_desc("name")};
  llvm::cl::opt<std::string> limit{"limit", llvm::cl::desc("a narrower plan, for these hosts only"),
                                   llvm::cl::value_desc("hosts")};
  llvm::cl::list<std::string> defines{"D", llvm::cl::Prefix, llvm::cl::desc("value of a `param` of the plan"),
                                      llvm::cl::value_desc("name=value")};
  llvm::cl::list<std::string> stdlib{
      "stdlib", llvm::cl::desc("folder that holds `std` and other modules (default: the one installed)"),
      llvm::cl::value_desc("folder")};
  llvm::cl::opt<std::string> stdin_name{
      "stdin-name", llvm::cl::desc("of `-`: the path to print, in whose folder modules are looked for"),
      llvm::cl::value_desc("path")};
  llvm::cl::opt<std::string> today{"today", llvm::cl::desc("date by which waivers expire (default: now, UTC)"),
                                   llvm::cl::value_desc("YYYY-MM-DD")};
};

/// What all commands that take a plan have. FILE may be `-`, standard input.
struct PlanOptions {
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("FILE"),
                                   llvm::cl::value_desc("file")};
  SourceOptions source;
  OutputOptions output;
};

/// Standard input up to 64 MiB: a text typed or piped in, not a stream. Nothing if it is longer or cannot be read.
std::optional<std::string> read_standard_input();

/// Days since 1970-01-01 for "YYYY-MM-DD", if it is a date of 1970 to 9999.
std::optional<std::int64_t> days_of_date(std::string_view date);

/// The options as the compiler wants them; nothing, said on standard error, if one is wrong.
std::optional<compiler::CompileOptions> compile_options(const SourceOptions &options, const std::string &path);

/// --today, else the current day; nothing, said on standard error, if it is no date.
std::optional<std::int64_t> today(const SourceOptions &options);

}  // namespace upg::tools
