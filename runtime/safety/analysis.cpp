#include "runtime/safety/analysis.h"

namespace upg::safety {

Analysis::Analysis(const plan::Plan &p, std::int64_t today_, diagnostics::Sink &sink, Telling telling_)
    : plan(p),
      today(today_),
      telling(telling_),
      site(p),
      contracts(site),
      tree(contracts),
      flow(tree),
      knowledge(tree),
      sink_(sink) {}

const std::vector<StepIx> &Analysis::openers(RoleIx role, bool changing) const {
  std::vector<std::vector<StepIx>> &of_role = openers_[changing ? 1 : 0];
  if (of_role.empty()) {
    of_role.resize(site.role_count());
    const auto add = [&](const std::vector<PairIx> &pairs, StepIx s) {
      for (const PairIx p : pairs) {
        std::vector<StepIx> &steps = of_role[site.pair_role(p)];
        if (steps.empty() || steps.back() != s) steps.push_back(s);
      }
    };
    for (StepIx s = 0; s < tree.size(); ++s) {
      if (tree[s].kind != StepKind::act) continue;
      add(tree.contract(tree[s]).disrupts, s);
      if (changing) add(tree.contract(tree[s]).changes, s);
    }
  }
  return of_role[role];
}

StepIx Analysis::opener_beside(StepIx s, RoleIx role, bool changing) const {
  const std::vector<StepIx> &steps = openers(role, changing);
  for (StepIx x = s; tree[x].parent != kNone; x = tree[x].parent) {
    const StepIx found = tree.first_beside(tree[x].parent, x, [&](StepIx from, StepIx to) {
      const auto at = std::lower_bound(steps.begin(), steps.end(), from);
      return at == steps.end() || *at >= to ? kNone : *at;
    });
    if (found != kNone) return found;
  }
  return kNone;
}

diagnostics::Range Analysis::range(StepIx s) const {
  const Step &step = tree[s];
  if (!step.node.valid()) return {};
  if (step.kind == StepKind::with || step.acquire) return range(plan.kid(step.node, 0));
  diagnostics::Range out = range(step.node);
  if (step.release && out.begin < out.end) out.begin = out.end - 1;
  return out;
}

bool Analysis::first(diagnostics::Kind kind, plan::NodeId place, std::uint64_t what) {
  return seen_.emplace(kind, place.index, what).second;
}

bool Analysis::about(StepIx accept, std::string_view rule, plan::RoleId role, plan::HoldId hold) const {
  const plan::Waiver &w = plan.waivers[plan.node(tree[accept].node).a];
  const std::string_view named = plan.text(w.rule);
  const bool outage =
      named == "outage" && (rule == "available" || rule == "serial" || rule == "stoppable" || rule == "scope");
  if (named != rule && !outage) return false;
  if (w.role.valid() && w.role != role) return false;
  if (outage && !w.role.valid()) return false;
  return !w.hold.valid() || w.hold == hold;
}

bool Analysis::lifted(std::string_view rule, StepIx s, plan::RoleId role, plan::HoldId hold) {
  // What taking or giving back a hold breaks can be accepted by the name of the hold.
  if (!hold.valid() && tree[s].kind == StepKind::act) hold = tree.contract(tree[s]).hold;
  for (StepIx x = tree[s].accept; x != kNone; x = tree[x].accept) {
    if (!about(x, rule, role, hold)) continue;
    use(x);
    return true;
  }
  return false;
}

StepIx Analysis::lifting(std::string_view rule, StepIx s, plan::RoleId role) const {
  const plan::HoldId hold = tree[s].kind == StepKind::act ? tree.contract(tree[s]).hold : plan::HoldId();
  StepIx x = tree[s].accept;
  while (x != kNone && !about(x, rule, role, hold)) x = tree[x].accept;
  return x;
}

std::vector<StepIx> Analysis::overlaps(StepIx x, StepIx y) const {
  std::vector<StepIx> out;
  const StepIx meet = tree.meet(x, y);
  for (StepIx s = meet; s != kNone; s = tree[s].parent) {
    const Step &step = tree[s];
    const bool wide = step.kind == StepKind::parallel || step.kind == StepKind::dag;
    if ((wide && s == meet && x != y) || (step.kind == StepKind::roll && step.batch > 1)) out.push_back(s);
  }
  return out;
}

void Analysis::clash(StepIx x, StepIx y) {
  clashes_.insert(pair_of(x, y));
  for (const StepIx s : overlaps(x, y)) clashing_.insert(s);
}

bool Analysis::clashed(StepIx x, StepIx y) const {
  if (telling == Telling::every) return false;
  if (clashes_.contains(pair_of(x, y))) return true;
  const std::vector<StepIx> all = overlaps(x, y);
  return std::any_of(all.begin(), all.end(), [&](StepIx s) { return clashing_.contains(s); });
}

std::string Analysis::who(StepIx s) const {
  const Step &step = tree[s];
  if (step.kind == StepKind::act) {
    const Contract &c = tree.contract(step);
    if (!c.subjects.empty()) return contracts.host_list(c.subjects);
  }
  if (step.kind == StepKind::await) {
    const plan::Op op = plan.node(plan.kid(step.node, 0)).op;
    if (op == plan::Op::in_service || op == plan::Op::stoppable) {
      std::vector<HostIx> hosts;
      for (const GateIx g : tree.gates(step))
        hosts.insert(hosts.end(), contracts.gate(g).hosts.begin(), contracts.gate(g).hosts.end());
      sort_unique(hosts);
      if (!hosts.empty()) return contracts.host_list(hosts);
    }
  }
  if (step.kind == StepKind::iteration || (step.kind == StepKind::sequence && step.host != kNone)) {
    return std::string(site.host_name(step.host));
  }
  return step.region != 0 ? std::string(site.host_name(tree[step.region].host)) : std::string();
}

std::string Analysis::what(StepIx s) const {
  const Step &step = tree[s];
  switch (step.kind) {
    case StepKind::act:
      if (step.acquire) return "takes hold " + contracts.hold_text(step.hold);
      if (step.release) return "gives hold " + contracts.hold_text(step.hold) + " back";
      return "starts " + contracts.action_text(tree.contract(step));
    case StepKind::await: {
      std::string out = "passes ";
      const std::vector<GateIx> &gates = tree.gates(step);
      const plan::Op op = plan.node(plan.kid(step.node, 0)).op;
      if (op == plan::Op::in_service) return "is in service again";
      if (op == plan::Op::stoppable) return "passes stoppable";
      for (std::size_t i = 0; i < gates.size(); ++i) out += (i == 0 ? "" : ", ") + contracts.gate_text(gates[i]);
      return out;
    }
    case StepKind::iteration:
      return "ends its turn";
    case StepKind::pause:
      return "waits for a person";
    case StepKind::phase:
      return "ends phase " + std::string(plan.text(plan.phases[plan.node(step.node).a].name));
    default:
      return "goes on";
  }
}

std::string_view Analysis::when(StepIx s) const {
  const StepIx resumed = tree.resumed(s);
  if (resumed == kNone) return "";
  return resumed == tree.on_abort() ? "in the abort, " : "after a failure, ";
}

std::string Analysis::named(StepIx s) const {
  const Step &step = tree[s];
  if (step.kind != StepKind::act) return '`' + what(s) + '`';
  const Contract &c = tree.contract(step);
  if (step.acquire || step.release)
    return std::string(step.acquire ? "taking" : "giving back") + " hold `" + contracts.hold_text(step.hold) + '`';
  std::string out = '`' + contracts.action_text(c) + '`';
  if (!c.subjects.empty()) out += " on " + contracts.host_list(c.subjects);
  return out;
}

/// The host that a slot of the body around `s` is bound to, or kNone.
HostIx Analysis::host_in(StepIx s, std::uint32_t slot) const {
  for (StepIx x = tree[s].parent; x != kNone; x = tree[x].parent) {
    const Step &step = tree[x];
    if (step.host != kNone && plan.rollouts[plan.node(step.node).a].slot == slot) return step.host;
    if (!is_call(x)) continue;
    if (slot >= plan.node(step.node).count) return kNone;
    const plan::Node &argument = plan.node(plan.kid(step.node, slot));
    if (argument.op == plan::Op::host) return site.kept(plan::HostId(argument.a));
    return argument.op == plan::Op::local ? host_in(x, argument.a) : kNone;
  }
  return kNone;
}

bool Analysis::is_call(StepIx s) const {
  return tree[s].kind == StepKind::sequence && tree[s].node.valid() && plan.node(tree[s].node).op == plan::Op::call;
}

std::string Analysis::spelled(StepIx s, HostIx h) const {
  const plan::Frame *frame = &plan.frame;
  StepIx call = kNone;
  for (StepIx x = s; x != kNone && call == kNone; x = tree[x].parent) {
    if (is_call(x)) call = x;
  }
  if (call != kNone) frame = &plan.procedures[plan.node(tree[call].node).a].frame;
  for (std::uint32_t slot = 0; slot < frame->slots.size(); ++slot) {
    if (host_in(s, slot) == h) return std::string(plan.text(frame->slots[slot]));
  }
  return std::string(site.host_name(h));
}

std::string Analysis::pair_text(PairIx p) const {
  return '`' + std::string(site.role_name(site.pair_role(p))) + "` of " +
         std::string(site.host_name(site.pair_host(p)));
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return std::to_string(n) + ' ' + std::string(noun) + (n == 1 ? "" : "s");
}

std::string duration_text(std::int64_t ms) {
  if (ms < 0) return "-" + duration_text(-ms);
  if (ms < 1000) return std::to_string(ms) + "ms";
  const std::int64_t s = ms / 1000;
  std::string out;
  if (s >= 3600) out += std::to_string(s / 3600) + 'h';
  if (s % 3600 >= 60) out += std::to_string(s % 3600 / 60) + 'm';
  if (s % 60 != 0 || out.empty()) out += std::to_string(s % 60) + 's';
  return out;
}

}  // namespace upg::safety
