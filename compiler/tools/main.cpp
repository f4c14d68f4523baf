#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "compiler/tools/command.h"
#include "compiler/tools/crash.h"
#include "compiler/tools/version.h"

namespace upg::tools {

const cli::Program upgc{
    .name = "upgc",
    .overview = "compiler and checker of upgrade plans",
    .usage = "[OPTIONS] [FILE]",
    .exit_codes = "exit code: 0 clean, 1 findings, 2 usage or unreadable input, 3 internal error\n",
    .version = version_text,
};

namespace {

constexpr cli::Command<Exit> kCommands[] = {
    {"check", "prove that a plan cannot hurt the cluster, or show how it would", run_check},
    {"build", "check a plan and write it as a .upgb file", run_build},
    {"show", "what a reviewer reads before the plan is run", run_show},
    {"diff", "what differs between two plans in terms of safety", run_diff},
    {"fmt", "write .upg files in the one style", run_fmt},
    {"doc", "the reference of modules, from their doc comments", run_doc},
    {"disasm", "the content of a .upgb file, instruction by instruction", run_disasm},
    {"explain", "what a diagnostic means, with an example and its cure", run_explain},
};

}  // namespace
}  // namespace upg::tools

int main(int argc, char **argv) {
  using namespace upg::tools;
  const std::span<const char *const> arguments(argv, static_cast<std::size_t>(argc));
  const CrashReporter reporter(arguments);
  try {
    const Exit exit = upg::cli::dispatch<Exit>(upgc, kCommands, arguments);
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
