// From another terminal: stop, pause, continue, and what a run answers to them.
#include "runtime/report/control.h"

#include <fmt/format.h>

#include "runtime/report/live_status.h"
#include "runtime/report/tell.h"
#include "runtime/tools/remote.h"
#include "runtime/tools/session.h"

namespace upg::run {
namespace {

constexpr int kPatienceMs = 10'000;
constexpr std::size_t kLongestAnswer = 2000;

using machine::Wish;

std::string asked(machine::Machine &machine, const report::Control::Request &request) {
  const std::string &who = request.who;
  const Wish before = machine.wish();
  if (request.text == "stop") {
    machine.request_stop(who);
    return "ok it stops: nothing new starts, what runs comes to its end\n";
  }
  if (request.text == "pause") {
    if (before == Wish::stop) return "no it is stopping already\n";
    machine.request_pause(who);
    return before == Wish::paused
               ? "ok it stands still already\n"
               : "ok it pauses between two turns, with nothing down; a hold in force that does not say "
                 "`on wait` stops it there instead\n";
  }
  if (request.text == "continue") {
    if (before == Wish::stop) return "no it is stopping; `upgrun resume` goes on when it has stopped\n";
    if (before == Wish::none) return "ok it is not paused\n";
    machine.request_continue(who);
    return "ok it goes on\n";
  }
  return "no this upgrun does not know that request\n";
}

Exit deliver(const std::string &runs, const std::string &id, const std::string &request) {
  std::string why;
  auto folder = report::RunFolder::open(report::RunFolder::root(runs), id, why);
  if (!folder) {
    fmt::print(stderr, "upgrun: {}\n", why);
    return Exit::usage;
  }
  const auto answer = report::ask_control(*folder, request, kPatienceMs, why);
  if (!answer) {
    fmt::print(stderr, "upgrun: {}\n",
               why.empty() ? fmt::format("nobody drives run {} now; `upgrun status {}` tells how it ended",
                                         folder->id(), folder->id())
                           : why);
    return Exit::refused;
  }
  const bool ok = answer->starts_with("ok ");
  fmt::print(ok ? stdout : stderr, "run {}: {}\n", folder->id(),
             report::printable(answer->size() > 4 ? std::string_view(*answer).substr(3, answer->size() - 4) : *answer));
  return ok ? Exit::done : Exit::refused;
}

Exit send(std::span<const char *const> arguments, const char *request, const char *about) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  ShowOptions show;
  if (auto end = line.parse(arguments, about)) return *end;
  return deliver(show.runs, id, request);
}

}  // namespace

std::string answer_control(const plan::Plan &plan, const std::string &run, machine::Machine &machine,
                           machine::Clock &clock, const report::Control::Request &request) {
  if (request.text == "status") return report::live_json(plan, run, machine, clock.unix_ms(), clock.monotonic());
  return asked(machine, request);
}

std::optional<std::string> live_status(const report::RunFolder &folder) {
  std::string why;
  auto answer = report::ask_control(folder, "status", kPatienceMs, why);
  if (!answer && !why.empty()) fmt::print(stderr, "upgrun: {}\n", why);
  return answer;
}

Exit run_stop(std::span<const char *const> arguments) {
  return send(arguments, "stop", "lets a run that is under way stop: nothing new starts, what runs comes to its end");
}
Exit run_pause(std::span<const char *const> arguments) {
  return send(arguments, "pause", "lets a run stand still between two turns, holds treated as their `on wait` says");
}
Exit run_continue(std::span<const char *const> arguments) {
  return send(arguments, "continue", "lets a paused run go on");
}

Exit run_answer(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> text{llvm::cl::Positional, llvm::cl::desc("TEXT (none: shows the question)")};
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::desc("RUN (default: the newest)")};
  llvm::cl::opt<unsigned> which{"question", llvm::cl::desc("which one, where it asks several"),
                                llvm::cl::value_desc("number")};
  ShowOptions show;
  if (auto end = line.parse(arguments, "answers what a run that is under way asks a person")) return *end;
  const std::string words = text;
  if (words.find('\n') != std::string::npos || words.size() > kLongestAnswer) {
    fmt::print(stderr, "upgrun: an answer is one line of at most {} bytes\n", kLongestAnswer);
    return Exit::usage;
  }
  const std::string number = which.getNumOccurrences() > 0 ? fmt::format("{}", which.getValue()) : "-";
  return deliver(show.runs, id, words.empty() ? "question" : fmt::format("answer {} {}", number, words));
}

}  // namespace upg::run
