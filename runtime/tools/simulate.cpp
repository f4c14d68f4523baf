// upgrun simulate: what would happen. The machine of real runs in virtual time, hosts that obey the plan's contracts,
// faults drawn from seeds; no host is asked.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/cli/output.h"
#include "runtime/report/tell.h"
#include "runtime/report/window.h"
#include "runtime/simulate/campaign.h"
#include "runtime/tools/options.h"
#include "runtime/tools/plan_file.h"

namespace upg::run {
namespace {

using Json = nlohmann::ordered_json;
using machine::Status;
using simulate::clock_text;

constexpr std::size_t kMostLines = 20;  // of one table; the JSON has all of it

enum class Format : std::uint8_t { text, json };

struct Asked {
  const PlanFile *file;
  simulate::CampaignOptions campaign;
  std::string begins;          // of the window, for a person
  std::int64_t window_ms = 0;  // its length; 0: none is kept
};

std::string percent(std::uint64_t part, std::uint64_t whole) {
  const std::uint64_t thousandths = whole == 0 ? 0 : (part * 1000 + whole / 2) / whole;
  return fmt::format("{}.{} %", thousandths / 10, thousandths % 10);
}

/// Most frequent first.
template <class Map>
auto ranked(const Map &map) {
  std::vector<const typename Map::value_type *> rows;
  for (const auto &row : map) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto *a, const auto *b) { return a->second.count > b->second.count; });
  return rows;
}

std::string show(const simulate::Worst &worst) {
  return worst.total == 0 ? std::string("-") : fmt::format("{} of {}", worst.total - worst.down, worst.total);
}

using Every = simulate::CampaignOptions::Every;

std::string how_text(const Asked &asked, const simulate::Summary &s) {
  const simulate::CampaignOptions &c = asked.campaign;
  if (c.every != Every::no)
    return fmt::format("the controller dies at {} {} moments: each {}{}", s.runs < s.moments ? "some of" : "each of",
                       s.moments, c.every == Every::every_record ? "record" : "record, request and turn",
                       c.aborts ? fmt::format("; aborted after {} %", c.abort_percent) : std::string());
  return fmt::format("at most {} fault{} in one{}{}", c.faults, c.faults == 1 ? "" : "s",
                     c.returns == 0 ? std::string() : fmt::format(", resumed {} times at most", c.returns),
                     c.aborts ? ", about half of them aborted" : "");
}

/// The options that a line which replays one run needs.
std::string replay_options(const simulate::CampaignOptions &c) {
  std::string text = c.every == Every::every_record ? "--every-record"
                     : c.every == Every::every_kill ? "--every-kill"
                                                    : fmt::format("--faults {}", c.faults);
  if (c.returns > 0) text += fmt::format(" --resume {}", c.returns);
  if (c.aborts) text += " --abort";
  if (c.aborts && c.every != Every::no) text += fmt::format(" --abort-at {}", c.abort_percent);
  return text;
}

void print_text(const Asked &asked, const simulate::Summary &s) {
  const plan::Plan &plan = asked.file->plan;
  const auto more = [](std::size_t rows) {
    return rows > kMostLines ? fmt::format("  ... and {} more (--format json has them)\n", rows - kMostLines) : "";
  };
  const bool every = asked.campaign.every != Every::no;
  const std::uint64_t first = asked.campaign.first_seed;
  std::string out = fmt::format("{} of {}: {} runs, {}{}\n", plan.text(plan.name), plan.text(plan.cluster), s.runs,
                                every ? std::string() : fmt::format("seeds {} to {}, ", first, first + s.runs - 1),
                                how_text(asked, s));
  if (asked.window_ms > 0)
    out += fmt::format("window of {} from {}\n", report::duration(asked.window_ms), asked.begins);
  out += '\n';
  for (const auto &[status, n] : s.statuses)
    out += fmt::format("  {:<10}{:>9}  {:>8}\n", simulate::name_of(status), n, percent(n, s.runs));

  if (!s.ends.empty()) out += "\nwhere it stops\n";
  std::size_t row = 0;
  for (const auto *end : ranked(s.ends)) {
    if (++row > kMostLines) break;
    const auto &[key, tally] = *end;
    out += fmt::format("  {:>7}  {:<8} {}  (seed {}) {}\n", tally.count, simulate::name_of(key.first),
                       key.second.empty() ? "-" : key.second, tally.seed, report::printable(tally.text));
  }
  out += more(s.ends.size());

  out += s.holds.empty() ? "\nno hold is left in force\n" : "\nholds left in force\n";
  row = 0;
  for (const auto *hold : ranked(s.holds)) {
    if (++row > kMostLines) break;
    out += fmt::format("  {:>7}  {}  (seed {})\n", hold->second.count, hold->first, hold->second.seed);
  }
  out += more(s.holds.size());

  if (!s.roles.empty()) out += "\nfewest up at once        by the plan     with faults     floor  below it\n";
  for (const auto &[role, r] : s.roles) {
    const simulate::Worst &any = r.by_plan.total > 0 ? r.by_plan : r.with_faults;
    out += fmt::format("  {:<22} {:<15} {:<15} {:<6} {}\n", plan.text(plan.roles[role].name), show(r.by_plan),
                       show(r.with_faults), any.total - std::min(any.budget, any.total),
                       r.below == 0 ? "never" : fmt::format("{} runs (seed {})", r.below, r.below_seed));
  }

  if (!s.lengths.empty())
    out += fmt::format("\nduration of runs that are done\n  half within {}, 95 % within {}, the longest {}\n",
                       clock_text(simulate::quantile(s.lengths, 0.5)), clock_text(simulate::quantile(s.lengths, 0.95)),
                       clock_text(s.lengths.back()));
  if (asked.window_ms > 0) {
    const auto over = static_cast<std::uint64_t>(s.lengths.end() -
                                                 std::upper_bound(s.lengths.begin(), s.lengths.end(), asked.window_ms));
    out += fmt::format("  {} of {} are longer than one window of {}\n", over, s.lengths.size(),
                       clock_text(asked.window_ms));
  }

  if (!s.faults.empty()) out += "\nruns with a fault of this kind, and how many are done\n";
  for (const auto &[kind, n] : s.faults)
    out += fmt::format("  {:<12}{:>9}  {:>8}\n", simulate::name_of(kind), n.first, percent(n.second, n.first));

  if (s.violations.empty()) {
    out += "\nno rule was broken\n";
  } else {
    out += "\nRULES BROKEN\n";
    row = 0;
    for (const auto *v : ranked(s.violations)) {
      if (++row > kMostLines) break;
      out += fmt::format("  {:>7}  {} at {}: {}\n           upgrun simulate {} --seed {} --trace\n", v->second.count,
                         v->first.first, v->first.second.empty() ? "the end" : v->first.second,
                         report::printable(v->second.text), replay_options(asked.campaign), v->second.seed);
    }
    out += more(s.violations.size());
  }
  cli::put(out);
}

Json worst_json(const simulate::Worst &w) {
  return Json{{"down", w.down}, {"total", w.total}, {"may_be_down", std::min(w.budget, w.total)}};
}

void print_json(const Asked &asked, const simulate::Summary &s) {
  const plan::Plan &plan = asked.file->plan;
  Json out;
  out["schema"] = "upg.simulation";
  out["version"] = 1;
  out["plan"] = std::string(plan.text(plan.name));
  out["cluster"] = std::string(plan.text(plan.cluster));
  out["digest"] = asked.file->digest;
  out["runs"] = s.runs;
  const Every every = asked.campaign.every;
  out["first_seed"] = every != Every::no && asked.campaign.sample == 0 ? 1 : asked.campaign.first_seed;
  out["faults_at_most"] = every != Every::no ? 1 : asked.campaign.faults;
  out["every_record"] = every == Every::every_record;
  out["every_kill"] = every == Every::every_kill;
  if (every != Every::no) out["moments"] = s.moments;
  out["aborts"] = asked.campaign.aborts;
  out["resumes_at_most"] = asked.campaign.returns;
  out["fingerprint"] = fmt::format("{:016x}", s.fingerprint);
  for (const auto &[status, n] : s.statuses) out["outcomes"][std::string(simulate::name_of(status))] = n;
  out["ends"] = Json::array();
  for (const auto *end : ranked(s.ends))
    out["ends"].push_back({{"status", std::string(simulate::name_of(end->first.first))},
                           {"where", end->first.second},
                           {"runs", end->second.count},
                           {"seed", end->second.seed},
                           {"reason", end->second.text}});
  out["holds_left"] = Json::array();
  for (const auto *hold : ranked(s.holds))
    out["holds_left"].push_back({{"hold", hold->first}, {"runs", hold->second.count}, {"seed", hold->second.seed}});
  out["roles"] = Json::array();
  for (const auto &[role, r] : s.roles) {
    Json j{{"role", std::string(plan.text(plan.roles[role].name))},
           {"by_plan", worst_json(r.by_plan)},
           {"with_faults", worst_json(r.with_faults)},
           {"runs_below", r.below}};
    if (r.below > 0) j["seed"] = r.below_seed;
    out["roles"].push_back(std::move(j));
  }
  if (!s.lengths.empty())
    out["duration_ms"] = {{"p50", simulate::quantile(s.lengths, 0.5)},
                          {"p95", simulate::quantile(s.lengths, 0.95)},
                          {"worst", s.lengths.back()}};
  if (asked.window_ms > 0)
    out["window"] = {
        {"length_ms", asked.window_ms},
        {"begins", asked.begins},
        {"longer", s.lengths.end() - std::upper_bound(s.lengths.begin(), s.lengths.end(), asked.window_ms)}};
  out["faults"] = Json::object();
  for (const auto &[kind, n] : s.faults)
    out["faults"][std::string(simulate::name_of(kind))] = {{"runs", n.first}, {"done", n.second}};
  out["violations"] = Json::array();
  for (const auto *v : ranked(s.violations))
    out["violations"].push_back({{"rule", v->first.first},
                                 {"key", v->first.second},
                                 {"runs", v->second.count},
                                 {"seed", v->second.seed},
                                 {"text", v->second.text}});
  cli::put(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

/// One run, step by step.
class Trace final : public simulate::Listener {
 public:
  void recorded(simulate::Millis at, const machine::Record &record) override {
    const std::string line = report::tell(record);
    if (!line.empty()) say(at, "  ", line);
  }
  void moved(simulate::Millis, const machine::Move &) override {}
  void said(simulate::Millis at, const std::string &text) override { say(at, "* ", text); }

 private:
  static void say(simulate::Millis at, const char *mark, const std::string &text) {
    cli::put(fmt::format("{:>9} {}{}\n", clock_text(at), mark, report::printable(text)));
  }
};

bool trace(const Asked &asked, std::uint64_t seed) {
  const PlanFile &file = *asked.file;
  const simulate::Measure measured = simulate::measure(file.plan, file.proof, asked.campaign);
  Trace trace;
  const simulate::Outcome out = simulate::simulate(file.plan, file.proof, asked.campaign, measured, seed, &trace);
  std::string end =
      fmt::format("\nseed {}: {} after {}{}{}\n", seed, simulate::name_of(out.ending.status), clock_text(out.length),
                  out.ending.reason.empty() ? "" : ": ", report::printable(out.ending.reason));
  for (const simulate::Fault &f : out.faults) end += "  fault: " + simulate::text_of(file.plan, f) + "\n";
  for (const std::string &h : out.holds) end += "  left in force: " + h + "\n";
  for (const simulate::Violation &v : out.violations)
    end += fmt::format("  RULE BROKEN: {} at {}: {}\n", v.rule, v.key.empty() ? "the end" : v.key,
                       report::printable(v.text));
  cli::put(end);
  return out.violations.empty();
}

/// Where in time the runs begin: the first window after a fixed day, so that a seed means the same tomorrow.
bool find_window(Asked &asked) {
  const plan::Plan &plan = asked.file->plan;
  if (plan.windows.empty()) return true;
  std::string why;
  auto first = report::occurrence(plan, asked.campaign.start_unix_ms, why);
  if (!first && why.empty()) first = report::occurrence(plan, 0, why);  // a day that is over by then
  if (!first) {
    cli::put_error(fmt::format("upgrun: the plan's window is never open{}\n", why.empty() ? "" : ": " + why));
    return false;
  }
  asked.begins = first->begin;
  asked.window_ms = first->end_ms - first->begin_ms;
  asked.campaign.start_unix_ms = first->begin_ms;
  asked.campaign.next_window = report::openings(plan);
  return true;
}

}  // namespace

Exit run_simulate(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> input{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("PLAN.upgb")};
  llvm::cl::opt<unsigned> faults{"faults", llvm::cl::desc("faults in one run, at most (default 1; 0: none)"),
                                 llvm::cl::value_desc("n"), llvm::cl::init(1)};
  llvm::cl::opt<std::uint64_t> seeds{"seeds", llvm::cl::desc("how many runs (default 1000)"), llvm::cl::value_desc("n"),
                                     llvm::cl::init(1'000)};
  llvm::cl::opt<std::uint64_t> seed{"seed", llvm::cl::desc("the first seed (default 1); alone with --trace"),
                                    llvm::cl::value_desc("s"), llvm::cl::init(1)};
  llvm::cl::opt<unsigned> jobs{"j", llvm::cl::desc("threads (default 1); the result does not depend on it"),
                               llvm::cl::value_desc("n"), llvm::cl::init(1), llvm::cl::Prefix};
  llvm::cl::opt<bool> traced{"trace", llvm::cl::desc("print the run of one seed step by step")};
  llvm::cl::opt<bool> every{
      "every-record", llvm::cl::desc("instead: the controller dies at each record of its journal, written or lost")};
  llvm::cl::opt<bool> kill{"every-kill",
                           llvm::cl::desc("the same, and at each request to a host, sent or not, and at each turn; "
                                          "--seeds then: only so many of all these, drawn by --seed")};
  llvm::cl::opt<bool> abort{"abort", llvm::cl::desc("in about half of the runs somebody aborts it at a drawn time, and "
                                                    "in some of those that halt, where the plan can go back")};
  llvm::cl::opt<unsigned> abort_at{"abort-at",
                                   llvm::cl::desc("with --every-record and --every-kill: aborted after so much of the "
                                                  "usual time (default 50)"),
                                   llvm::cl::value_desc("percent"), llvm::cl::init(50)};
  llvm::cl::opt<unsigned> returns{
      "resume",
      llvm::cl::desc("a person resumes what was halted or stopped, an hour later, at most n times (default 0)"),
      llvm::cl::value_desc("n"), llvm::cl::init(0)};
  llvm::cl::opt<bool> now{"now", llvm::cl::desc("also outside the plan's window")};
  llvm::cl::opt<Format> format{"format", llvm::cl::desc("of the result"),
                               llvm::cl::values(clEnumValN(Format::text, "text", "for a person (default)"),
                                                clEnumValN(Format::json, "json", "")),
                               llvm::cl::init(Format::text)};
  ColorOption colors;
  if (auto end =
          line.parse(arguments,
                     "runs a compiled plan in virtual time, over hosts that obey its contracts, with faults\n"
                     "  drawn from seeds; asks no host. Exit code: 0 no rule was broken, 1 one was, or the plan\n"
                     "  is refused, 2 usage. How runs end is no matter of the exit code"))
    return *end;
  constexpr std::uint64_t kMostSeeds = 100'000'000;
  if (seeds == 0 || seeds > kMostSeeds || faults > 50 || returns > 50 || jobs == 0 || jobs > 256 || abort_at > 100) {
    cli::put_error("upgrun: 1 to 100000000 seeds, at most 50 faults and resumes, 1 to 256 threads, 0 to 100 percent\n");
    return Exit::usage;
  }
  Exit exit = Exit::usage;
  auto file = load(input, colors.color, exit);
  if (!file) return exit;
  Asked asked{&*file, {}, {}, 0};
  asked.campaign.faults = faults;
  asked.campaign.first_seed = seed;
  asked.campaign.seeds = seeds;
  asked.campaign.returns = returns;
  asked.campaign.jobs = jobs;
  asked.campaign.every = kill ? Every::every_kill : every ? Every::every_record : Every::no;
  if (asked.campaign.every != Every::no && seeds.getNumOccurrences() > 0) asked.campaign.sample = seeds;
  asked.campaign.aborts = abort || abort_at.getNumOccurrences() > 0;
  asked.campaign.abort_percent = abort_at;
  if (!now && !find_window(asked)) return Exit::refused;
  if (traced) return trace(asked, seed) ? Exit::done : Exit::refused;
  const simulate::Summary summary = simulate::simulate_all(file->plan, file->proof, asked.campaign);
  if (format == Format::json)
    print_json(asked, summary);
  else
    print_text(asked, summary);
  return summary.violations.empty() ? Exit::done : Exit::refused;
}

}  // namespace upg::run
