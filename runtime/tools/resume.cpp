#include <fmt/format.h>

#include "runtime/machine/past.h"
#include "runtime/report/live_status.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"
#include "runtime/tools/changed_plan.h"
#include "runtime/tools/remote.h"
#include "runtime/tools/run_journal.h"
#include "runtime/tools/session.h"

namespace upg::run {
Exit take_up(const std::string &id, SessionOptions options) {
  std::string why;
  auto folder = report::RunFolder::open(report::RunFolder::root(options.show->runs), id, why);
  if (!folder) {
    fmt::print(stderr, "upgrun: {}\n", why);
    return Exit::usage;
  }
  if (auto busy = folder->lock()) {
    fmt::print(stderr, "upgrun: {}{}\n", *busy, options.abort ? "; stop it first: what runs comes to its end" : "");
    return Exit::usage;
  }
  Exit exit = Exit::usage;
  auto file = load(folder->file("plan.upgb"), options.show->color, exit);
  journal::Reading reading = journal_of(*folder);
  if (!file) {
    if (reading.problem.empty() && reading.records.empty()) return exit;
    fmt::print(
        stderr,
        "upgrun: run {} has begun, and this upgrun cannot go on with its plan; nothing is started\n"
        "  next    finish it with the upgrun that began it ({}/upgrun.log names it); what may go on with what is "
        "in docs/compatibility.md\n",
        folder->id(), folder->path());
    return Exit::person;
  }
  if (!reading.problem.empty()) {
    fmt::print(stderr,
               "upgrun: {}"
               "what was done is not known from here: steps may have run that it does not name, so nothing is started\n"
               "  next    put the run's folder back from a copy and resume; else look at the hosts (`upgrun status {}` "
               "and {}/output tell what is known), bring them to a state that the plan may start from, and `upgrun "
               "run` it anew\n",
               damage_text(*folder, reading), folder->id(), folder->path());
    return Exit::person;
  }
  std::vector<machine::Record> *records = &reading.records;
  if (records->empty()) {
    fmt::print(stderr, "upgrun: run {} never began, nothing was done; start it anew with `upgrun run`\n", folder->id());
    return Exit::refused;
  }
  report::RunSummary summary = report::summarize(*records);
  if (summary.status == "done" || summary.status == "aborted") {
    fmt::print(stderr, "upgrun: run {} is {}, there is nothing to {}\n", folder->id(), summary.status,
               options.abort ? "abort" : "resume");
    return summary.status == "done" && options.abort ? Exit::refused
           : summary.status == "done"                ? Exit::done
                                                     : Exit::aborted;
  }
  if (plan_changed(*folder, records->front(), *file, options)) return Exit::person;
  fmt::print(stderr, "run {}: {}{}\n", folder->id(), summary.status,
             summary.reason.empty() ? "" : ": " + report::printable(summary.reason));
  for (const machine::Record &r : *records) {
    if (r.event == machine::Event::abort_started && !options.abort) {
      fmt::print(stderr, "its abort has begun: that goes on\n");
      options.abort = options.sure = true;
    }
  }
  if (options.abort && !options.sure) {
    auto answer = ask_terminal("undo what this run has done? yes, or anything else to leave:", false);
    if (!answer || *answer != "yes") {
      fmt::print(stderr, "{}\n",
                 answer ? "left; nothing was undone"
                        : "upgrun: nobody can confirm without a terminal; --yes aborts without asking");
      return answer ? Exit::refused : Exit::usage;
    }
  }
  options.past = std::move(*records);
  return drive(*file, folder.get(), std::move(options));
}

Exit run_abort(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  llvm::cl::opt<bool> yes{"yes", llvm::cl::desc("do not ask for confirmation")};
  ReachOptions reach;
  ShowOptions show;
  TellOptions tell;
  if (auto end = line.parse(arguments, "undoes a run that was stopped or halted before its point of no return"))
    return *end;
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.tell = &tell;
  options.abort = true;
  options.sure = yes;
  options.as_started = true;  // the way back is that of the plan that ran
  return take_up(id, std::move(options));
}

Exit run_resume(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  llvm::cl::opt<bool> rerun{"rerun", llvm::cl::desc("you have looked: steps whose failure is known may run again")};
  llvm::cl::opt<bool> fresh{"fresh-limits", llvm::cl::desc("every `at most` of the plan counts anew from now")};
  llvm::cl::opt<bool> now{"now", llvm::cl::desc("also outside the plan's window")};
  llvm::cl::opt<bool> as_started{"as-started",
                                 llvm::cl::desc("the plan as it was started, although its file has changed since")};
  ReachOptions reach;
  ShowOptions show;
  TellOptions tell;
  if (auto end = line.parse(arguments, "goes on with a run that was stopped, halted or killed")) return *end;
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.tell = &tell;
  options.rerun_failed = rerun;
  options.fresh_limits = fresh;
  options.ignore_window = now;
  options.as_started = as_started;
  return take_up(id, std::move(options));
}

Exit run_status(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: all, newest last)")};
  ShowOptions show;
  if (auto end = line.parse(arguments, "what is known of runs")) return *end;
  std::string root = report::RunFolder::root(show.runs);
  if (id.empty()) {
    for (const std::string &known : report::RunFolder::list(root)) {
      std::string why;
      auto folder = report::RunFolder::open(root, known, why);
      if (!folder) continue;
      const journal::Reading reading = journal_of(*folder);
      report::RunSummary s = report::summarize(reading.records);
      const bool whole = reading.problem.empty();
      std::optional<std::string> live;
      if (whole && s.status == "interrupted") live = report::ask_control(*folder, "status", 2'000, why);
      if (live) s.status = "under way";
      if (whole && !live && reading.records.empty()) s.status = "never began";
      fmt::print("{:<32} {:<12} {}\n", known, whole ? s.status : "damaged",
                 report::printable(whole ? s.reason : "journal: " + reading.problem));
      if (live) fmt::print("{}", report::live_text(*live).value_or(""));
    }
    return Exit::done;
  }
  std::string why;
  auto folder = report::RunFolder::open(root, id, why);
  if (!folder) {
    fmt::print(stderr, "upgrun: {}\n", why);
    return Exit::usage;
  }
  if (auto live = live_status(*folder)) {
    const auto text = report::live_text(*live);
    const bool data = show.progress == report::ProgressKind::json;
    if (text || data) fmt::print("{}", data ? *live : *text);
    if (text || data) return Exit::done;
  }
  Exit exit = Exit::usage;
  auto file = load(folder->file("plan.upgb"), show.color, exit);
  const journal::Reading reading = journal_of(*folder);
  if (!file) return Exit::usage;
  if (!reading.problem.empty())
    fmt::print("THE JOURNAL IS NOT WHOLE, and what follows is not all that was done\n{}\n",
               damage_text(*folder, reading));
  fmt::print("{}", report::text_report(file->plan, folder->id(), file->digest, reading.records));
  return reading.problem.empty() ? Exit::done : Exit::person;
}

}  // namespace upg::run
