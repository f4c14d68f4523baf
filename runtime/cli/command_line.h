#pragma once
#include <llvm/Support/CommandLine.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace upg::cli {

/// What the programs share of their exit codes; the rest is each program's own enumeration.
inline constexpr int exit_done = 0;   // also: help was asked for and printed
inline constexpr int exit_usage = 2;  // the command line is wrong, which was said on standard error

/// One subcommand. `arguments[0]` is its full name for messages ("upgc check").
template <typename Exit>
struct Command {
  std::string_view name;
  std::string_view summary;
  Exit (*run)(std::span<const char *const> arguments);
};

/// A program with subcommands, as its help tells it.
struct Program {
  std::string_view name;        // "upgc"
  std::string_view overview;    // "compiler and checker of upgrade plans"
  std::string_view usage;       // what follows COMMAND: "[OPTIONS] [FILE]"
  std::string_view exit_codes;  // one line for each, as --help of the program and of every subcommand ends
  std::string (*version)();     // what --version prints
};

/// The options of one subcommand: make it first, then the options as locals, then parse.
class CommandLineBase {
 public:
  explicit CommandLineBase(const Program &program);

  /// Fills the options. Nothing: go on; else the exit code with which the command ends.
  std::optional<int> parse_words(std::span<const char *const> arguments, std::string_view overview);

 private:
  void print_help(const char *name, std::string_view overview) const;
  const Program *program_;
};

/// `Exit`: the program's enumeration of its exit codes, `program`: what it is.
template <typename Exit, const Program &program>
class CommandLine : private CommandLineBase {
 public:
  CommandLine() : CommandLineBase(program) {}
  std::optional<Exit> parse(std::span<const char *const> arguments, std::string_view overview) {
    const std::optional<int> end = parse_words(arguments, overview);
    return end ? std::optional<Exit>(static_cast<Exit>(*end)) : std::nullopt;
  }
};

/// Name and summary of a subcommand.
struct CommandText {
  std::string_view name;
  std::string_view summary;
};

/// What to do with the first word when no subcommand has it: help, version, or a complaint. Gives the exit code.
int answer_word(const Program &program, std::span<const CommandText> commands, std::span<const char *const> arguments);

/// Runs the subcommand that the first word names.
template <typename Exit>
Exit dispatch(const Program &program, std::span<const Command<Exit>> commands, std::span<const char *const> arguments) {
  std::vector<CommandText> texts;
  for (const Command<Exit> &command : commands) {
    texts.push_back({command.name, command.summary});
    if (arguments.size() < 2 || command.name != arguments[1]) continue;
    const std::string name = std::string(program.name) + ' ' + std::string(command.name);
    std::vector<const char *> own(arguments.begin() + 1, arguments.end());
    own[0] = name.c_str();
    return command.run(own);
  }
  return static_cast<Exit>(answer_word(program, texts, arguments));
}

}  // namespace upg::cli
