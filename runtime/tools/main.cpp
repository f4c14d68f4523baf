#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/plan/bytecode.h"
#include "runtime/tools/command.h"

namespace upg::run {
namespace {

constexpr Command kCommands[] = {
    {"run", "execute a compiled plan", run_run},
    {"resume", "go on with a run that was stopped, halted or killed", run_resume},
    {"status", "what is known of runs", run_status},
    {"preflight", "ask everything that can be asked before a run; change nothing", run_preflight},
    {"verify", "read a compiled plan and prove it again", run_verify},
};

std::string help() {
  std::string text = "upgrun: executes compiled upgrade plans\n\nusage: upgrun COMMAND [OPTIONS] [PLAN.upgb | RUN]\n\n";
  for (const Command &c : kCommands) text += fmt::format("  {:<11}{}\n", c.name, c.summary);
  return text +
         "\n  upgrun COMMAND --help  its options\n\n"
         "exit code: 0 done, 1 refused and nothing changed, 2 usage, 3 stopped part-way and `resume` goes on,\n"
         "           4 stopped and a person is needed first, 5 aborted\n";
}

Exit dispatch(std::span<const char *const> arguments) {
  std::string_view word = arguments.size() > 1 ? arguments[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    fmt::print("{}", help());
    return Exit::done;
  }
  if (word == "--version") {
    fmt::print("upgrun {}\nplan format {}\n", UPG_VERSION, plan::bytecode_version);
    return Exit::done;
  }
  std::vector<std::string_view> names;
  for (const Command &c : kCommands) {
    names.push_back(c.name);
    if (c.name != word) continue;
    std::string name = "upgrun " + std::string(word);
    std::vector<const char *> own(arguments.begin() + 1, arguments.end());
    own[0] = name.c_str();
    return c.run(own);
  }
  if (word.empty()) {
    fmt::print(stderr, "{}", help());
    return Exit::usage;
  }
  std::string_view meant = diagnostics::did_you_mean(word, names);
  fmt::print(stderr, "upgrun: there is no command `{}`{}\n", word,
             meant.empty() ? "" : fmt::format("; did you mean `{}`?", meant));
  return Exit::usage;
}

}  // namespace
}  // namespace upg::run

int main(int argc, char **argv) {
  using namespace upg::run;
  try {
    return static_cast<int>(dispatch(std::span<const char *const>(argv, static_cast<std::size_t>(argc))));
  } catch (const std::exception &error) {
    fmt::print(
        stderr,
        "upgrun: internal error: {}\nwhat was under way goes on at the hosts; `upgrun status` shows what is known\n",
        error.what());
  }
  return static_cast<int>(Exit::internal);
}
