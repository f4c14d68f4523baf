#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "runtime/safety/tree.h"
#include "runtime/safety/versions.h"

namespace upg::safety {

/// One outage that the plan opened and has not closed: an element of D in SEMANTICS section 2.
struct Open {
  PairIx pair = 0;
  bool changing = false;  // C; otherwise D
  StepIx region = 0;      // as seen from the step that asks: what a turn left open is its surroundings' after its end
  StepIx opener = 0;
  std::uint32_t number = 0;  // of two, the one opened first has the smaller
};
/// A cell that may stand in a transient value, and the step that moved it there.
struct Armed {
  CellIx cell = 0;
  StepIx by = 0;
};
/// Where a pair's outages begin and end.
struct Turnover {
  enum Kind : std::uint8_t { down, changing, closed };
  StepIx step = 0;
  Kind kind = down;
};

/// The configuration at the end of the plan.
struct Final {
  std::vector<Open> open;
  std::vector<Armed> armed;
  std::vector<Values> cells;
};

/// What holds when a step starts and, for awaits, what it closes.
struct Facts {
  bool reached = false;
  std::vector<Values> values;  // act: of its moved cells, then of the cells it requires; unless, expect: of its cell
  std::vector<Values> undo;    // act with an undo: of the undo's moved cells after the act, then of those it requires
  std::vector<PairIx> closed;  // pairs without any outage left after this step
};

/// A place where the two ways through an `if`, `unless` or run-time loop leave different states or outages.
struct Uneven {
  StepIx step = 0;
  PairIx pair = kNone;
  CellIx cell = kNone;
  bool first = false;         // the outage is left by the first way (the block of an `unless`), not the second
  Open open;                  // the outage
  Values one = 0, other = 0;  // values after the two ways
};
struct Starved {
  StepIx await = 0;
  GateIx gate = 0;
  CellIx cell = 0;
  Values values = 0;
};
struct Miscount {
  StepIx act = 0;
  std::size_t need = 0;
  std::uint64_t low = 0, high = 0;
  bool undo = false;         // of the act's undo, right after it
  std::vector<HostIx> open;  // of the hosts counted, those that may be in the state and may not
};

/// The forward pass over the folded plan (SEMANTICS section 2, without schedules): given the structural rules, the
/// state of every cell and host depends on the choices taken, never on the schedule. Configurations are versions of
/// maps that share what did not change: each step costs what it changes, not what is open.
class Flow {
 public:
  explicit Flow(const Tree &tree);
  const Facts &at(StepIx s) const { return facts_[s]; }
  const Final &final_state() const { return final_; }
  /// Where an abort by `on abort` ends; nothing is open in it if there is none.
  const Final &aborted_state() const { return aborted_; }
  const std::vector<Uneven> &uneven() const { return uneven_; }
  const std::vector<Starved> &starved() const { return starved_; }
  const std::vector<Miscount> &miscounts() const { return miscounts_; }

  /// The outages open when the step starts, oldest first: all, or those of one pair.
  std::vector<Open> open_before(StepIx s) const;
  std::vector<Open> open_before(StepIx s, PairIx pair) const;
  /// Those open when the second step starts that were not when the first did.
  std::vector<Open> opened_between(StepIx first, StepIx second) const;
  /// The outages open when the step has ended, oldest first.
  std::vector<Open> open_after(StepIx s) const { return open_in(after_[s], s); }
  std::vector<Open> open_after(StepIx s, PairIx pair) const { return open_in(after_[s], s, pair); }
  /// The pairs open when any of the steps starts, ascending.
  std::vector<PairIx> open_before_any(std::span<const StepIx> steps) const;
  /// The oldest outage under change of the role that is open when the step starts.
  std::optional<Open> changing_before(StepIx s, RoleIx role) const;
  Values value_before(StepIx s, CellIx cell) const {
    return cell < cell_count_ ? cells_.get(before_[s].cells, cell) : tree_.contracts().cell(cell).all;
  }
  /// What a turn left open of what it opened, oldest first.
  const std::vector<Open> &left_by(StepIx iteration) const;
  /// Whether the pair (any host of the role) is not yet proven healthy when the step starts.
  bool unknown_before(StepIx s, PairIx pair) const { return unknowns_.get(before_[s].unknown, slot_[pair]) != 0; }
  bool any_unknown_before(StepIx s, RoleIx role) const {
    return unknowns_.any(before_[s].unknown, first_slot_[role], first_slot_[role + 1]);
  }
  std::vector<Armed> armed_before(StepIx s) const { return armed(before_[s].armed); }
  /// Of an iteration or phase.
  std::vector<Armed> armed_after(StepIx s) const;

  /// All turnovers of a pair in the order of the text, whether reached or not.
  std::span<const Turnover> turnovers(PairIx pair) const {
    return {turnovers_.data() + first_turnover_[pair], first_turnover_[pair + 1] - first_turnover_[pair]};
  }

 private:
  /// An element of D or an armed cell; `number` rises from one to the next.
  struct Item {
    std::uint32_t number = 0;
    StepIx by = 0;
    bool changing = false;
    bool is(const Item &other) const { return by == other.by && changing == other.changing; }
  };
  using Items = std::vector<Item>;  // of one pair or cell, ascending by number
  /// Configuration: D, U, armed cells and sigma, each a version.
  struct State {
    std::uint32_t open = 0, doubled = 0, unknown = 0, armed = 0, cells = 0;
  };
  /// What went from a map of lists and what came to it.
  struct Edit {
    std::vector<std::pair<std::uint32_t, Item>> gone, come;
  };
  /// What happened between two configurations.
  struct Change {
    std::vector<std::pair<CellIx, Values>> cells;
    Edit open, armed;
    std::vector<std::uint32_t> learnt;
    bool empty() const {
      return cells.empty() && open.gone.empty() && open.come.empty() && armed.gone.empty() && armed.come.empty() &&
             learnt.empty();
    }
  };

  /// The join of the configurations in which a part of the plan may fail.
  struct Failures {
    bool any = false;
    bool of_abort = false;  // of all that may precede the point of no return
    State joined;
    State last;  // what was joined last: only what differs from it can be new
  };

  void run(StepIx s, State &state);
  void may_fail(StepIx s, const State &state);
  void may_fail_in_flight(StepIx s, const State &state);
  void undo_values(StepIx s, const State &state);
  void attempt(StepIx s, State &state);
  void abort(const State &reached);
  void forget(StepIx s);
  void start(StepIx s, State &state);
  void booted(StepIx s, State &state);
  void hand_over(StepIx s, State &state);
  void pass(StepIx s, State &state);
  void fork(StepIx s, State &state);
  void dag(StepIx s, State &state);
  void branch(StepIx s, State &state);
  void unless(StepIx s, State &state);
  void loop(StepIx s, State &state);
  void move(StepIx s, State &state, CellIx cell, Values to);
  void close(StepIx s, State &state, const std::vector<PairIx> &pairs);
  /// A count that an action requires, and where it stands.
  struct Counted {
    StepIx act = 0;
    State state;
    bool undo = false;
  };
  void count(StepIx s, const State &state, bool undo = false);
  void end_turn(StepIx s, const State &state);
  void judge_counts(const Counted &counted);
  /// What a count finds: how many hosts at least and at most.
  struct Tally {
    bool known = false;
    std::uint32_t cells = 0;  // the version of sigma that it was found in
    std::shared_ptr<const std::vector<HostIx>> hosts;
    std::vector<int> truth;                                          // of each
    std::vector<std::uint32_t> crowds;                               // those that stand for many
    std::unordered_map<CellIx, std::vector<std::uint32_t>> readers;  // which hosts' truth depends on a cell
    std::uint64_t low = 0, high = 0, all = 0;
    void add(int of, std::uint64_t n) {
      if (of == 1) low += n;
      if (of != 0) high += n;
    }
    void take(int of, std::uint64_t n) {
      if (of == 1) low -= n;
      if (of != 0) high -= n;
    }
  };
  Tally &tally(const Contract &c, const CountNeed &need, const State &state);
  bool of_bound_host_only(plan::NodeId node, std::uint32_t slot) const;
  std::uint64_t may_be_lost(StepIx s, std::span<const HostIx> hosts);
  int holds_for(plan::NodeId condition, const Env &env, const State &state);
  void taints(StepIx s, std::span<const GateIx> asked, const State &state);
  void compare(StepIx s, const State &a, const State &b, CellIx except);
  /// `known`: a configuration that `into` holds already.
  void join(State &into, const State &other, const State &known);
  void join(State &into, const State &other) { join(into, other, into); }
  using Lists = Versions<std::uint32_t>;
  Change change(const State &from, const State &to) const;
  void note(Edit &edit, const Lists &lists, std::uint32_t from, std::uint32_t to) const;
  void note(Edit &edit, std::uint32_t key, std::uint32_t before, std::uint32_t after) const;
  void apply(const Change &change, State &into);
  Edit younger(const Lists &lists, std::uint32_t into, std::uint32_t other, std::uint32_t known);
  template <class Put>
  void apply(const Edit &edit, const Lists &lists, const std::uint32_t &version, Put put);
  void apply_open(const Edit &edit, State &into);
  void apply_armed(const Edit &edit, State &into);
  State initial();
  Final final(const State &state) const;
  void index();

  /// Keeps all versions: called before a step changes anything.
  void keep();
  std::uint32_t list_of(Items items);
  bool alike(const Item &a, const Item &b) const;
  void put_open(State &state, std::uint32_t slot, Items items);
  StepIx region_at(StepIx opener, StepIx s) const;
  Values value(const State &state, CellIx cell) const { return cells_.get(state.cells, cell); }
  std::vector<Armed> armed(std::uint32_t version) const;
  std::vector<Open> open_in(std::uint32_t version, StepIx s) const;
  std::vector<Open> open_in(std::uint32_t version, StepIx s, PairIx pair) const;

  const Tree &tree_;
  std::vector<Facts> facts_;
  std::vector<State> before_;
  std::vector<std::uint32_t> after_;  // of D
  std::unordered_map<StepIx, std::uint32_t> armed_after_;
  std::unordered_map<StepIx, std::vector<Open>> left_;
  std::vector<Open> none_;
  std::vector<Uneven> uneven_;
  std::vector<Starved> starved_;
  std::vector<Miscount> miscounts_;
  std::unordered_map<std::uint32_t, Tally> tallies_;                        // by the need's node
  std::unordered_map<CellIx, std::vector<std::uint32_t>> *read_ = nullptr;  // notes what a condition reads
  std::uint32_t reader_ = 0;
  std::vector<StepIx> tolerant_turns_;
  bool tolerant_known_ = false;
  std::vector<Counted> counts_;  // in turns of hosts that stand for many
  std::unordered_map<StepIx, State> turn_ends_;
  std::uint32_t turning_ = 0;
  Final final_, aborted_;
  std::vector<Failures *> failures_;  // of the parts around the step that is looked at
  std::size_t cell_count_ = 0;

  // Pairs are numbered role by role, so that a role is a range.
  std::vector<std::uint32_t> slot_, first_slot_;
  std::vector<PairIx> pair_of_;
  Lists opens_;                     // by slot; a list of items_
  Versions<std::uint8_t> doubled_;  // slots with two outages that may turn out to be one
  Versions<std::uint8_t> unknowns_;
  Lists armings_;  // by cell; a list of items_
  Versions<Values> cells_;
  std::vector<Items> items_;
  std::uint32_t next_number_ = 0;

  std::vector<std::vector<std::pair<plan::StateId, std::size_t>>> tainted_by_;  // gate -> (state, index of its taint)
  std::vector<std::vector<CellIx>> cells_of_state_;                             // of states that taint something
  std::vector<std::size_t> first_turnover_;
  std::vector<Turnover> turnovers_;
};

}  // namespace upg::safety
