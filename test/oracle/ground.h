#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan/plan.h"

/// A plan with everything elaborated: procedures inlined, rollouts one iteration a host, contracts with their arguments
/// (docs/semantics.md, sections 1 and 7). Small plans only: sets are bits of one word.
namespace upg::oracle {

using Hosts = std::uint64_t;   // bit: index in Plan::hosts
using Pairs = std::uint64_t;   // bit: index in Ground::pairs
using Cells = std::uint64_t;   // bit: index in Ground::cells
using Taken = std::uint64_t;   // bit: index in Ground::holds
using Values = std::uint32_t;  // bit: ordinal of a state's value
inline constexpr std::size_t word = 64;

inline constexpr bool has(std::uint64_t set, std::size_t bit) { return (set >> bit & 1) != 0; }
inline constexpr std::uint64_t one(std::size_t bit) { return std::uint64_t{1} << bit; }

/// What a step may touch, or a gate watches: sets of items.
struct Items {
  bool everything = false;
  bool star = false;
  Hosts hosts = 0;
  Pairs pairs = 0;
  Cells cells = 0;
  Taken holds = 0;

  bool meets(const Items &other) const;
  bool any() const { return everything || star || hosts || pairs || cells || holds; }
};

struct Pair {
  std::size_t host;
  std::size_t role;
};

/// A state of a host, or of the cluster (host: none).
struct Cell {
  plan::StateId state;
  std::optional<std::size_t> host;
  Values all = 0;
  Values transient = 0;
  Values initially = 0;  // `all` where the plan does not say
  std::optional<std::uint32_t> finally;
  std::string name;
};

/// A hold with its arguments.
struct HoldKey {
  plan::HoldId hold;
  std::string name;  // with arguments; equal names are one hold
};

/// A gate with its arguments.
struct Gate {
  plan::GateId gate;
  std::string name;
  Hosts about = 0;              // hosts among its arguments
  bool of_cluster = false;      // it has no host among its arguments
  Hosts asks = 0;               // hosts that its questions run on
  bool asks_elsewhere = false;  // on the controller, or at hosts known at run time only
  bool written = false;         // `watches` is written
  Items watch;
  Pairs health_of = 0;  // Z: the pairs whose health it is
  std::vector<plan::RoleId> clears;
};

struct Move {
  std::size_t cell;
  Values from = 0;
  Values via = 0;
  std::uint32_t to = 0;
  std::optional<std::uint32_t> failed;
};
/// `on boot from -> to` of a cell whose host restarts.
struct BootMove {
  std::size_t cell;
  std::uint32_t from;
  std::uint32_t to;
};
/// c = v.
struct CellIs {
  std::size_t cell;
  std::uint32_t value;
};
struct CountNeed {
  std::vector<std::vector<CellIs>> candidates;  // per host of the set: all must hold for it to count
  std::uint32_t kind = 0;                       // 0 ==, 1 >=, 2 <=
  std::uint32_t number = 0;
  Cells reads = 0;
};

enum class Undo : std::uint8_t { none, nothing, action };

/// An action with its arguments, and its contract.
struct Action {
  plan::ActionId action;
  std::string name;
  Hosts subject = 0;
  Pairs disrupts = 0;  // dis*
  Pairs changes = 0;
  Hosts touches = 0;  // hosts(a)
  std::vector<Move> moves;
  std::vector<BootMove> boot_moves;
  Cells moved = 0;  // by either
  Cells requires_cells = 0;
  std::vector<std::size_t> gates;  // required as written, members of composites one by one
  std::vector<CellIs> values;
  std::vector<CountNeed> counts;
  Taken needs_held = 0;
  Taken needs_free = 0;
  bool destroys = false;
  std::optional<std::size_t> once;
  Undo undo_kind = Undo::none;
  std::optional<std::size_t> undo;  // index in Ground::actions
  bool person = false;              // an operator step: a pause too
  Hosts boots = 0;                  // awaits boot of these
  Items reach;
  bool arms = false;  // moves a cell to a transient value
  bool destructive() const { return disrupts != 0 || destroys; }
};

/// One `available` line for one group of hosts.
struct Budget {
  std::size_t role;
  std::int64_t amount = 0;  // weight that may be down, hosts declared out already subtracted
  std::vector<std::pair<Hosts, std::int64_t>> weights;  // a group weighs once, as soon as one of its hosts is down
  bool grouped = false;                                 // `of`: values of an attribute count, not hosts
  std::string text;
};

struct Role {
  std::string name;
  std::vector<std::optional<std::size_t>> pair_of;  // by host
  Pairs pairs = 0;                                  // of hosts not declared out
  bool serial = false;
  bool unlimited = false;  // may be down
  bool alive = false;      // the role that every host carries
};

enum class Shape : std::uint8_t {
  sequence,
  fork,  // `parallel`
  dag,
  phase,  // child of a dag
  roll,   // children are turns
  turn,
  choice,   // `if`: exactly one child
  attempt,  // children: the block, the recoveries, `otherwise` if there is one
  loop,     // children are copies; 0, 1, 2 of them run
  unless,
  expect,
  act,
  await,
  pause,
  no_return,
};

struct Node {
  Shape shape = Shape::sequence;
  std::uint32_t parent = none;
  std::uint32_t place = 0;  // index among the parent's children
  std::vector<std::uint32_t> children;
  std::uint32_t region = 0;
  std::string text;  // for schedules
  plan::Span where;
  // act
  std::size_t action = 0;
  std::uint32_t acquires = none, releases = none;  // the `with` (index in Ground::withs) whose acquire, release this is
  // await
  std::vector<std::size_t> gates;
  bool own_host = false;  // may close outages of its own host opened further out
  // unless, expect
  CellIs test{0, 0};
  // roll
  std::uint32_t limit = 1;
  std::uint32_t group_limit = 0;  // 0: none
  bool one_group = true;
  bool passes_over = false;           // a turn that its group has no room for does not keep others waiting
  std::vector<std::uint32_t> groups;  // by child
  bool tolerant = false;              // a host may be lost in its turn
  // attempt: `limit` rounds
  bool has_otherwise = false;
  // turn
  std::size_t host = 0;
  // dag: by child, the children that must have ended before
  std::vector<std::vector<std::uint32_t>> after;
  // surroundings
  std::vector<std::uint32_t> withs;    // innermost last; for acquire and release the with itself is not in it
  std::vector<std::uint32_t> waivers;  // indices of Plan::waivers around it
  std::vector<std::uint32_t> outages;  // the sequences of `accept outage` around it
  std::optional<std::size_t> accepts;  // sequence: the role whose outage is accepted inside
  Pairs opens = 0;                     // pairs of that role that a step inside takes down or changes
  bool lifts = true;                   // nothing beside it takes that role down
  bool in_turn = false;
  Hosts effects_on = 0;     // hosts that a step in it has an effect on
  Pairs changes_under = 0;  // pairs that a step in it changes

  static constexpr std::uint32_t none = 0xffffffffu;
};

struct With {
  std::size_t hold;
  std::uint32_t node;  // the sequence acquire; body; release
};

struct Region {
  std::uint32_t parent = Node::none;
  std::optional<std::size_t> host;
};

/// Pairs of the roles of each group of one `order`, earliest group first.
struct Ordering {
  std::vector<Pairs> groups;
  bool on_each_host = false;
};

struct Ground {
  const plan::Plan *plan = nullptr;
  std::vector<std::string> host_names;
  Hosts out = 0;
  std::vector<Hosts> via;  // by host, transitive
  std::vector<Pair> pairs;
  std::vector<Pairs> pairs_of_host;
  std::vector<Role> roles;
  std::vector<Budget> budgets;
  std::vector<Cell> cells;
  std::vector<HoldKey> holds;
  std::vector<Gate> gates;
  std::vector<Action> actions;
  std::vector<Node> nodes;  // a node's parent has a smaller index
  std::uint32_t root = 0;
  std::vector<With> withs;
  std::vector<Region> regions;  // 0: outside all turns
  std::vector<Ordering> orders;
  std::vector<std::vector<std::int32_t>> ranks;          // per `rank`, by host; -1: carries none of its roles
  std::vector<std::optional<std::size_t>> stoppable_of;  // by pair: gate
  std::vector<std::string> once_keys;
  bool repair = false;
  bool order_cycle = false;
  std::uint32_t no_return = Node::none;
  std::uint32_t on_abort = Node::none;  // a root of its own
  std::uint32_t tolerate = 0;
  std::vector<std::uint32_t> undo_of;  // by node: a step must be undoable where it stands; the node of its undo

  /// a ⊑ b: b is a or nested in a.
  bool encloses(std::uint32_t a, std::uint32_t b) const;
  /// `m` ends before `p` starts in every schedule (`;`, rollouts one by one, phases).
  bool before(std::uint32_t m, std::uint32_t p) const;
  /// Some schedule has both in flight, as far as the shape of the plan says.
  bool concurrent(std::uint32_t a, std::uint32_t b) const;
  /// `inner` stands in the part under `outer`.
  bool contains(std::uint32_t outer, std::uint32_t inner) const;
  /// Calls `visit` for every node under the root, the root included.
  template <class Visit>
  void each_under(std::uint32_t part, Visit &&visit) const {
    visit(part);
    for (const std::uint32_t kid : nodes[part].children) each_under(kid, visit);
  }
  /// Calls `visit` for every node of the plan and of `on abort`.
  template <class Visit>
  void each(Visit &&visit) const {
    each_under(root, visit);
    if (on_abort != Node::none) each_under(on_abort, visit);
  }
  std::string pair_name(std::size_t pair) const;
};

/// The ground plan, or why there is none (too large for the oracle, or a construct that it does not know).
struct GroundResult {
  std::optional<Ground> ground;
  std::string why;
};
GroundResult ground(const plan::Plan &plan);

}  // namespace upg::oracle
