#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/machine/simulation.h"
#include "runtime/simulate/contract.h"

namespace upg::simulate {

/// One broken predicate of docs/semantics.md section 3.
struct Violation {
  std::string rule;  // "avail", "guard", ...: the diagnostic's kind without `rule_`
  std::string text;
  std::string key;  // of the move at which it was judged; empty: the end of the plan
  machine::Move::Kind at = machine::Move::Kind::start;
  std::size_t number = 0;  // of the move, from 0
  std::string subject;     // the role or gate that it is about, as a message of the checker quotes it; may be empty
};

/// Whether monitors judge this rule; the others speak about the text of a plan.
bool judged(std::string_view rule);

/// Weight of a role that is down at the worst moment so far.
struct Worst {
  std::uint64_t down = 0;
  std::uint64_t budget = 0;
  std::uint64_t total = 0;
};

/// Follows the configuration of section 2 through the moves of one run and judges every predicate that is judged at a
/// step. It sees moves only: nothing of the checker, of the machine's own model or of the hosts.
class Monitor {
 public:
  explicit Monitor(Reader &reader);

  void moved(const machine::Move &move, int way);
  /// The controller has died: what it knew is gone, what it did stands (section 5, R5). `unbegun`: keys of steps that
  /// it meant to take, and no host ever heard of.
  void controller_died(const std::set<std::string> &unbegun);
  /// `expect` goes as a director grants it: where it can never hold, that is judged.
  void supposes() { supposes_ = true; }
  /// An abort begins: nothing is under way, nothing is known any more.
  void aborts();
  const std::vector<Violation> &violations() const { return violations_; }
  /// Whether a waiver is in force around the place.
  bool accepted(const std::string &key) const;
  /// Whether one lifts the rule there, for the role or hold.
  bool waived(const std::string &rule, const std::string &key, RoleIndex role, std::uint32_t hold) const;
  /// Hosts of the role that the plan has taken down.
  std::set<HostIndex> down_in(RoleIndex role) const;
  /// Hosts that tolerant rollouts have given up.
  const std::set<HostIndex> &lost() const { return lost_; }
  /// The step is under way.
  bool in_flight(const std::string &key) const;
  std::size_t moves() const { return moves_; }
  /// By role; those without a limit are left out.
  const std::map<RoleIndex, Worst> &worst() const { return worst_; }

 private:
  struct Flight {
    std::string key, region;
    const Contract *act;
  };
  struct Outage {
    Pair pair;
    char kind;  // 'D' down, 'C' changing
    std::string region;
    std::string opener;  // step key
    const Contract *act;
    std::vector<Hold> under = {};  // holds in force around the opener
  };
  struct Waiver {
    std::string key;
    std::uint32_t waiver;
    std::set<RoleIndex> beside = {};  // that a step outside of its block opened meanwhile: lifted no more
  };
  struct Visit {
    std::set<RoleIndex> changes;  // what is changed on it in this visit
  };

  void start(const machine::Move &move);
  void end(const machine::Move &move);
  void pass(const machine::Move &move);
  void leave(const machine::Move &move);
  void lose(const machine::Move &move);
  void settle(const Contract &act, bool failed);
  void forget_region(const std::string &region);
  void finish();
  void choice(const machine::Move &move, int way);
  void pause(const machine::Move &move);
  /// ARM: nothing is armed at this place.
  void judge_traps(const std::string &key, const char *when);
  void judge_accepted(const std::string &key);
  bool beside(const std::string &step, const std::string &place) const;

  // ---- judged at a start (monitor_start.cpp)
  void judge_guard(const Contract &act, const std::string &key, const std::string &region);
  void judge_base(const Contract &act, const std::string &key);
  void judge_state(const Contract &act, const std::string &key);
  void judge_beside(const Contract &act, const std::string &key);
  void judge_hold(const Contract &act, const std::string &key);
  void judge_order(const Contract &act, const std::string &key);
  void judge_rank(HostIndex host, const std::string &key, const std::set<RoleIndex> &changes);
  void judge_reach(const Contract &act, const std::string &key);
  void judge_armed(const Contract &act, const std::string &key);
  void judge_undo(const Contract &act, const std::string &key);
  void judge_scope(const Contract &act, const std::string &key);
  // ---- judged always
  /// `key`: the move that is judged; empty: each budget by the step that opened the last outage of it.
  void judge_budgets(const std::string &key);
  std::string opener_of(RoleIndex role) const;
  void judge_budget(RoleIndex role, const plan::Available &line, const std::string &key);

  void report(const char *rule, const std::string &key, std::string text, RoleIndex role = plan::RoleId::none,
              std::uint32_t hold = plan::HoldId::none, std::string subject = {});
  std::string region_of(const std::string &key) const;
  /// By an await on the step's own way: what a part beside has asked is that part's.
  bool known(const Gate &gate, const std::string &region, const std::string &step) const;
  void forget_hit_by(const Contract &act);
  bool down(Pair pair) const;
  Values &cell(const Cell &cell);
  Values transient(std::uint32_t state) const;
  std::pair<std::int64_t, std::int64_t> count(const Contract &act, plan::NodeId need);
  /// 0 no, 1 yes, 2 either.
  int truth(plan::NodeId condition, const machine::Environment &environment);
  bool inside(const std::string &key, const Hold &hold) const;
  std::set<RoleIndex> changed_below(plan::NodeId node, int depth) const;

  Reader &reader_;
  const plan::Plan &plan_;
  std::vector<Violation> violations_;
  std::set<std::string> said_;
  std::size_t moves_ = 0;
  machine::Move::Kind at_ = machine::Move::Kind::start;
  std::uint32_t acting_hold_ = plan::HoldId::none;  // that the starting action takes or gives back
  // ---- the configuration
  std::vector<Flight> flight_;  // I
  struct Passed {
    std::string region, await;  // the members of one await pass together
    auto operator<=>(const Passed &) const = default;
  };
  std::map<std::string, std::pair<Gate, std::set<Passed>>> known_;  // K, by gate
  std::map<Cell, Values> cells_;                                    // sigma
  std::map<Cell, std::string> moved_by_;
  std::set<Cell> doubtful_;                  // whoever moved it last has failed
  std::vector<Outage> open_;                 // D, without what is unknown
  std::set<Pair> unproven_;                  // (h, r, U)
  std::map<std::string, std::string> once_;  // O: the step that used it
  std::set<HostIndex> lost_;                 // F
  bool aborting_ = false;
  bool supposes_ = false;
  std::set<std::string> started_;       // keys of steps: a later start of one is a retry, or follows an intent
  std::map<HostIndex, Visit> visited_;  // V
  std::set<Pair> changed_;              // Q
  std::map<std::string, HostIndex> turns_;
  std::map<std::string, plan::NodeId> rolls_;  // by turn
  std::map<std::string, Hold> held_;           // by the key of the `with`
  std::vector<Waiver> waivers_;
  std::map<RoleIndex, Worst> worst_;
};

}  // namespace upg::simulate
