#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "compiler/tools/command.h"
#include "compiler/tools/crash.h"
#include "compiler/tools/output.h"
#include "compiler/tools/version.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

constexpr Command kCommands[] = {
    {"check", "prove that a plan cannot hurt the cluster, or show how it would", run_check},
    {"build", "check a plan and write it as a .upgb file", run_build},
    {"show", "what a reviewer reads before the plan is run", run_show},
    {"disasm", "the content of a .upgb file, instruction by instruction", run_disasm},
    {"explain", "what a diagnostic means, with an example and its cure", run_explain},
};

std::string help() {
  std::string text =
      "upgc: compiler and checker of upgrade plans\n\n"
      "usage: upgc COMMAND [OPTIONS] [FILE]\n\n";
  for (const Command &command : kCommands) text += fmt::format("  {:<10}{}\n", command.name, command.summary);
  text +=
      "\n  upgc COMMAND --help   its options\n"
      "  upgc --version        versions of the program and of the plan format\n\n"
      "exit code: 0 clean, 1 findings, 2 usage or unreadable input, 3 internal error\n";
  return text;
}

Exit unknown(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command &command : kCommands) names.push_back(command.name);
  const std::string_view meant = diagnostics::did_you_mean(word, names);
  put_error(fmt::format("upgc: there is no command `{}`", diagnostics::printable(word)));
  if (!meant.empty()) put_error(fmt::format("; did you mean `{}`?", meant));
  put_error("\nupgc --help lists them\n");
  return Exit::usage;
}

Exit dispatch(std::span<const char *const> arguments) {
  if (arguments.size() < 2) {
    put_error(help());
    return Exit::usage;
  }
  const std::string_view word = arguments[1];
  if (word == "--help" || word == "-h" || word == "help") {
    put(help());
    return Exit::clean;
  }
  if (word == "--version") {
    put(version_text());
    return Exit::clean;
  }
  for (const Command &command : kCommands) {
    if (command.name != word) continue;
    const std::string name = fmt::format("upgc {}", command.name);
    std::vector<const char *> own(arguments.begin() + 1, arguments.end());
    own[0] = name.c_str();
    return command.run(own);
  }
  return unknown(word);
}

}  // namespace
}  // namespace upg::tools

int main(int argc, char **argv) {
  using namespace upg::tools;
  const std::span<const char *const> arguments(argv, static_cast<std::size_t>(argc));
  const CrashReporter reporter(arguments);
  try {
    const Exit exit = dispatch(arguments);
    // A full disk or a closed pipe must not look like success.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      put_error("upgc: standard output cannot be written\n");
      return static_cast<int>(Exit::usage);
    }
    return static_cast<int>(exit);
  } catch (const std::exception &error) {
    reporter.report(error.what());
  } catch (const char *error) {
    reporter.report(error);
  } catch (...) {
    reporter.report("an exception of unknown type");
  }
  return static_cast<int>(Exit::internal);
}
