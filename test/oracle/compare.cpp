#include "test/oracle/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/compile.h"
#include "runtime/safety/check.h"

namespace upg::oracle {
namespace {

constexpr std::int64_t today = 20777;  // 2026-11-20

std::string names(const std::set<Rule> &rules) {
  std::string out;
  for (const Rule r : rules) out += (out.empty() ? "" : " ") + std::string(name_of(r));
  return out.empty() ? "nothing" : out;
}

}  // namespace

const std::set<Rule> &told_instead(Rule rule) {
  static const std::array<std::set<Rule>, rule_count> table = [] {
    std::array<std::set<Rule>, rule_count> t;
    const auto row = [&](Rule r) -> std::set<Rule> & { return t[static_cast<std::size_t>(r)]; };
    row(Rule::guard) = {Rule::avail, Rule::serial, Rule::reach, Rule::hostx, Rule::outage};
    row(Rule::race) = {Rule::hostx, Rule::avail, Rule::serial, Rule::state};
    row(Rule::undo) = {Rule::avail, Rule::serial, Rule::race, Rule::reach, Rule::arm, Rule::state};
    row(Rule::hostx) = {Rule::join};
    row(Rule::reach) = {Rule::avail, Rule::serial, Rule::hostx};
    row(Rule::starve) = {Rule::guard, Rule::state, Rule::avail, Rule::serial, Rule::reach, Rule::hostx};
    row(Rule::serial) = {Rule::avail};
    row(Rule::ret) = {Rule::hostx, Rule::fork, Rule::outage, Rule::join};
    row(Rule::avail) = {Rule::outage};
    row(Rule::fork) = {Rule::hostx, Rule::join, Rule::avail, Rule::serial, Rule::reach};
    row(Rule::join) = {Rule::ret, Rule::hostx, Rule::race, Rule::fork, Rule::state};
    row(Rule::arm) = {Rule::state, Rule::end};
    row(Rule::end) = {Rule::state};
    return t;
  }();
  return table[static_cast<std::size_t>(rule)];
}

Comparison compare(const std::string &text, Bounds bounds, const std::vector<std::string> &stdlib) {
  Comparison result;
  compiler::CompileOptions options;
  options.path = "-";
  options.stdlib = stdlib;
  options.text = text;
  options.compiler_version = "oracle";
  const compiler::Compiled compiled = compiler::compile(options);
  if (!compiled.plan) {
    for (const auto &d : compiled.sink.all()) {
      if (d.severity() != diagnostics::Severity::error) continue;
      result.first_code = diagnostics::info(d.kind).code;
      result.why = result.first_code + ": " + d.message;
      result.strange = d.kind == diagnostics::Kind::internal_error;
      break;
    }
    return result;
  }
  diagnostics::Sink sink;
  safety::check(*compiled.plan, today, sink);
  for (const auto &d : sink.all()) {
    if (d.severity() != diagnostics::Severity::error) continue;
    const std::string_view name = diagnostics::info(d.kind).name;
    const auto rule = name.substr(0, 5) == "rule_" ? rule_named(name.substr(5)) : std::nullopt;
    if (rule) {
      result.checker.insert(*rule);
    } else {
      result.checker_beyond = true;
    }
  }
  GroundResult made = ground(*compiled.plan);
  if (!made.ground) {
    result.outcome = Outcome::skipped;
    result.why = made.why;
    return result;
  }
  result.verdict = explore(*made.ground, bounds);
  result.states = result.verdict.states;
  if (!result.verdict.complete) {
    result.outcome = Outcome::skipped;
    result.why = "more configurations than the bound";
    return result;
  }
  for (std::size_t r = 0; r < rule_count; ++r) {
    if (result.verdict.findings[r]) result.oracle.insert(static_cast<Rule>(r));
  }
  result.outcome = Outcome::agree;
  const auto differ = [&](Rule rule, bool only_checker) {
    if (result.outcome == Outcome::disagree) return;
    result.outcome = Outcome::disagree;
    const std::string what = fmt::format("{} only by the {}", name_of(rule), only_checker ? "checker" : "oracle");
    result.why = fmt::format("{}; checker: {}; oracle: {}", what, names(result.checker), names(result.oracle));
  };
  // Where hosts are lost in a way that cannot be followed nothing else is defined.
  if (result.oracle.count(Rule::tolerate) != 0 && result.checker.count(Rule::tolerate) != 0) return result;
  // Phases that would have to wait for each other have no schedule to judge.
  if (made.ground->order_cycle && result.checker.count(Rule::order) != 0) return result;
  const auto told = [&](Rule rule) {
    if (result.checker.count(rule) != 0) return true;
    for (const Rule other : told_instead(rule)) {
      if (result.checker.count(other) != 0) return true;
    }
    return false;
  };
  const bool grouped =
      std::any_of(made.ground->budgets.begin(), made.ground->budgets.end(), [](const Budget &b) { return b.grouped; });
  const auto alone = [&](Rule r) {
    if (r == Rule::avail && grouped) return false;  // `all but m of attr`: an upper bound, as section 8 says
    if (result.oracle.count(r) != 0) return false;
    if (result.verdict.joined[static_cast<std::size_t>(r)]) return false;  // by definition: where the page joins
    if (result.verdict.dead_steps) return false;  // the checker looks at steps that the states rule out, too
    for (const Rule cause : told_instead(r)) {    // what follows from a cause that both see is not compared
      if (result.checker.count(cause) != 0 && result.oracle.count(cause) != 0) return false;
    }
    return true;
  };
  for (const Rule r : result.checker) {
    if (structural(r) && alone(r)) differ(r, true);
  }
  for (const Rule r : result.oracle) {
    if (structural(r) && !told(r)) differ(r, false);
  }
  if (!result.verdict.structure_holds()) return result;
  for (const Rule r : result.checker) {
    if (alone(r)) differ(r, true);
  }
  for (const Rule r : result.oracle) {
    if (!told(r)) differ(r, false);
  }
  return result;
}

}  // namespace upg::oracle
