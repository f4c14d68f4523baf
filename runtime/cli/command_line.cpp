#include "runtime/cli/command_line.h"

#include <fmt/format.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/cli/output.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::cli {
namespace {

std::string help(const Program &program, std::span<const CommandText> commands) {
  std::string text =
      fmt::format("{}: {}\n\nusage: {} COMMAND {}\n\n", program.name, program.overview, program.name, program.usage);
  for (const CommandText &command : commands) text += fmt::format("  {:<11}{}\n", command.name, command.summary);
  text += fmt::format(
      "\n  {0} COMMAND --help   its options\n  {0} --version        versions of the program and of the "
      "plan format\n\n{1}",
      program.name, program.exit_codes);
  return text;
}

}  // namespace

CommandLineBase::CommandLineBase(const Program &program) : program_(&program) {
  // The first parse registers LLVM's own options; ours take their place, --color for one.
  const std::string name(program.name);
  const std::array<const char *, 1> nothing{name.c_str()};
  llvm::cl::ParseCommandLineOptions(1, nothing.data());
  std::vector<llvm::cl::Option *> foreign;
  for (auto &entry : llvm::cl::getRegisteredOptions()) {
    if (entry.first() != "help") foreign.push_back(entry.second);
  }
  for (llvm::cl::Option *option : foreign) option->removeArgument();
}

void CommandLineBase::print_help(const char *name, std::string_view overview) const {
  using llvm::cl::Option;
  std::vector<std::pair<std::string, const Option *>> options;
  std::size_t width = 0;
  for (auto &entry : llvm::cl::getRegisteredOptions()) {
    if (entry.first() == "help") continue;
    options.emplace_back(entry.first().str(), entry.second);
    width = std::max(width, entry.second->getOptionWidth());
  }
  std::sort(options.begin(), options.end());
  std::string usage = "[OPTIONS]";
  for (const Option *operand : llvm::cl::TopLevelSubCommand->PositionalOpts) {
    const bool needed = operand->getNumOccurrencesFlag() == llvm::cl::Required ||
                        operand->getNumOccurrencesFlag() == llvm::cl::OneOrMore;
    usage += fmt::format(" {}{}{}", needed ? "" : "[", operand->HelpStr.str(), needed ? "" : "]");
  }
  llvm::outs() << fmt::format("{}: {}\n\nusage: {} {}\n\n", name, overview, name, usage);
  for (const auto &[spelling, option] : options) option->printOptionInfo(width);
  llvm::outs() << '\n' << std::string(program_->exit_codes);
  llvm::outs().flush();
}

std::optional<int> CommandLineBase::parse_words(std::span<const char *const> arguments, std::string_view overview) {
  for (const char *word : arguments.subspan(1)) {
    if (std::string_view(word) == "--") break;
    if (std::string_view(word) != "--help" && std::string_view(word) != "-h") continue;
    print_help(arguments[0], overview);
    return exit_done;
  }
  std::string problems;
  llvm::raw_string_ostream stream(problems);
  const auto count = static_cast<int>(arguments.size());
  if (llvm::cl::ParseCommandLineOptions(count, arguments.data(), std::string(overview), &stream)) return std::nullopt;
  stream.flush();
  put_error(diagnostics::printable(problems, true));
  return exit_usage;
}

int answer_word(const Program &program, std::span<const CommandText> commands, std::span<const char *const> arguments) {
  const std::string_view word = arguments.size() > 1 ? arguments[1] : "";
  if (word.empty()) {
    put_error(help(program, commands));
    return exit_usage;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    put(help(program, commands));
    return exit_done;
  }
  if (word == "--version") {
    put(program.version());
    return exit_done;
  }
  std::vector<std::string_view> names;
  for (const CommandText &command : commands) names.push_back(command.name);
  const std::string_view meant = diagnostics::did_you_mean(word, names);
  put_error(fmt::format("{}: there is no command `{}`", program.name, diagnostics::printable(word)));
  if (!meant.empty()) put_error(fmt::format("; did you mean `{}`?", meant));
  put_error(fmt::format("\n{} --help lists them\n", program.name));
  return exit_usage;
}

}  // namespace upg::cli
