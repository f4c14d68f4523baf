#pragma once
#include <functional>
#include <map>
#include <set>

#include "test/oracle/explore.h"
#include "test/oracle/machine.h"

namespace upg::oracle {

/// Judges each step by section 3 and keeps the first finding of each rule.
class Judge final : public Listener {
 public:
  Judge(const Ground &ground, Bounds bounds, Verdict &verdict) : g_(ground), bounds_(bounds), verdict_(verdict) {}
  void bind(const Machine &machine, std::function<std::vector<std::string>()> schedule) {
    machine_ = &machine;
    schedule_ = std::move(schedule);
  }
  bool has_dead_steps() const;
  /// A step of the plan fails here, or its outcome stays unknown.
  void halts(const Config &, const std::vector<std::uint32_t> &steps);
  std::vector<std::uint32_t> halting_steps() const;
  /// What needs no schedule: undo, a cycle of orders.
  void syntax();

  void before_start(const Config &, std::uint32_t node) override;
  void after_start(const Config &, std::uint32_t node) override;
  void after_end(const Config &, std::uint32_t node) override;
  void at_await(const Config &, std::uint32_t node) override;
  void at_pause(const Config &, std::uint32_t node) override;
  void at_test(const Config &, std::uint32_t node, bool expected) override;
  void at_release(const Config &, std::uint32_t) override {}
  void turn_ends(const Config &, std::uint32_t node) override;
  void phase_ends(const Config &, std::uint32_t node) override;
  void plan_ends(const Config &) override;
  void forks(const Config &, std::uint32_t node, std::uint32_t starting) override;
  void chooses(const Config &, std::uint32_t node) override;
  void acceptance_ends(const Config &, std::uint32_t node) override;
  void admits(const Config &, std::uint32_t turn) override;
  void gives_up(const Config &, std::uint32_t node) override;
  /// What is found from here on follows from a join of configurations.
  void joined(bool joined) { joined_now_ = joined; }
  /// The run is aborted here, and goes back by each step's undo, the last one first.
  void goes_back(const Config &);

 private:
  void found(Rule rule, std::uint32_t node, std::string what, std::optional<std::size_t> role = std::nullopt);
  /// A predicate that breaks where less is possible: behind a failure the page judges from the join, in which more is.
  void found_alone(const Config &, Rule rule, std::uint32_t node, std::string what);
  bool waived(Rule rule, const Node &node, std::optional<std::size_t> role) const;
  // judge_start.cpp
  void guard(const Config &, std::uint32_t node);
  void states(const Config &, std::uint32_t node);
  void beside(const Config &, std::uint32_t node);
  void holds(const Config &, std::uint32_t node);
  void orders(const Config &, std::uint32_t node);
  void ranks(const Config &, std::uint32_t node, Hosts on);
  void reach(const Config &, std::uint32_t node);
  void starve(const Config &, std::uint32_t node, const std::vector<std::size_t> &gates, std::uint32_t own);
  // judge_shape.cpp
  void undo(const Config &, std::uint32_t step, std::uint32_t undo);
  Pairs opened_beside(std::uint32_t node) const;
  void armed(const Config &, std::uint32_t node, std::string_view where);
  std::set<std::string> alone(const Config &from, std::uint32_t node);
  const std::vector<std::uint32_t> &awaits_under(std::uint32_t node);
  bool would_close(std::uint32_t node, std::size_t pair, std::uint32_t region);

  const Ground &g_;
  Bounds bounds_;
  Verdict &verdict_;
  const Machine *machine_ = nullptr;
  std::function<std::vector<std::string>()> schedule_;
  void tolerance();
  bool joined_now_ = false;
  bool undoing_ = false;  // what an undo breaks is told as ABORT
  std::set<std::uint32_t> started_;
  std::map<std::uint32_t, bool> tests_;  // each `unless` that is reached: whether it can be skipped
  std::map<std::uint32_t, std::vector<std::uint32_t>> awaits_;
  std::map<std::uint32_t, std::vector<std::uint16_t>> fresh_;  // marks of a part that has taken no step
  std::set<std::pair<std::uint32_t, std::string>> joined_;
};

}  // namespace upg::oracle
