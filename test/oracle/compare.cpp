#include "test/oracle/compare.h"

#include <fmt/format.h>

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
    row(Rule::guard) = {Rule::avail, Rule::serial};
    return t;
  }();
  return table[static_cast<std::size_t>(rule)];
}

Comparison compare(const std::string &text, Bounds bounds) {
  Comparison result;
  compiler::CompileOptions options;
  options.path = "-";
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
  const auto differ = [&](const std::string &what) {
    if (result.outcome == Outcome::disagree) return;
    result.outcome = Outcome::disagree;
    result.why = fmt::format("{}; checker: {}; oracle: {}", what, names(result.checker), names(result.oracle));
  };
  const auto told = [&](Rule rule) {
    if (result.checker.count(rule) != 0) return true;
    for (const Rule other : told_instead(rule)) {
      if (result.checker.count(other) != 0) return true;
    }
    return false;
  };
  for (const Rule r : result.checker) {
    if (structural(r) && result.oracle.count(r) == 0) differ(fmt::format("{} only by the checker", name_of(r)));
  }
  for (const Rule r : result.oracle) {
    if (structural(r) && !told(r)) differ(fmt::format("{} only by the oracle", name_of(r)));
  }
  if (!result.verdict.structure_holds()) return result;
  for (const Rule r : result.checker) {
    if (result.oracle.count(r) == 0) differ(fmt::format("{} only by the checker", name_of(r)));
  }
  for (const Rule r : result.oracle) {
    if (!told(r)) differ(fmt::format("{} only by the oracle", name_of(r)));
  }
  return result;
}

}  // namespace upg::oracle
