// upg-replay PLAN.upg [SCHEDULE.json]: executes what `upgc check --schedule=SCHEDULE.json PLAN.upg` told (without the
// file: what it would tell), on the machine of real runs over model hosts, and says whether the rule breaks at the last
// step of each schedule. A plan that was refused is executed nowhere else.
// upg-replay --run [--trace] PLAN.upg: a run without a director; a plan that was accepted breaks no rule.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/sema/modules.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/schedule.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/safety/check.h"
#include "runtime/simulate/director.h"
#include "runtime/simulate/run.h"

namespace {
using namespace upg;

struct Arguments {
  std::string plan, schedule;
  std::vector<std::string> stdlib;
  std::vector<std::pair<std::string, std::string>> defines;
  std::string name, limit;
  unsigned tries = 64;
  bool minimal = false;  // drop each step in turn
  bool quiet = false;
  bool run = false;
  bool trace = false;  // what a run does, and when
  std::string write;   // the plan as it was compiled, whatever the checker says
};

std::optional<Arguments> parse(int count, char **words) {
  Arguments out;
  std::vector<std::string> files;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto value = [&](const char *name) -> std::optional<std::string> {
      const std::string begin = std::string("--") + name + '=';
      if (!word.starts_with(begin)) return std::nullopt;
      return word.substr(begin.size());
    };
    if (const auto folder = value("stdlib")) {
      out.stdlib.push_back(*folder);
    } else if (const auto file = value("write")) {
      out.write = *file;
    } else if (const auto tries = value("tries")) {
      out.tries = static_cast<unsigned>(std::strtoul(tries->c_str(), nullptr, 10));
    } else if (const auto name = value("plan")) {
      out.name = *name;
    } else if (const auto limit = value("limit")) {
      out.limit = *limit;
    } else if (word == "--minimal") {
      out.minimal = true;
    } else if (word == "--run") {
      out.run = true;
    } else if (word == "--trace") {
      out.trace = true;
    } else if (word == "--quiet") {
      out.quiet = true;
    } else if (word.starts_with("-D") && word.find('=') != std::string::npos) {
      out.defines.emplace_back(word.substr(2, word.find('=') - 2), word.substr(word.find('=') + 1));
    } else if (word.starts_with("--")) {
      return std::nullopt;
    } else {
      files.push_back(word);
    }
  }
  if (files.empty() || files.size() > 2) return std::nullopt;
  out.plan = files[0];
  if (files.size() > 1) out.schedule = files[1];
  return out;
}

void tell(const simulate::Replayed &run) {
  for (const simulate::Taken &t : run.taken)
    fmt::print("  {} {}   {}\n", t.told ? fmt::format("{:>3}.", t.step + 1) : "    ", t.text, t.key);
}

std::string rule_of(const diagnostics::ReadSchedule &read) {
  return read.kind.starts_with("rule_") ? read.kind.substr(5) : read.kind;
}

/// One schedule; whether it is as it should be.
bool replay(const plan::Plan &plan, const safety::Proof &proof, const diagnostics::ReadSchedule &read,
            const Arguments &arguments) {
  const std::string rule = rule_of(read);
  fmt::print("{} {}: {}\n", read.code, rule, read.message);
  simulate::ReplayOptions options;
  options.tries = arguments.tries;
  options.message = read.message;
  const simulate::Replayed run = simulate::replay(plan, proof, rule, read.steps, options);
  if (!arguments.quiet || !run.reached) tell(run);
  if (!run.reached) {
    fmt::print("  NOT REACHED after {} tries: {}\n", run.tries, run.why);
    return false;
  }
  fmt::print("  reached at move {} (try {}: {}): {}\n", run.violation.number, run.tries, run.way, run.violation.text);

  // The same way with what a real run asks at the act.
  simulate::ReplayOptions real = options;
  real.protected_ = true;
  real.first_try = run.tries - 1;
  real.tries = 1;
  const simulate::Replayed guarded = simulate::replay(plan, proof, rule, read.steps, real);
  if (guarded.reached)
    fmt::print("  a real run would do the same: nothing that it asks at the act stops it\n");
  else if (!guarded.halted.empty())
    fmt::print("  a real run stops there: {}: {}\n", simulate::name_of(guarded.by), guarded.halted);
  else
    fmt::print("  a real run does not break it: what is stale is asked again at the act\n");

  bool minimal = true;
  for (std::size_t drop = 0; arguments.minimal && drop + 1 < read.steps.size(); ++drop) {
    if (!read.steps[drop].cue || read.steps[drop].cue->kind == diagnostics::Cue::Kind::told ||
        read.steps[drop].cue->kind == diagnostics::Cue::Kind::abort)  // what comes next is a step of the abort
      continue;
    std::vector<diagnostics::ScheduleStep> less = read.steps;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(drop));
    simulate::ReplayOptions same = options;
    same.first_try = run.tries - 1;
    same.tries = 1;
    const simulate::Replayed without = simulate::replay(plan, proof, rule, less, same);
    if (!without.reached) continue;
    // Another way to the same harm is another schedule, not a shorter one.
    const auto same_way = [&](const simulate::Taken &t) {
      return std::any_of(run.taken.begin(), run.taken.end(),
                         [&](const simulate::Taken &o) { return o.key == t.key && o.kind == t.kind; });
    };
    if (!std::all_of(without.taken.begin(), without.taken.end(), same_way)) continue;
    bool forced = false;
    for (const simulate::Taken &t : without.taken)
      forced = forced || (t.key == read.steps[drop].cue->key || t.key.starts_with(read.steps[drop].cue->key + ":"));
    fmt::print("  step {} {}\n", drop + 1,
               forced ? "happens anyway on the way to the next" : "IS NOT NEEDED: the rule breaks without it");
    minimal = minimal && forced;
  }
  return minimal;
}

struct Trace final : simulate::Listener {
  void recorded(machine::Millis, const machine::Record &) override {}
  void moved(machine::Millis at, const machine::Move &move) override {
    fmt::print("  {:>6} s  {}   {}\n", at / 1000, simulate::name_of(move.kind), move.key);
  }
  void said(machine::Millis, const std::string &) override {}
};

/// The plan from its beginning to its end, nobody directing.
bool run_through(const plan::Plan &plan, const safety::Proof &proof, bool traced) {
  Trace trace;
  simulate::RunOptions options;
  if (traced) options.listener = &trace;
  simulate::Run run(plan, proof, options);
  const bool over = run.finish();
  for (const simulate::Violation &v : run.monitor().violations())
    fmt::print("  {} at {} (move {}): {}\n", v.rule, v.key.empty() ? "the end" : v.key, v.number, v.text);
  static constexpr const char *kWords[] = {"running", "done", "refused", "stopped", "halted"};
  fmt::print("{} after {} moves and {} s: {} violations{}{}\n", kWords[static_cast<int>(run.ending().status)],
             run.monitor().moves(), run.elapsed() / 1000, run.monitor().violations().size(),
             run.ending().reason.empty() ? "" : "; ", run.ending().reason);
  return over && run.ending().status == machine::Status::done && run.monitor().violations().empty();
}

int fail(const std::string &text) {
  std::fputs((text + '\n').c_str(), stderr);
  return 2;
}

}  // namespace

int main(int count, char **words) {
  const std::optional<Arguments> arguments = parse(count, words);
  if (!arguments)
    return fail(
        "usage: upg-replay [--stdlib=FOLDER] [--plan=NAME] [--limit=HOSTS] [-DNAME=VALUE] [--tries=N] [--minimal] "
        "[--quiet] [--run [--trace]] [--write=FILE.upgb] PLAN.upg [SCHEDULE.json]");
  compiler::CompileOptions how;
  how.path = arguments->plan;
  how.plan = arguments->name;
  how.limit = arguments->limit;
  how.defines = arguments->defines;
  how.stdlib = sema::library_paths(arguments->stdlib, "/proc/self/exe");
  how.compiler_version = "replay";
  compiler::Compiled compiled = compiler::compile(how);
  if (!compiled.plan) return fail(diagnostics::render_text(compiled.sink, compiled.sources, {}));
  if (!arguments->write.empty()) {
    std::ofstream file(arguments->write, std::ios::binary);
    file << plan::write(*compiled.plan);
    return file.flush() ? 0 : fail(arguments->write + ": it cannot be written");
  }
  const safety::Proof proof = safety::check(*compiled.plan, 0, compiled.sink);

  if (arguments->run) return run_through(*compiled.plan, proof, arguments->trace) ? 0 : 1;
  diagnostics::Sources files;
  std::string why;
  std::string text = diagnostics::render_schedules(compiled.sink, compiled.sources);
  if (!arguments->schedule.empty()) {
    const auto file = files.load(arguments->schedule, 64u << 20, why);
    if (!file) return fail(fmt::format("{}: {}", arguments->schedule, why));
    text = files.text(*file);
  }
  const auto schedules = diagnostics::read_schedules(text, why);
  if (!schedules) return fail(fmt::format("{}: {}", arguments->schedule, why));
  std::size_t good = 0, all = 0;
  for (const diagnostics::ReadSchedule &read : *schedules) {
    const std::string rule = rule_of(read);
    const auto &last = read.steps.empty() ? std::nullopt : read.steps.back().cue;
    const bool undo = rule == "undo" && last && last->kind == diagnostics::Cue::Kind::start;
    if (!simulate::judged(rule) && !undo) {  // it speaks about the text of the plan; its steps are an illustration
      fmt::print("{} {} is not judged at a step\n", read.code, rule);
      continue;
    }
    ++all;
    good += replay(*compiled.plan, proof, read, *arguments);
  }
  fmt::print("{} of {} schedules reach their violation\n", good, all);
  return good == all ? 0 : 1;
}
