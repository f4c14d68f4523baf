// Which holds are on, since when, why and by which run; and giving back what was left behind.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/past.h"
#include "runtime/report/run_report.h"
#include "runtime/report/tell.h"
#include "runtime/tools/remote.h"
#include "runtime/tools/run_journal.h"
#include "runtime/tools/session.h"
#include "runtime/transport/system_clock.h"

namespace upg::run {
namespace {

/// A run whose journal says that it holds something.
struct Holder {
  std::string run;
  std::string status;
  bool under_way = false;
  std::map<std::string, std::int64_t> held;  // "quiet()" -> since
  std::set<std::string> out;                 // "node1: box", down by the run
};

std::optional<Holder> holder_of(const report::RunFolder &folder, const std::vector<machine::Record> &records) {
  Holder h;
  h.run = folder.id();
  h.status = report::summarize(records).status;
  std::map<std::string, std::pair<std::string, std::int64_t>> open;
  for (const machine::Record &r : records) {
    auto f = [&](const char *name) { return machine::field_of(r, name); };
    if (r.event == machine::Event::hold_intended)
      open[r.key] = {fmt::format("{}({})", f("hold"), f("arguments")), r.unix_ms};
    if (r.event == machine::Event::hold_released) open.erase(r.key);
    if (r.event == machine::Event::outage_opened) h.out.insert(f("host") + ": " + f("role"));
    if (r.event == machine::Event::outage_closed) h.out.erase(f("host") + ": " + f("role"));
  }
  for (const auto &[key, hold] : open) {
    auto [it, fresh] = h.held.try_emplace(hold.first, hold.second);
    if (!fresh) it->second = std::min(it->second, hold.second);
  }
  if (h.held.empty()) return std::nullopt;
  std::string why;
  h.under_way = report::ask_control(folder, "status", 2'000, why).has_value() || !why.empty();
  return h;
}

/// All runs of this cluster under the root that hold something.
std::vector<Holder> holders(const std::string &root) {
  std::vector<Holder> all;
  for (const std::string &id : report::RunFolder::list(root)) {
    std::string why;
    auto folder = report::RunFolder::open(root, id, why);
    if (!folder) continue;
    const journal::Reading reading = journal_of(*folder);
    if (!reading.problem.empty()) {
      fmt::print(stderr, "upgrun: run {} cannot be read, what it holds is not known: {}\n", id,
                 report::printable(reading.problem));
      continue;
    }
    if (auto h = holder_of(*folder, reading.records)) all.push_back(std::move(*h));
  }
  return all;
}

std::string hold_line(const machine::HoldSeen &s, const std::vector<Holder> &runs) {
  std::string on = s.on == "yes" ? "ON" : s.on == "no" ? "off" : "unknown: " + s.on;
  std::string by;
  for (const Holder &h : runs)
    if (auto it = h.held.find(s.text); it != h.held.end())
      by += fmt::format("\n    by run {} ({}) since {}, {}", h.run, h.under_way ? "under way" : h.status,
                        report::clock_time(it->second),
                        report::duration(transport::SystemClock().unix_ms() - it->second));
  if (by.empty() && s.on == "yes") by = "\n    by none of the runs here";
  if (s.found_on) by += "\n    it was on before that run, which leaves it on";
  std::string out = fmt::format("{:<10} {}{}", on, s.text, by);
  if (!s.why.empty()) out += "\n    why: " + s.why;
  return out;
}

/// Asks before holds are given back; false: left.
bool confirmed(const std::vector<std::string> &release, const std::vector<Holder> &runs, bool yes) {
  for (const std::string &text : release) fmt::print(stderr, "to be given back: {}\n", report::printable(text));
  for (const Holder &h : runs)
    for (const std::string &o : h.out)
      if (std::any_of(release.begin(), release.end(), [&](const std::string &t) { return h.held.count(t) != 0; }))
        fmt::print(stderr, "  WARNING  {} is still out of service by run {}\n", report::printable(o), h.run);
  if (yes) return true;
  auto answer = ask_terminal("give them back? yes, or anything else to leave:", false);
  if (!answer) fmt::print(stderr, "upgrun: nobody can confirm without a terminal; --yes gives back without asking\n");
  return answer && *answer == "yes";
}

}  // namespace

Exit run_holds(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> what{llvm::cl::Positional, llvm::cl::desc("RUN | PLAN.upgb (default: the newest run)")};
  llvm::cl::list<std::string> release{"release", llvm::cl::desc("give this hold back, by the plan's own release"),
                                      llvm::cl::value_desc("hold, or hold(arguments)")};
  llvm::cl::opt<bool> yes{"yes", llvm::cl::desc("do not ask for confirmation")};
  ReachOptions reach;
  ShowOptions show;
  if (auto end = line.parse(arguments, "asks the hosts which holds are on, since when, why and by which run"))
    return *end;
  const std::string root = report::RunFolder::root(show.runs);
  std::string why;
  std::unique_ptr<report::RunFolder> folder;
  const bool is_plan = what.getValue().ends_with(".upgb");
  if (!is_plan && !(folder = report::RunFolder::open(root, what, why))) {
    fmt::print(stderr, "upgrun: {}\n", why);
    return Exit::usage;
  }
  Exit exit = Exit::usage;
  auto file = load(folder ? folder->file("plan.upgb") : static_cast<std::string>(what), show.color, exit);
  if (!file) return exit;
  std::vector<machine::Record> past;
  if (folder) {
    journal::Reading reading = journal_of(*folder);
    if (!reading.problem.empty()) {
      fmt::print(stderr, "upgrun: {}", damage_text(*folder, reading));
      return Exit::person;
    }
    past = std::move(reading.records);
  }

  std::vector<machine::HoldSeen> seen;
  SessionOptions ask;
  ask.reach = &reach;
  ask.show = &show;
  ask.mode = machine::Mode::holds;
  ask.past = past;
  ask.seen = &seen;
  exit = drive(*file, nullptr, std::move(ask));
  if (exit != Exit::done) return exit;
  std::vector<Holder> runs = holders(root);
  for (const machine::HoldSeen &s : seen) fmt::print("{}\n", report::printable_lines(hold_line(s, runs)));
  if (seen.empty()) fmt::print("the plan has no holds\n");
  if (release.empty()) return Exit::done;

  std::vector<std::string> wanted;  // in the order in which they were taken: given back the other way round
  for (const std::string &name : release) {
    const std::size_t before = wanted.size();
    for (const machine::HoldSeen &s : seen)
      if (s.text == name || s.text == name + "()" ||
          (s.text.starts_with(name + "(") && (!s.key.empty() || s.on == "yes")))
        wanted.push_back(s.text);
    if (wanted.size() == before) {
      fmt::print(stderr, "upgrun: the plan has no hold `{}` that is on\n", report::printable(name));
      return Exit::usage;
    }
  }
  for (const std::string &text : wanted)
    for (const Holder &h : runs)
      if (h.held.count(text) && (h.under_way || !folder || h.run != folder->id())) {
        fmt::print(stderr, "upgrun: {} belongs to run {}, which {}\n", report::printable(text), h.run,
                   h.under_way ? "is under way: `upgrun stop` it first"
                               : "counts on it: name that run, or resume or abort it");
        return Exit::refused;
      }
  std::sort(wanted.begin(), wanted.end(), [&](const std::string &a, const std::string &b) {
    auto at = [&](const std::string &t) {
      for (const machine::HoldSeen &s : seen)
        if (s.text == t) return s.since_unix_ms;
      return std::int64_t(0);
    };
    return std::pair(at(a), a) < std::pair(at(b), b);
  });
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (!confirmed(wanted, runs, yes)) {
    fmt::print(stderr, "left; nothing was given back\n");
    return Exit::refused;
  }
  if (!folder) {  // nobody's: a run of its own journals it
    transport::SystemClock clock;
    folder = report::RunFolder::create(root, std::string(file->plan.text(file->plan.name)) + "-holds", file->bytes,
                                       clock.unix_ms(), why);
  }
  auto busy = folder ? folder->lock() : std::optional<std::string>(why);
  if (busy) {
    fmt::print(stderr, "upgrun: {}; nothing was given back\n", *busy);
    return Exit::refused;
  }
  if (!past.empty()) {  // nobody drives it from here on; what somebody did until now is not what was looked at
    const journal::Reading again = journal_of(*folder);
    if (!again.problem.empty() || again.records.size() != past.size()) {
      fmt::print(stderr, "upgrun: the run went on meanwhile; nothing was given back: look again\n");
      return Exit::refused;
    }
  }
  SessionOptions give;
  give.reach = &reach;
  give.show = &show;
  give.release = std::move(wanted);
  give.past = std::move(past);
  bool released = false;
  give.released = &released;
  exit = drive(*file, folder.get(), std::move(give));
  return released ? Exit::done : exit;
}

}  // namespace upg::run
