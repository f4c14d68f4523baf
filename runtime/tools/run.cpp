#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "runtime/report/tell.h"
#include "runtime/tools/session.h"
#include "runtime/transport/system_clock.h"

namespace upg::run {
namespace {

/// What is about to happen, for the person who confirms it.
void introduce(const PlanFile &file) {
  const plan::Plan &p = file.plan;
  fmt::print(stderr, "{} {} of {}{}\n", p.kind == plan::PlanKind::repair ? "repair" : "upgrade", p.text(p.name),
             p.text(p.cluster), p.to.valid() ? fmt::format(": {} -> {}", p.text(p.from), p.text(p.to)) : std::string());
  std::string hosts;
  for (std::size_t i = 0; i < p.hosts.size() && i < 12; ++i)
    hosts += fmt::format("{}{}", i ? ", " : "", p.text(p.hosts[i].name));
  if (p.hosts.size() > 12) hosts += fmt::format(" and {} more", p.hosts.size() - 12);
  fmt::print(stderr, "  hosts     {}\n  digest    {}\n  estimate  {} to {}\n", hosts, file.digest,
             report::duration(file.proof.typical_ms), report::duration(file.proof.worst_ms));
  for (const auto &w : p.waivers)
    fmt::print(stderr, "  ACCEPTED  {}: {}\n", p.text(w.rule), report::printable(p.text(w.reason)));
}

}  // namespace

Exit start(const PlanFile &file, SessionOptions options) {
  std::string why;
  transport::SystemClock clock;
  auto folder =
      report::RunFolder::create(report::RunFolder::root(options.show->runs),
                                std::string(file.plan.text(file.plan.name)), file.bytes, clock.unix_ms(), why);
  auto busy = folder ? folder->lock() : std::optional<std::string>(why);
  if (busy) {
    fmt::print(stderr, "upgrun: {}; nothing was started\n", *busy);
    return Exit::refused;
  }
  return drive(file, folder.get(), std::move(options));
}

bool expected(const PlanFile &file, const std::string &wish) {
  if (digest_matches(file.digest, wish)) return true;
  fmt::print(stderr,
             "upgrun: this is not the plan that was reviewed\n  expected {}\n  found    {}\nnothing was started\n",
             wish, file.digest);
  return false;
}

Exit run_run(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("PLAN.upgb")};
  llvm::cl::opt<bool> yes{"yes", llvm::cl::desc("do not ask for confirmation")};
  llvm::cl::opt<std::string> expect{"expect", llvm::cl::desc("refuse any plan but the reviewed one"),
                                    llvm::cl::value_desc("digest")};
  llvm::cl::opt<bool> dry{
      "dry-run", llvm::cl::desc("ask every question that can be asked now, run no action, say what would run where")};
  llvm::cl::opt<bool> now{"now", llvm::cl::desc("also outside the plan's window")};
  ReachOptions reach;
  ShowOptions show;
  TellOptions tell;
  if (auto end = line.parse(arguments, "runs a compiled plan: proves it again, asks for confirmation, executes"))
    return *end;
  Exit exit = Exit::usage;
  auto file = load(input, show.color, exit);
  if (!file) return exit;
  if (!expect.empty() && !expected(*file, expect)) return Exit::refused;
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.tell = &tell;
  options.ignore_window = now;
  if (dry) {
    options.mode = machine::Mode::dry_run;
    return drive(*file, nullptr, std::move(options));
  }
  introduce(*file);
  if (!yes) {
    auto answer = ask_terminal("run it? type the first 6 digits of the digest, or anything else to leave:", false);
    if (!answer) {
      fmt::print(stderr,
                 "upgrun: nobody can confirm without a terminal; --yes runs without asking (with --expect {} to be "
                 "sure of the plan)\n",
                 file->digest.substr(0, 16));
      return Exit::usage;
    }
    if (*answer != file->digest.substr(0, 6)) {
      fmt::print(stderr, "left; nothing was started\n");
      return Exit::refused;
    }
  }
  return start(*file, std::move(options));
}

Exit run_preflight(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("PLAN.upgb")};
  ReachOptions reach;
  ShowOptions show;
  if (auto end =
          line.parse(arguments, "asks hosts, keys, sudo, rosters and every gate of the preflight; changes nothing"))
    return *end;
  Exit exit = Exit::usage;
  auto file = load(input, show.color, exit);
  if (!file) return exit;
  SessionOptions options;
  options.reach = &reach;
  options.show = &show;
  options.mode = machine::Mode::preflight;
  return drive(*file, nullptr, std::move(options));
}

Exit run_verify(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("PLAN.upgb")};
  llvm::cl::opt<std::string> expect{"expect", llvm::cl::desc("the digest of the reviewed plan"),
                                    llvm::cl::value_desc("digest")};
  ShowOptions show;
  if (auto end = line.parse(arguments, "reads a compiled plan and proves it again; asks no host")) return *end;
  Exit exit = Exit::usage;
  auto file = load(input, show.color, exit);
  if (!file) return exit;
  bool same = expect.empty() || digest_matches(file->digest, expect);
  fmt::print("{}: {} of {}, digest {}: {}\n", static_cast<std::string>(input), file->plan.text(file->plan.name),
             file->plan.text(file->plan.cluster), file->digest,
             same ? "whole and safe" : "whole and safe, but not the expected plan");
  return same ? Exit::done : Exit::refused;
}

}  // namespace upg::run
