#pragma once
#include <set>
#include <string>
#include <vector>

#include "test/oracle/explore.h"

namespace upg::oracle {

enum class Outcome : std::uint8_t {
  no_plan,  // the text does not compile, for another reason than a rule
  skipped,  // too large for the oracle, or a construct that it does not know
  agree,
  disagree,
};

/// One plan, seen by the checker and by the oracle.
struct Comparison {
  Outcome outcome = Outcome::no_plan;
  std::string why;                 // no_plan, skipped, disagree
  std::set<Rule> checker, oracle;  // what breaks
  bool checker_beyond = false;     // the checker reports something that is no predicate of section 3 (scope, time, ...)
  bool strange = false;            // an internal error of the compiler
  std::string first_code;          // no_plan: the first error's code
  std::size_t states = 0;
  Verdict verdict;
};

/// Compiles the text with the real compiler, asks both, and says whether they agree (README.md has the definition).
Comparison compare(const std::string &text, Bounds bounds = {}, const std::vector<std::string> &stdlib = {});

/// Rules that the checker may report in place of this one: one cause is told once.
const std::set<Rule> &told_instead(Rule rule);

}  // namespace upg::oracle
