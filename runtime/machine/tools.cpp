#include "runtime/machine/tools.h"

#include <map>
#include <vector>

#include "runtime/plan/opcodes.h"

namespace upg::machine {
namespace {

using plan::HostId;
using plan::NodeId;
using plan::Op;
using Hosts = std::vector<HostId>;
using Slots = std::map<std::uint32_t, Hosts>;

class Collector {
 public:
  explicit Collector(const plan::Plan &plan) : plan_(plan) {}

  void statements(NodeId id, Slots slots) {
    if (!id.valid()) return;
    const plan::Node &n = plan_.node(id);
    switch (n.op) {
      case Op::roll:
      case Op::visit: {
        const plan::Rollout &rollout = plan_.rollouts[n.a];
        slots[rollout.slot] = plan_.sets[rollout.hosts.index].hosts;
        break;
      }
      case Op::act:
        action(plan_.actions[n.a], arguments(id, slots));
        return;
      case Op::call:
        statements(plan_.procedures[n.a].body, arguments(id, slots));
        return;
      case Op::with: {
        NodeId held = plan_.kid(id, 0);
        const plan::Hold &hold = plan_.holds[plan_.node(held).a];
        Slots inner = arguments(held, slots);
        if (hold.acquire.valid()) action(plan_.actions[hold.acquire.index], inner);
        if (hold.release.valid()) action(plan_.actions[hold.release.index], inner);
        break;
      }
      default:
        break;
    }
    for (NodeId k : plan_.kids(id)) {
      auto category = plan::info(plan_.node(k).op).category;
      if (category == plan::Category::stmt || category == plan::Category::block) statements(k, slots);
    }
  }

  std::set<std::pair<std::uint32_t, std::string>> found;
  std::set<std::uint32_t> destroyed;
  bool destroys_unknown = false;  // a host that is known at run time only

 private:
  Slots arguments(NodeId call, const Slots &slots) const {
    Slots inner;
    std::uint32_t i = 0;
    for (NodeId k : plan_.kids(call)) inner[i++] = hosts(k, slots);
    return inner;
  }

  Hosts hosts(NodeId id, const Slots &slots) const {
    const plan::Node &n = plan_.node(id);
    if (n.op == Op::host) return {HostId(n.a)};
    if (n.op == Op::set || n.op == Op::set_live) return plan_.sets[n.a].hosts;
    if (n.op == Op::any_of) return hosts(plan_.kid(id, 0), slots);
    if (n.op == Op::local)
      if (auto it = slots.find(n.a); it != slots.end()) return it->second;
    return {};
  }

  void action(const plan::Action &action, const Slots &slots) {
    for (NodeId e : action.effects) {
      Op op = plan_.node(e).op;
      if (op != Op::reinstalls && op != Op::destroys) continue;
      Hosts whom;
      if (op == Op::reinstalls) {
        whom = hosts(plan_.kid(e, 0), slots);
      } else {
        for (std::uint32_t i = 0; i < action.frame.parameters.size(); ++i)
          if (auto it = slots.find(i); it != slots.end()) whom.insert(whom.end(), it->second.begin(), it->second.end());
      }
      for (HostId h : whom) destroyed.insert(h.index);
      destroys_unknown = destroys_unknown || (whom.empty() && op == Op::reinstalls);
    }
    if (action.body.valid()) commands(action.body, slots);
  }

  void commands(NodeId id, const Slots &slots) {
    const plan::Node &n = plan_.node(id);
    if (n.op == Op::run) {
      Hosts where;
      std::string program;
      for (NodeId k : plan_.kids(id)) {
        auto category = plan::info(plan_.node(k).op).category;
        if (category == plan::Category::target && plan_.node(k).op != Op::on_local)
          where = hosts(plan_.kid(k, 0), slots);
        if (category == plan::Category::expr) {
          if (plan_.node(k).op == Op::text) program = plan_.text(plan::StringId(plan_.node(k).a));
          break;
        }
      }
      for (HostId h : where)
        if (!program.empty() && !plan_.hosts[h.index].out_reason.valid()) found.emplace(h.index, program);
    }
    for (NodeId k : plan_.kids(id)) commands(k, slots);
  }

  const plan::Plan &plan_;
};

}  // namespace

std::optional<std::set<std::uint32_t>> destroyed_hosts(const plan::Plan &plan) {
  Collector collector(plan);
  collector.statements(plan.body, {});
  if (collector.destroys_unknown) return std::nullopt;
  return std::move(collector.destroyed);
}

std::set<std::pair<std::uint32_t, std::string>> needed_tools(const plan::Plan &plan) {
  Collector collector(plan);
  collector.statements(plan.body, {});
  return std::move(collector.found);
}

}  // namespace upg::machine
