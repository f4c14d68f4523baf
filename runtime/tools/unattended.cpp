// A plan that nobody watches: begun or taken up again by a timer, in its window only.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "runtime/machine/past.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"
#include "runtime/tools/run_journal.h"
#include "runtime/tools/session.h"
#include "runtime/transport/system_clock.h"

namespace upg::run {
namespace {

struct Earlier {
  std::string id;
  report::RunSummary summary;
};

/// The newest run of the plan that did more than being refused. A run whose journal cannot be read is nobody's guess:
/// nothing, with `why`.
bool newest_run(const std::string &root, const std::string &digest, std::optional<Earlier> &found, std::string &why) {
  for (const std::string &id : report::RunFolder::list(root)) {
    auto folder = report::RunFolder::open(root, id, why);
    if (!folder) continue;
    const journal::Reading reading = journal_of(*folder);
    if (!reading.problem.empty()) {
      why = folder->file("journal.sqlite") + ": " + reading.problem;
      return false;
    }
    const std::vector<machine::Record> *records = &reading.records;
    if (records->empty() || machine::field_of(records->front(), "digest") != digest) continue;
    // one that only gave leaked holds back, or died before its first step, did nothing of the plan
    if (std::all_of(records->begin(), records->end(),
                    [](const machine::Record &r) { return r.key.empty() || r.key.starts_with("holds/"); }))
      continue;
    report::RunSummary summary = report::summarize(*records);
    if (summary.status != "refused") found = Earlier{id, std::move(summary)};
  }
  return true;
}

/// The service manager's credential of this name, if there is one.
std::string credential(const char *name) {
  const char *folder = std::getenv("CREDENTIALS_DIRECTORY");
  const std::string path = folder != nullptr && *folder == '/' ? std::string(folder) + "/" + name : std::string();
  std::error_code unknown;
  return !path.empty() && std::filesystem::exists(path, unknown) ? path : std::string();
}

}  // namespace

Exit run_unattended(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("PLAN.upgb")};
  llvm::cl::opt<std::string> expect{"expect", llvm::cl::Required,
                                    llvm::cl::desc("refuse any plan but the reviewed one"),
                                    llvm::cl::value_desc("digest")};
  ReachOptions reach;
  ShowOptions show;
  TellOptions tell;
  if (auto end = line.parse(arguments,
                            "for a timer: begins the plan in its window, or goes on with a run of it that was stopped"))
    return *end;
  Exit exit = Exit::usage;
  auto file = load(input, show.color, exit);
  if (!file) return exit;
  if (!expected(*file, expect)) return Exit::refused;
  if (file->plan.windows.empty()) {
    fmt::print(stderr, "upgrun: the plan has no window: nobody says when it may run unwatched; nothing was started\n");
    return Exit::refused;
  }
  std::string why;
  std::optional<Earlier> earlier;
  if (!newest_run(report::RunFolder::root(show.runs), file->digest, earlier, why)) {
    fmt::print(stderr, "upgrun: {}; what it did is unknown, so nothing was started\n", why);
    return Exit::person;
  }
  const std::string status = earlier ? earlier->summary.status : std::string();
  if (status == "done" || status == "aborted") {
    fmt::print(stderr, "upgrun: run {} of this plan is {}\n", earlier->id, status);
    return status == "done" ? Exit::done : Exit::aborted;
  }
  if (status == "halted") {
    fmt::print(stderr,
               "upgrun: run {} of this plan is halted: {}\nsomeone must look first: `upgrun status {}`, then "
               "`upgrun resume {}`\n",
               earlier->id, report::printable(earlier->summary.reason), earlier->id, earlier->id);
    return Exit::person;
  }
  transport::SystemClock clock;
  if (!open_window(file->plan, clock.unix_ms(), why)) {
    fmt::print(stderr, "upgrun: {}; nothing was started\n", why);
    return earlier ? Exit::stopped : Exit::done;
  }
  if (const std::string key = credential("upg.identity"); !key.empty() && reach.identity.empty())
    reach.identity.push_back(key);
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.tell = &tell;
  return earlier ? take_up(earlier->id, std::move(options)) : start(*file, std::move(options));
}

}  // namespace upg::run
