#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <span>
#include <string>

#include "runtime/journal/sqlite_journal.h"
#include "runtime/plan/bytecode.h"
#include "runtime/tools/command.h"
#include "runtime/tools/notify.h"

namespace upg::run {
namespace {

std::string version_text() {
  return fmt::format("upgrun {}\nplan format {}\njournal format {}\n", UPG_VERSION, plan::bytecode_version,
                     journal::journal_version);
}

}  // namespace

const cli::Program upgrun{
    .name = "upgrun",
    .overview = "executes compiled upgrade plans",
    .usage = "[OPTIONS] [PLAN.upgb | RUN]",
    .exit_codes =
        "exit code: 0 done, 1 refused and nothing changed, 2 usage, 3 stopped part-way and `resume` goes on,\n"
        "           4 stopped and a person is needed first, 5 aborted, 70 internal error\n",
    .version = version_text,
};

namespace {

constexpr cli::Command<Exit> kCommands[] = {
    {"run", "execute a compiled plan", run_run},
    {"resume", "go on with a run that was stopped, halted or killed", run_resume},
    {"abort", "undo a run before its point of no return", run_abort},
    {"stop", "let a run that is under way stop; `resume` goes on", run_stop},
    {"pause", "let a run stand still between two turns", run_pause},
    {"continue", "let a paused run go on", run_continue},
    {"answer", "answer what a run asks a person", run_answer},
    {"status", "what is known of runs, and what goes on right now", run_status},
    {"holds", "which holds are on, since when and why; give leaked ones back", run_holds},
    {"report", "what a run did, as a page or as data, and how to go on with it by hand", run_report},
    {"unlock", "give up the locks of a run that nobody will go on with", run_unlock},
    {"preflight", "ask everything that can be asked before a run; change nothing", run_preflight},
    {"unattended", "begin or resume a plan from a timer, in its window only", run_unattended},
    {"simulate", "what would happen: runs in virtual time, with faults; asks no host", run_simulate},
    {"verify", "read a compiled plan and prove it again", run_verify},
};

}  // namespace
}  // namespace upg::run

int main(int argc, char **argv) {
  using namespace upg::run;
  try {
    const std::span<const char *const> arguments(argv, static_cast<std::size_t>(argc));
    if (argc == 2 && std::string_view(argv[1]) == notify_helper_name) return notify_helper();
    return static_cast<int>(upg::cli::dispatch<Exit>(upgrun, kCommands, arguments));
  } catch (const std::exception &error) {
    fmt::print(
        stderr,
        "upgrun: internal error: {}\nwhat was under way goes on at the hosts; `upgrun status` shows what is known\n",
        error.what());
  }
  return static_cast<int>(Exit::internal);
}
