#include <fmt/format.h>
#include <unistd.h>

#include "runtime/cli/replace.h"
#include "runtime/report/manual.h"
#include "runtime/report/outputs.h"
#include "runtime/report/run_report.h"
#include "runtime/tools/run_journal.h"
#include "runtime/tools/session.h"

namespace upg::run {
namespace {

enum class Format : std::uint8_t { html, json, text };

}  // namespace

Exit run_report(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  llvm::cl::opt<Format> format{
      "format", llvm::cl::desc("what is written"),
      llvm::cl::values(clEnumValN(Format::html, "html", "one page that needs nothing else (default)"),
                       clEnumValN(Format::json, "json", "the same as data, and every record"),
                       clEnumValN(Format::text, "text", "what `upgrun status RUN` prints")),
      llvm::cl::init(Format::html)};
  llvm::cl::opt<std::string> to{
      "o", llvm::cl::desc("where to; `-` is standard output (default: a page goes into the run's folder, else `-`)"),
      llvm::cl::value_desc("file")};
  llvm::cl::opt<bool> by_hand{"manual", llvm::cl::desc("instead: how to go on by hand; what is open, and the commands "
                                                       "that release what is held")};
  ShowOptions show;
  if (auto end = line.parse(arguments, "writes what a run did: a page to read, print and keep, or data")) return *end;
  std::string why;
  auto folder = report::RunFolder::open(report::RunFolder::root(show.runs), id, why);
  if (!folder) {
    fmt::print(stderr, "upgrun: {}\n", why);
    return Exit::usage;
  }
  Exit exit = Exit::usage;
  auto file = load(folder->file("plan.upgb"), show.color, exit);
  if (!file) return exit;
  const journal::Reading reading = journal_of(*folder);
  std::string text;
  if (by_hand)
    text = report::manual(file->plan, folder->id(), reading.records);
  else if (format == Format::html)
    text = report::html_report(file->plan, folder->id(), file->digest, reading.records,
                               report::read_outputs(folder->path()), reading.problem);
  else if (format == Format::json)
    text = report::json_report(file->plan, folder->id(), file->digest, reading.records);
  else
    text = report::text_report(file->plan, folder->id(), file->digest, reading.records);
  const std::string path = !to.empty() ? to : format == Format::html && !by_hand ? folder->file("report.html") : "-";
  if (path == "-") {
    fmt::print("{}", text);
  } else if (std::string problem = cli::replace_file(path, text); !problem.empty()) {
    fmt::print(stderr, "upgrun: {}: {}\n", path, problem);
    return Exit::usage;
  } else {
    fmt::print("{}\n", path);
  }
  if (!reading.problem.empty()) fmt::print(stderr, "upgrun: {}", damage_text(*folder, reading));
  return reading.problem.empty() ? Exit::done : Exit::person;
}

}  // namespace upg::run
