// Whom a gate asks, as far as the plan says.
#include <algorithm>

#include "runtime/plan/opcodes.h"
#include "runtime/simulate/contract.h"

namespace upg::simulate {
using machine::Environment;
using plan::NodeId;
using plan::Op;

namespace {
constexpr int kDepth = 200;
}

const Asked &Reader::asked(const Gate &gate) {
  const auto [at, fresh] = asked_.try_emplace(gate.key);
  if (!fresh) return at->second;
  const plan::Gate &record = plan_->gates[gate.gate.index];
  Environment environment;
  environment.slots = gate.arguments;
  environment.slots.resize(std::max(environment.slots.size(), record.frame.slots.size()));
  find_asked(record.pass, environment, at->second, 0);
  if (record.fail.valid()) find_asked(record.fail, environment, at->second, 0);
  return at->second;
}

void Reader::find_asked(NodeId node, const Environment &environment, Asked &out, int depth) const {
  if (depth > kDepth) return;
  const plan::Node &n = plan_->node(node);
  const auto inside = [&](NodeId body, const plan::Frame &frame) {
    Environment inner;
    inner.slots = values_of(node, environment);
    inner.slots.resize(std::max(inner.slots.size(), frame.slots.size()));
    find_asked(body, inner, out, depth + 1);
  };
  switch (n.op) {
    case Op::on_host:
    case Op::on_each:
      for (const HostIndex h : hosts(value(plan_->kid(node, 0), environment)))
        if (!this->out(h)) out.all.insert(h);
      break;
    case Op::on_any: {
      std::set<HostIndex> any;
      for (const HostIndex h : hosts(value(plan_->kid(node, 0), environment)))
        if (!this->out(h)) any.insert(h);
      if (!any.empty()) out.any.push_back(std::move(any));
      return;
    }
    case Op::ask_probe:
      inside(plan_->probes[n.a].body, plan_->probes[n.a].frame);
      return;
    case Op::cell:
      if (plan_->states[n.a].observe.valid()) inside(plan_->states[n.a].observe, plan_->states[n.a].frame);
      return;
    case Op::builtin:
      if (static_cast<plan::Builtin>(n.a) == plan::Builtin::answers) return;  // no answer is an answer
      break;
    default:
      break;
  }
  for (const NodeId kid : plan_->kids(node)) find_asked(kid, environment, out, depth + 1);
}

}  // namespace upg::simulate
