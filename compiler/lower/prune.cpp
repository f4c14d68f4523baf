#include "compiler/lower/prune.h"

#include <algorithm>
#include <type_traits>

#include "runtime/plan/builder.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/visit.h"

namespace upg::lower {
namespace {

using namespace plan;

/// The tables that are reached entry by entry; the others belong to the plan as a whole.
enum Table : std::size_t {
  t_nodes,
  t_hosts,
  t_sets,
  t_roles,
  t_states,
  t_probes,
  t_gates,
  t_actions,
  t_holds,
  t_procedures,
  t_rollouts,
  t_phases,
  t_waivers,
  t_secrets,
  table_count
};

template <class IdType>
constexpr std::size_t table_of(IdType) {
  if constexpr (std::is_same_v<IdType, NodeId>) return t_nodes;
  if constexpr (std::is_same_v<IdType, HostId>) return t_hosts;
  if constexpr (std::is_same_v<IdType, SetId>) return t_sets;
  if constexpr (std::is_same_v<IdType, RoleId>) return t_roles;
  if constexpr (std::is_same_v<IdType, StateId>) return t_states;
  if constexpr (std::is_same_v<IdType, ProbeId>) return t_probes;
  if constexpr (std::is_same_v<IdType, GateId>) return t_gates;
  if constexpr (std::is_same_v<IdType, ActionId>) return t_actions;
  if constexpr (std::is_same_v<IdType, HoldId>) return t_holds;
  if constexpr (std::is_same_v<IdType, ProcedureId>) return t_procedures;
  if constexpr (std::is_same_v<IdType, RolloutId>) return t_rollouts;
  if constexpr (std::is_same_v<IdType, PhaseId>) return t_phases;
  if constexpr (std::is_same_v<IdType, WaiverId>) return t_waivers;
  if constexpr (std::is_same_v<IdType, SecretId>) return t_secrets;
  return table_count;
}

/// Table that an immediate points into; table_count: none.
std::size_t pointed_at(Immediate kind) {
  switch (kind) {
    case Immediate::host:
      return t_hosts;
    case Immediate::set:
      return t_sets;
    case Immediate::role:
    case Immediate::role_or_all:
      return t_roles;
    case Immediate::state:
      return t_states;
    case Immediate::probe:
      return t_probes;
    case Immediate::gate:
      return t_gates;
    case Immediate::action:
      return t_actions;
    case Immediate::hold:
      return t_holds;
    case Immediate::procedure:
      return t_procedures;
    case Immediate::rollout:
      return t_rollouts;
    case Immediate::phase:
      return t_phases;
    case Immediate::waiver:
      return t_waivers;
    case Immediate::secret:
      return t_secrets;
    default:
      return table_count;
  }
}

}  // namespace

class Reach::Marks {
 public:
  explicit Marks(const Plan &plan) : plan_(plan) {
    const std::size_t sizes[table_count] = {
        plan.nodes.size(),    plan.hosts.size(),  plan.sets.size(),    plan.roles.size(),  plan.states.size(),
        plan.probes.size(),   plan.gates.size(),  plan.actions.size(), plan.holds.size(),  plan.procedures.size(),
        plan.rollouts.size(), plan.phases.size(), plan.waivers.size(), plan.secrets.size()};
    for (std::size_t t = 0; t < table_count; ++t) marked_[t].assign(sizes[t], false);
    fields(plan);
    all(plan.hosts);
    all(plan.cluster_attributes);
    all(plan.parameters);
    all(plan.windows);
    all(plan.initially);
    all(plan.finally);
    for (std::size_t i = 0; i < plan.hosts.size(); ++i) mark(t_hosts, i);
    drain();
  }

  bool marked(std::size_t table, std::size_t index) const { return marked_[table][index]; }
  template <class IdType>
  bool marked(IdType id) const {
    return id.valid() && marked_[table_of(id)][id.index];
  }

 private:
  void mark(std::size_t table, std::size_t index) {
    if (marked_[table][index]) return;
    marked_[table][index] = true;
    open_.emplace_back(table, index);
  }
  template <class Record>
  void all(const std::vector<Record> &records) {
    for (const Record &record : records) fields(record);
  }
  template <class Record>
  void fields(const Record &record) {
    Record::fields(record, [this]<class F>(const char *, const F &value) { this->field(value); });
  }
  template <class F>
  void field(const F &value) {
    if constexpr (std::is_same_v<F, StringId> || std::is_same_v<F, IntegerId>) {
    } else if constexpr (AnyId<F>) {
      if (value.valid()) mark(table_of(value), value.index);
    } else if constexpr (AnyList<F>) {
      for (const auto &element : value) field(element);
    } else if constexpr (AnyRecord<F>) {
      fields(value);
    }
  }
  // Links that mean something only if their target is reached anyway.
  void record(const State &state) {
    State copy = state;
    copy.taints.clear();
    fields(copy);
  }
  void record(const Gate &gate) {
    Gate copy = gate;
    copy.watches.clear();
    copy.clears.clear();
    fields(copy);
  }
  void record(const Hold &hold) {
    Hold copy = hold;
    copy.taints.clear();
    fields(copy);
  }
  template <class Record>
  void record(const Record &other) {
    fields(other);
  }

  void node(std::size_t index) {
    const Node &n = plan_.nodes[index];
    const OpInfo &row = info(n.op);
    const auto immediate = [&](Immediate kind, std::uint32_t value) {
      const std::size_t table = pointed_at(kind);
      if (table != table_count && !(kind == Immediate::role_or_all && value == all_roles)) mark(table, value);
    };
    immediate(row.a, n.a);
    immediate(row.b, n.b);
    for (const NodeId kid : plan_.kids(NodeId(index))) mark(t_nodes, kid.index);
  }

  /// Watches of a gate need their arguments, once gate and watched thing are both reached.
  bool watches() {
    const std::size_t before = open_.size();
    for (std::size_t g = 0; g < plan_.gates.size(); ++g) {
      if (!marked_[t_gates][g]) continue;
      for (const Watch &watch : plan_.gates[g].watches) {
        if (!marked(watch.hold) && !marked(watch.state)) continue;
        for (const NodeId argument : watch.arguments) mark(t_nodes, argument.index);
      }
    }
    return open_.size() > before;
  }

  void drain() {
    do {
      while (!open_.empty()) {
        const auto [table, index] = open_.back();
        open_.pop_back();
        switch (table) {
          case t_nodes:
            node(index);
            break;
          case t_hosts:
            record(plan_.hosts[index]);
            break;
          case t_sets:
            record(plan_.sets[index]);
            break;
          case t_roles:
            record(plan_.roles[index]);
            break;
          case t_states:
            record(plan_.states[index]);
            break;
          case t_probes:
            record(plan_.probes[index]);
            break;
          case t_gates:
            record(plan_.gates[index]);
            break;
          case t_actions:
            record(plan_.actions[index]);
            break;
          case t_holds:
            record(plan_.holds[index]);
            break;
          case t_procedures:
            record(plan_.procedures[index]);
            break;
          case t_rollouts:
            record(plan_.rollouts[index]);
            break;
          case t_phases:
            record(plan_.phases[index]);
            break;
          case t_waivers:
            record(plan_.waivers[index]);
            break;
          default:
            break;
        }
      }
    } while (watches());
  }

  const Plan &plan_;
  std::vector<bool> marked_[table_count];
  std::vector<std::pair<std::size_t, std::size_t>> open_;
};

namespace {

/// Copies records, giving every id its new number. Strings and integers are pooled again, in the order of their first
/// use.
template <class Marks>
class Copy {
 public:
  Copy(const Plan &from, const Marks &marks) : from_(from), marks_(marks) {
    const std::size_t sizes[table_count] = {
        from.nodes.size(),    from.hosts.size(),  from.sets.size(),    from.roles.size(),  from.states.size(),
        from.probes.size(),   from.gates.size(),  from.actions.size(), from.holds.size(),  from.procedures.size(),
        from.rollouts.size(), from.phases.size(), from.waivers.size(), from.secrets.size()};
    for (std::size_t t = 0; t < table_count; ++t) {
      moved_[t].assign(sizes[t], NodeId::none);
      std::uint32_t next = 0;
      for (std::size_t i = 0; i < sizes[t]; ++i) {
        if (marks.marked(t, i)) moved_[t][i] = next++;
      }
    }
  }

  Plan run() {
    copy_scalars();
    nodes();
    Plan &to = build_.plan;
    whole(from_.files, to.files);
    reached(t_hosts, from_.hosts, to.hosts);
    whole(from_.cluster_attributes, to.cluster_attributes);
    reached(t_sets, from_.sets, to.sets);
    reached(t_roles, from_.roles, to.roles);
    reached(t_states, from_.states, to.states);
    reached(t_probes, from_.probes, to.probes);
    reached(t_gates, from_.gates, to.gates);
    reached(t_actions, from_.actions, to.actions);
    reached(t_holds, from_.holds, to.holds);
    reached(t_procedures, from_.procedures, to.procedures);
    for (const Order &order : from_.orders) rule(order);
    for (const Rank &rank : from_.ranks) rule(rank);
    for (const CommandRule &command : from_.commands) rule(command);
    reached(t_secrets, from_.secrets, to.secrets);
    whole(from_.parameters, to.parameters);
    reached(t_rollouts, from_.rollouts, to.rollouts);
    reached(t_phases, from_.phases, to.phases);
    reached(t_waivers, from_.waivers, to.waivers);
    whole(from_.windows, to.windows);
    for (const StringId name : from_.exclusive) to.exclusive.push_back(string(name));
    whole(from_.initially, to.initially);
    whole(from_.finally, to.finally);
    return std::move(build_.plan);
  }

 private:
  StringId string(StringId id) { return id.valid() ? build_.string(from_.strings[id.index]) : id; }

  template <class Record>
  void fields(Record &record) {
    Record::fields(record, [this]<class F>(const char *, F &value) { this->field(value); });
  }
  template <class F>
  void field(F &value) {
    if constexpr (std::is_same_v<F, StringId>) {
      value = string(value);
    } else if constexpr (std::is_same_v<F, IntegerId>) {
      if (value.valid()) value = build_.integer(from_.integers[value.index]);
    } else if constexpr (AnyId<F>) {
      if (value.valid()) value.index = moved_[table_of(value)][value.index];
    } else if constexpr (AnyList<F>) {
      for (auto &element : value) field(element);
    } else if constexpr (AnyRecord<F>) {
      fields(value);
    }
  }
  void copy_scalars() {
    Plan &to = build_.plan;
    to.kind = from_.kind;
    to.name = string(from_.name);
    to.cluster = string(from_.cluster);
    to.from = string(from_.from);
    to.to = string(from_.to);
    to.compiler = string(from_.compiler);
    to.inventory_fingerprint = string(from_.inventory_fingerprint);
    to.limit = string(from_.limit);
    to.frame = from_.frame;
    field(to.frame);
    to.preflight = from_.preflight;
    to.body = from_.body;
    to.postflight = from_.postflight;
    field(to.preflight);
    field(to.body);
    field(to.postflight);
    to.on_abort = from_.on_abort;
    field(to.on_abort);
    to.tolerate = from_.tolerate;
    to.where = from_.where;
  }
  std::uint32_t immediate(Immediate kind, std::uint32_t value) {
    if (kind == Immediate::string) return string(StringId(value)).index;
    if (kind == Immediate::integer) return build_.integer(from_.integers[value]).index;
    const std::size_t table = pointed_at(kind);
    if (table == table_count || (kind == Immediate::role_or_all && value == all_roles)) return value;
    return moved_[table][value];
  }
  void nodes() {
    std::vector<NodeId> kids;
    for (std::size_t i = 0; i < from_.nodes.size(); ++i) {
      if (!marks_.marked(t_nodes, i)) continue;
      const Node &n = from_.nodes[i];
      const OpInfo &row = info(n.op);
      kids.clear();
      for (const NodeId kid : from_.kids(NodeId(i))) kids.push_back(NodeId(std::size_t{moved_[t_nodes][kid.index]}));
      build_.node(n.op, from_.spans[i], immediate(row.a, n.a), immediate(row.b, n.b), std::span<const NodeId>(kids));
    }
  }
  template <class Record>
  void whole(const std::vector<Record> &in, std::vector<Record> &out) {
    for (const Record &record : in) {
      out.push_back(record);
      fields(out.back());
    }
  }
  template <class IdType>
  void keep_reached(std::vector<IdType> &list) {
    std::erase_if(list, [&](IdType id) { return !marks_.marked(id); });
  }
  void weaken(State &state) {
    for (StateTaint &taint : state.taints) keep_reached(taint.gates);
    std::erase_if(state.taints, [](const StateTaint &taint) { return taint.gates.empty(); });
  }
  void weaken(Gate &gate) {
    std::erase_if(gate.watches, [&](const Watch &w) {
      return !marks_.marked(w.role) && !marks_.marked(w.hold) && !marks_.marked(w.state);
    });
    if (gate.watch_kind == WatchKind::written && gate.watches.empty()) gate.watch_kind = WatchKind::nothing;
    keep_reached(gate.clears);
  }
  void weaken(Hold &hold) { keep_reached(hold.taints); }
  template <class Record>
  void weaken(Record &) {}
  template <class Record>
  void reached(std::size_t table, const std::vector<Record> &in, std::vector<Record> &out) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!marks_.marked(table, i)) continue;
      Record record = in[i];
      weaken(record);
      fields(record);
      out.push_back(std::move(record));
    }
  }
  // ---- rules of modules: about the roles that the plan has
  void rule(Order order) {
    for (RoleGroup &group : order.groups) keep_reached(group.roles);
    std::erase_if(order.groups, [](const RoleGroup &group) { return group.roles.empty(); });
    if (order.groups.size() < 2) return;
    fields(order);
    build_.plan.orders.push_back(std::move(order));
  }
  void rule(Rank rank) {
    keep_reached(rank.roles);
    if (rank.roles.size() < 2) return;
    fields(rank);
    build_.plan.ranks.push_back(std::move(rank));
  }
  void rule(CommandRule command) {
    keep_reached(command.changes);
    keep_reached(command.disrupts);
    if (command.changes.empty() && command.disrupts.empty() && !command.changes_all && !command.disrupts_all &&
        !command.destroys)
      return;
    fields(command);
    build_.plan.commands.push_back(std::move(command));
  }

  const Plan &from_;
  const Marks &marks_;
  Builder build_;
  std::vector<std::uint32_t> moved_[table_count];
};

}  // namespace

Reach::Reach(const plan::Plan &plan) : plan_(&plan), marks_(std::make_unique<Marks>(plan)) {}
Reach::~Reach() = default;

bool Reach::node(plan::NodeId id) const { return id.valid() && marks_->marked(id); }
plan::Plan Reach::extract() const { return Copy<Marks>(*plan_, *marks_).run(); }

}  // namespace upg::lower
