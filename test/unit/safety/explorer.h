#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "test/unit/safety/plan_builder.h"

/// A tiny brute-force explorer of the formal core, to find errors of the checker: every interleaving of a small plan,
/// step by step. It shares nothing with the checker but the plan that it builds.
namespace upg::safety::testing {

/// Roles of the explored plans: `q` may lose few hosts, `s` is serial.
enum ExploredRole : std::uint8_t { kQ = 0, kS = 1 };

struct Term {
  enum Kind : std::uint8_t { act, await, sequence, parallel, roll, dag, branch } kind = sequence;
  int what = 0;   // act: number of the action; await: number of the question
  int host = -1;  // of an act or await; -1: the host of the turn
  std::uint32_t batch = 1, canary = 0;
  std::vector<int> hosts;               // roll
  std::vector<std::vector<int>> after;  // dag
  std::vector<Term> kids;
};

struct Explored {
  std::uint64_t worst = 0;  // of q
  bool serial = false, guard = false, returns = false, base = false;
  std::size_t states = 0;
  bool finished = true;  // false: too many states
};

/// A random site and plan.
struct Experiment {
  int hosts = 3;
  bool proven = true;  // the preflight asks all health
  std::vector<std::uint32_t> votes;
  Term plan;
  explicit Experiment(std::uint32_t seed);
  Explored explore(std::size_t limit) const;
  /// The same plan for the checker.
  void build(PlanBuilder &b) const;
  std::string text() const;
};

}  // namespace upg::safety::testing
