#include <fmt/format.h>

#include "runtime/journal/sqlite_journal.h"
#include "runtime/machine/past.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"
#include "runtime/tools/session.h"

namespace upg::run {
namespace {

std::optional<std::vector<machine::Record>> journal_of(const report::RunFolder &folder) {
  std::string why;
  auto records = journal::SqliteJournal::read(folder.file("journal.sqlite"), why);
  if (!records) fmt::print(stderr, "upgrun: {}\n", why);
  return records;
}

}  // namespace

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
  if (!file) return exit;
  auto records = journal_of(*folder);
  if (!records) return Exit::person;
  if (records->empty()) {
    fmt::print(stderr, "upgrun: run {} never began; start it with `upgrun run`\n", folder->id());
    return Exit::refused;
  }
  if (std::string was = machine::field_of(records->front(), "digest"); was != file->digest) {
    fmt::print(stderr, "upgrun: the plan in {} is not the one that was started\n  started {}\n  found   {}\n",
               folder->path(), was, file->digest);
    return Exit::person;
  }
  report::RunSummary summary = report::summarize(*records);
  if (summary.status == "done" || summary.status == "aborted") {
    fmt::print(stderr, "upgrun: run {} is {}, there is nothing to {}\n", folder->id(), summary.status,
               options.abort ? "abort" : "resume");
    return summary.status == "done" && options.abort ? Exit::refused
           : summary.status == "done"                ? Exit::done
                                                     : Exit::aborted;
  }
  fmt::print(stderr, "run {}: {}{}\n", folder->id(), summary.status,
             summary.reason.empty() ? "" : ": " + report::printable(summary.reason));
  for (const machine::Record &r : *records) {
    if (r.event == machine::Event::abort_started && !options.abort) {
      fmt::print(stderr, "its abort has begun: that goes on\n");
      options.abort = true;
    }
  }
  options.past = std::move(*records);
  return drive(*file, folder.get(), std::move(options));
}

Exit run_abort(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  ReachOptions reach;
  ShowOptions show;
  if (auto end = line.parse(arguments, "undoes a run that was stopped or halted before its point of no return"))
    return *end;
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.abort = true;
  return take_up(id, std::move(options));
}

Exit run_resume(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  llvm::cl::opt<bool> rerun{"rerun", llvm::cl::desc("you have looked: steps whose failure is known may run again")};
  llvm::cl::opt<bool> fresh{"fresh-limits", llvm::cl::desc("every `at most` of the plan counts anew from now")};
  llvm::cl::opt<bool> now{"now", llvm::cl::desc("also outside the plan's window")};
  ReachOptions reach;
  ShowOptions show;
  if (auto end = line.parse(arguments, "goes on with a run that was stopped, halted or killed")) return *end;
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.rerun_failed = rerun;
  options.fresh_limits = fresh;
  options.ignore_window = now;
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
      auto records = journal::SqliteJournal::read(root + "/" + known + "/journal.sqlite", why);
      report::RunSummary s;
      if (records) s = report::summarize(*records);
      fmt::print("{:<32} {:<12} {}\n", known, records ? s.status : "unreadable",
                 report::printable(records ? s.reason : why));
    }
    return Exit::done;
  }
  std::string why;
  auto folder = report::RunFolder::open(root, id, why);
  if (!folder) {
    fmt::print(stderr, "upgrun: {}\n", why);
    return Exit::usage;
  }
  Exit exit = Exit::usage;
  auto file = load(folder->file("plan.upgb"), show.color, exit);
  auto records = journal_of(*folder);
  if (!file || !records) return Exit::usage;
  fmt::print("{}", report::text_report(file->plan, folder->id(), file->digest, *records));
  return Exit::done;
}

}  // namespace upg::run
