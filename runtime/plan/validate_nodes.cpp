#include "runtime/plan/validator.h"
#include "runtime/plan/visit.h"

namespace upg::plan::checks {
namespace {

constexpr Category category_of(char letter) {
  switch (letter) {
    case 'e':
      return Category::expr;
    case 't':
      return Category::target;
    case 'o':
      return Category::option;
    case 'g':
      return Category::gate;
    case 'd':
      return Category::held;
    case 'c':
      return Category::cell;
    case 'n':
      return Category::need;
    case 'f':
      return Category::effect;
    case 's':
      return Category::stmt;
    default:
      return Category::block;
  }
}

/// Greedy, left to right: what the row's letters ask for.
bool children_fit(const Plan &plan, NodeId id, std::string_view letters) {
  const auto kids = plan.kids(id);
  std::size_t k = 0;
  const auto next_is = [&](Category c) { return k < kids.size() && info(plan.node(kids[k]).op).category == c; };
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const Category wanted = category_of(letters[i]);
    const char times = i + 1 < letters.size() ? letters[i + 1] : ' ';
    if (times == '*') {
      while (next_is(wanted)) ++k;
      ++i;
    } else if (times == '?') {
      if (next_is(wanted)) ++k;
      ++i;
    } else {
      if (!next_is(wanted)) return false;
      ++k;
    }
  }
  return k == kids.size();
}

bool immediate_fits(const Plan &plan, Immediate kind, std::uint32_t value) {
  switch (kind) {
    case Immediate::unused:
      return value == 0;
    case Immediate::string:
      return value < plan.strings.size();
    case Immediate::integer:
      return value < plan.integers.size();
    case Immediate::flag:
      return value <= 1;
    case Immediate::host:
      return value < plan.hosts.size();
    case Immediate::set:
      return value < plan.sets.size();
    case Immediate::role_or_all:
      return value == all_roles || value < plan.roles.size();
    case Immediate::role:
      return value < plan.roles.size();
    case Immediate::state:
      return value < plan.states.size();
    case Immediate::probe:
      return value < plan.probes.size();
    case Immediate::gate:
      return value < plan.gates.size();
    case Immediate::action:
      return value < plan.actions.size();
    case Immediate::hold:
      return value < plan.holds.size();
    case Immediate::procedure:
      return value < plan.procedures.size();
    case Immediate::rollout:
      return value < plan.rollouts.size();
    case Immediate::phase:
      return value < plan.phases.size();
    case Immediate::waiver:
      return value < plan.waivers.size();
    case Immediate::secret:
      return value < plan.secrets.size();
    case Immediate::builtin:
      return value < static_cast<std::uint32_t>(Builtin::count_);
    case Immediate::slot:   // judged where the frame is known
    case Immediate::value:  // judged where the state is known
    case Immediate::count:
      return true;
    case Immediate::count_:
      return false;
  }
  return false;
}

}  // namespace

bool check_nodes(const Plan &plan, Report &report) {
  if (plan.nodes.size() > Limits::nodes) {
    return report.fail(NodeId(), "the plan has {} nodes, at most {} are allowed", plan.nodes.size(), Limits::nodes);
  }
  std::vector<std::uint16_t> depth(plan.nodes.size(), 1);
  std::size_t next = 0;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const Node &node = plan.nodes[i];
    const NodeId id(i);
    if (node.op >= Op::count_) return report.fail(id, "node {}: its opcode is out of range", i);
    const OpInfo &row = info(node.op);
    if (node.first != next || node.count > plan.children.size() - next) {
      return report.fail(id, "{}: its children do not follow those of the node before it", report.name(id));
    }
    next += node.count;
    for (const NodeId kid : plan.kids(id)) {
      if (kid.index >= i) return report.fail(id, "{}: a child does not stand before it", report.name(id));
      const auto below = static_cast<std::uint16_t>(depth[kid.index] + 1);
      if (below > depth[i]) depth[i] = below;
    }
    if (depth[i] > Limits::depth)
      return report.fail(id, "{}: nested more than {} deep", report.name(id), Limits::depth);
    if (!immediate_fits(plan, row.a, node.a)) {
      return report.fail(id, "{}: its {} is out of range", report.name(id), name_of(row.a));
    }
    if (!immediate_fits(plan, row.b, node.b)) {
      return report.fail(id, "{}: its {} is out of range", report.name(id), name_of(row.b));
    }
    if (!children_fit(plan, id, row.children)) {
      return report.fail(id, "{}: its children are not what `{}` takes", report.name(id), row.name);
    }
  }
  if (next != plan.children.size()) return report.fail(NodeId(), "the list of children is longer than the nodes need");
  return true;
}

}  // namespace upg::plan::checks
