// Gives up the locks of a run that nobody will go on with.
#include <fmt/format.h>

#include <map>

#include "runtime/machine/lock.h"
#include "runtime/report/tell.h"
#include "runtime/tools/session.h"
#include "runtime/transport/ssh/ssh_transport.h"
#include "runtime/transport/system_clock.h"

namespace upg::run {
namespace {

constexpr machine::Millis kPatience = 20'000;

using machine::Answer;
using machine::LockAct;
using machine::LockLine;
using machine::Outcome;

/// Asks every host that the plan does not declare out; answers by host.
std::map<std::size_t, Answer> ask(transport::SshTransport &transport, const plan::Plan &plan,
                                  const std::shared_ptr<const machine::Lock> &lock, LockAct what) {
  std::size_t open = 0;
  for (std::size_t h = 0; h < plan.hosts.size(); ++h) {
    if (plan.hosts[h].out_reason.valid()) continue;
    machine::Command command;
    command.lock = lock;
    command.lock_act = what;
    command.timeout = kPatience;
    transport.start(h + 1, plan::HostId(h), std::move(command));
    ++open;
  }
  std::map<std::size_t, Answer> all;
  while (all.size() < open) {
    std::vector<Answer> answers;
    std::vector<machine::Output> outputs;
    transport.wait(transport::monotonic_now() + 1000, answers, outputs);
    for (Answer &a : answers) {
      const std::size_t host = a.request - 1;
      all.emplace(host, std::move(a));
    }
  }
  return all;
}

std::string name_of(const plan::Plan &plan, std::size_t host) { return std::string(plan.text(plan.hosts[host].name)); }

std::string why(const Answer &a) {
  std::string text = a.outcome == Outcome::exited ? a.err : a.detail;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return report::printable(text.empty() ? "no answer" : text);
}

/// The plan of a run of this controller, or the file that was given.
std::optional<PlanFile> plan_of(const std::string &given, const std::string &run, const ShowOptions &show, Exit &exit) {
  if (!given.empty()) return load(given, show.color, exit);
  std::string problem;
  auto folder = report::RunFolder::open(report::RunFolder::root(show.runs), run, problem);
  if (folder) return load(folder->file("plan.upgb"), show.color, exit);
  fmt::print(stderr,
             "upgrun: {}\n  a run of another controller: name a plan of the same cluster, `upgrun unlock {} "
             "PLAN.upgb`\n",
             problem, run);
  exit = Exit::usage;
  return std::nullopt;
}

}  // namespace

Exit run_unlock(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> id{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("RUN")};
  llvm::cl::opt<std::string> given{llvm::cl::Positional, llvm::cl::desc("[PLAN.upgb]")};
  llvm::cl::opt<bool> yes{"yes", llvm::cl::desc("do not ask for confirmation")};
  llvm::cl::opt<bool> alive{
      "alive", llvm::cl::desc(
                   "also if a controller of the run seems to be alive: it is fenced out and starts no step any more")};
  ReachOptions reach;
  ShowOptions show;
  if (auto end = line.parse(arguments, "gives up the locks of a run that nobody will go on with")) return *end;
  Exit exit = Exit::usage;
  auto file = plan_of(given, id, show, exit);
  if (!file) return exit;
  const plan::Plan &plan = file->plan;
  auto lock = std::make_shared<machine::Lock>();
  std::vector<std::string_view> exclusive;
  for (plan::StringId name : plan.exclusive) exclusive.push_back(plan.text(name));
  lock->names = machine::lock_names(plan.text(plan.cluster), exclusive);
  lock->run = machine::lock_word(static_cast<std::string>(id));
  lock->owner = lock->plan = "-";
  auto transport = connect(plan, reach);
  transport::SystemClock clock;

  bool held = false, lives = false;
  std::vector<std::string> silent;
  std::optional<LockLine> other;
  for (const auto &[host, answer] : ask(*transport, plan, lock, LockAct::look)) {
    std::optional<std::vector<LockLine>> lines;
    if (answer.outcome == Outcome::exited && answer.code == 0)
      lines = machine::read_lock_lines(answer.out, lock->names.size());
    if (!lines) {
      silent.push_back(fmt::format("{}: {}", name_of(plan, host), why(answer)));
      continue;
    }
    for (std::size_t n = 0; n < lines->size(); ++n) {
      const LockLine &l = (*lines)[n];
      if (l.state != LockLine::State::held) continue;
      if (l.run != lock->run) {
        // the beginning of a run's id is enough, as everywhere
        if (!l.run.starts_with(lock->run) || held) {
          other = l;
          continue;
        }
        lock->run = l.run;
      }
      if (l.lease_s > 0 && !owner_is_dead(l.owner)) lives = true;
      held = true;
      fmt::print(stderr, "{:<12} {} is locked by {}\n", name_of(plan, host), lock->names[n],
                 machine::describe_holder(l, clock.unix_ms()));
    }
  }
  for (const std::string &s : silent) fmt::print(stderr, "{}\n", s);
  if (!held) {
    fmt::print(stderr, "upgrun: run {} has no lock on the hosts that answer{}\n", static_cast<std::string>(id),
               other ? "; it is " + machine::describe_holder(*other, clock.unix_ms()) : std::string());
    return silent.empty() && !other ? Exit::done : Exit::refused;
  }
  if (lives && !alive) {
    fmt::print(
        stderr,
        "upgrun: a controller of run {} is alive: stop it, or wait until its lease ends; --alive fences it out\n",
        lock->run);
    return Exit::refused;
  }
  if (!yes) {
    auto answer = ask_terminal(
        fmt::format(
            "{}nobody will go on with this run? what it left (hosts down, holds, steps under way) stays as it is.\n"
            "type the run's id to give its locks up, or anything else to leave:",
            lives ? "ITS CONTROLLER IS ALIVE. " : ""),
        false);
    if (!answer) {
      fmt::print(stderr, "upgrun: nobody can confirm without a terminal; --yes does not ask\n");
      return Exit::usage;
    }
    if (*answer != lock->run) {
      fmt::print(stderr, "left; nothing was changed\n");
      return Exit::refused;
    }
  }
  // The lease of a dead process of this machine still counts on the hosts.
  bool all = true;
  for (const auto &[host, answer] : ask(*transport, plan, lock, LockAct::breaks_alive)) {
    const bool done = answer.outcome == Outcome::exited && answer.code == 0;
    all = all && done;
    fmt::print(stderr, "{:<12} {}\n", name_of(plan, host), done ? "given up" : "not given up: " + why(answer));
  }
  if (!all)
    fmt::print(stderr, "upgrun: what was not given up counts for nothing where another host says that it was\n");
  return all ? Exit::done : Exit::refused;
}

}  // namespace upg::run
