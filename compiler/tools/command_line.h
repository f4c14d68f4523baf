#pragma once
#include <llvm/Support/CommandLine.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compiler/compile.h"
#include "compiler/tools/command.h"
#include "runtime/diagnostics/render_text.h"

namespace upg::tools {

/// Options are locals of the subcommand that has them: make a CommandLine first, then the options, then parse.
class CommandLine {
 public:
  CommandLine();

  /// Fills the options. Nothing: go on. Otherwise the command ends so: help was asked for and printed, or the usage is
  /// wrong, which was said on standard error.
  std::optional<Exit> parse(std::span<const char *const> arguments, const char *overview);
};

enum class Format : std::uint8_t { text, json };

/// --format and --color: how diagnostics are shown.
struct OutputOptions {
  llvm::cl::opt<Format> format{
      "format", llvm::cl::desc("how diagnostics are printed"),
      llvm::cl::values(clEnumValN(Format::text, "text", "for a person, on standard error (default)"),
                       clEnumValN(Format::json, "json", "for a program, on standard output")),
      llvm::cl::init(Format::text)};
  llvm::cl::opt<diagnostics::Color> color{
      "color", llvm::cl::desc("colours in text"),
      llvm::cl::values(clEnumValN(diagnostics::Color::automatic, "auto", "on a terminal, unless NO_COLOR is set"),
                       clEnumValN(diagnostics::Color::always, "always", ""),
                       clEnumValN(diagnostics::Color::never, "never", "")),
      llvm::cl::init(diagnostics::Color::automatic)};
};

/// What all commands that take a plan have: FILE and how to compile it if it is source text.
struct PlanOptions {
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("FILE"),
                                   llvm::cl::value_desc("file")};
  llvm::cl::opt<std::string> plan{"plan", llvm::cl::desc("which upgrade or repair, if FILE holds several"),
                                  llvm::cl::value_desc("name")};
  llvm::cl::opt<std::string> limit{"limit", llvm::cl::desc("a narrower plan, for these hosts only"),
                                   llvm::cl::value_desc("hosts")};
  llvm::cl::list<std::string> defines{"D", llvm::cl::Prefix, llvm::cl::desc("value of a `param` of the plan"),
                                      llvm::cl::value_desc("name=value")};
  llvm::cl::list<std::string> stdlib{
      "stdlib", llvm::cl::desc("folder that holds `std` and other modules (default: the one installed)"),
      llvm::cl::value_desc("folder")};
  llvm::cl::opt<std::string> today{"today", llvm::cl::desc("date by which waivers expire (default: now, UTC)"),
                                   llvm::cl::value_desc("YYYY-MM-DD")};
  OutputOptions output;
};

/// Days since 1970-01-01 for "YYYY-MM-DD", if it is a date of 1970 to 9999.
std::optional<std::int64_t> days_of_date(std::string_view date);

/// The options as the compiler wants them; nothing, said on standard error, if one is wrong.
std::optional<compiler::CompileOptions> compile_options(const PlanOptions &options);

/// --today, else the current day; nothing, said on standard error, if it is no date.
std::optional<std::int64_t> today(const PlanOptions &options);

}  // namespace upg::tools
