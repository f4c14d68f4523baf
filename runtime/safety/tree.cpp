#include "runtime/safety/tree.h"

#include <algorithm>

namespace upg::safety {

Tree::Tree(Contracts &contracts) : contracts_(&contracts) {
  const plan::Plan &p = plan();
  Env env(p.frame.slots.size());
  const StepIx root = add(StepKind::sequence, p.body);
  parent_ = root;
  if (p.preflight.valid()) preflight_ = expand(p.preflight, env);
  if (p.body.valid()) body_ = expand(p.body, env);
  if (p.postflight.valid()) postflight_ = expand(p.postflight, env);
  Env own(p.frame.slots.size());
  if (p.on_abort.valid()) on_abort_ = expand(p.on_abort, own);
  close(root);
  find_point();
}

void Tree::find_point() {
  for (StepIx s = 0; s < steps_.size() && point_ == kNone; ++s) {
    if (steps_[s].kind != StepKind::no_return) continue;
    bool on_spine = on_abort_ == kNone || !below(s, on_abort_);  // an abort has no way back to be cut off
    for (StepIx x = steps_[s].parent; x != kNone; x = steps_[x].parent) on_spine = on_spine && spine(steps_[x].kind);
    if (on_spine) point_ = s;
  }
}

bool Tree::may_precede_point(StepIx s) const {
  if (on_abort_ != kNone && below(s, on_abort_)) return false;
  return point_ == kNone || relation(s, point_) != Relation::after;
}

StepIx Tree::resumed(StepIx s) const {
  for (StepIx x = s; x != kNone && steps_[x].parent != kNone; x = steps_[x].parent) {
    if (x == on_abort_) return x;
    const Step &parent = steps_[steps_[x].parent];
    if (parent.kind == StepKind::attempt && parent.children[0] != x) return x;
  }
  return kNone;
}

StepIx Tree::add(StepKind kind, plan::NodeId node) {
  if (steps_.size() >= kMaxSteps) complete_ = false;
  Step s;
  s.kind = kind;
  s.node = node;
  s.parent = parent_;
  s.region = region_;
  s.with = with_;
  s.accept = accept_;
  const auto ix = static_cast<StepIx>(steps_.size());
  s.end = ix + 1;
  if (kind == StepKind::with) withs_.push_back(ix);
  if (parent_ != kNone) {
    s.place = static_cast<std::uint32_t>(steps_[parent_].children.size());
    steps_[parent_].children.push_back(ix);
  }
  steps_.push_back(std::move(s));
  return ix;
}

void Tree::bind(Env &env, std::uint32_t slot, HostIx host) {
  if (env.size() <= slot) env.resize(slot + std::size_t{1});
  env[slot] = contracts_->of_host(host);
}

void Tree::add_act(StepIx s, plan::ActionId action, Env arguments) {
  const plan::Action &record = plan().actions[action.index];
  if (record.undo_kind == plan::UndoKind::action && record.undo.valid())
    steps_[s].undo = contracts_->contract(record.undo, arguments);
  steps_[s].contract = contracts_->contract(action, std::move(arguments));
}

StepIx Tree::expand(plan::NodeId node, Env &env) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Node n = p.node(node);
  StepKind kind = StepKind::sequence;
  switch (n.op) {
    case Op::block:
    case Op::visit:
    case Op::call:
      break;
    case Op::act:
      kind = StepKind::act;
      break;
    case Op::await:
      kind = StepKind::await;
      break;
    case Op::with:
      kind = StepKind::with;
      break;
    case Op::roll:
      kind = StepKind::sequence;
      break;  // its stages are rolls
    case Op::dag:
      kind = StepKind::dag;
      break;
    case Op::phase:
      kind = StepKind::phase;
      break;
    case Op::parallel:
      kind = StepKind::parallel;
      break;
    case Op::branch:
      kind = StepKind::branch;
      break;
    case Op::unless:
      kind = StepKind::unless;
      break;
    case Op::expect_value:
      kind = StepKind::expect;
      break;
    case Op::for_data:
      kind = StepKind::loop;
      break;
    case Op::at_most:
      kind = StepKind::at_most;
      break;
    case Op::no_return:
      kind = StepKind::no_return;
      break;
    case Op::accept:
      kind = StepKind::accept;
      break;
    case Op::attempt:
      if (p.node(p.kid(node, 0)).op != Op::block || p.node(p.kid(node, 0)).count != 0)
        kind = StepKind::attempt;  // in an empty block nothing fails
      break;
    case Op::confirm:
      kind = StepKind::pause;
      break;
    case Op::let: {
      if (env.size() <= n.a) env.resize(n.a + std::size_t{1});
      Value v = contracts_->value(p.kid(node, 0), env);
      env[n.a] = std::move(v);
      if (p.node(p.kid(node, 0)).op != Op::ask_person) return kNone;
      kind = StepKind::pause;  // a person answers
      break;
    }
    default:
      return kNone;  // expect_true: asked at run time, nothing is learned
  }
  const StepIx s = add(kind, node);
  if (!complete_ || depth_ >= kMaxDepth) {
    complete_ = false;
    return s;
  }
  ++depth_;
  const StepIx outer = parent_, outer_accept = accept_;
  parent_ = s;
  switch (n.op) {
    case Op::block:
    case Op::parallel:
    case Op::phase:
    case Op::at_most:
      for (const plan::NodeId kid : p.kids(node)) expand(kid, env);
      break;
    case Op::accept:
      accept_ = s;
      for (const plan::NodeId kid : p.kids(node)) expand(kid, env);
      break;
    case Op::branch:
      for (std::size_t i = 1; i < n.count; ++i) expand(p.kid(node, i), env);
      break;
    case Op::attempt:
      if (kind == StepKind::attempt) expand_attempt(s, node, env);
      break;
    case Op::visit:
      expand_visit(s, node, env);
      break;
    case Op::call: {
      const plan::Procedure &procedure = p.procedures[n.a];
      Env inner = contracts_->arguments(node, env);
      inner.resize(std::max(inner.size(), procedure.frame.slots.size()));
      expand(procedure.body, inner);
      break;
    }
    case Op::act:
      add_act(s, plan::ActionId(n.a), contracts_->arguments(node, env));
      break;
    case Op::await:
      steps_[s].gates = contracts_->gate_list(p.kid(node, 0), env);
      break;
    case Op::with:
      expand_with(s, node, env);
      break;
    case Op::roll:
      expand_roll(s, node, env);
      break;
    case Op::dag:
      expand_dag(s, node, env);
      break;
    case Op::unless:
    case Op::expect_value:
      expand_unless(s, node, env);
      break;
    case Op::for_data: {
      Value v = contracts_->fresh();
      if (env.size() <= n.a) env.resize(n.a + std::size_t{1});
      const Value list = contracts_->value(p.kid(node, 0), env);
      if (list.is_hosts) {
        v.is_hosts = true;
        v.exact = list.hosts.size() == 1;
        v.hosts = list.hosts;
      }
      env[n.a] = std::move(v);
      expand(p.kid(node, 2), env);
      break;
    }
    default:
      break;
  }
  parent_ = outer;
  accept_ = outer_accept;
  --depth_;
  close(s);
  return s;
}

void Tree::expand_with(StepIx s, plan::NodeId node, Env &env) {
  const plan::Plan &p = plan();
  const plan::NodeId reference = p.kid(node, 0);
  const HoldIx hold = contracts_->hold(reference, env);
  const plan::Hold &record = p.holds[p.node(reference).a];
  bool nested = false;  // counted: only the outermost acquires and releases
  for (StepIx w = with_; w != kNone; w = steps_[w].with) nested = nested || steps_[w].hold == hold;
  steps_[s].hold = hold;
  const auto boundary = [&](plan::ActionId action, bool acquire) {
    if (nested || !action.valid()) return;
    const StepIx a = add(StepKind::act, node);
    steps_[a].acquire = acquire;
    steps_[a].release = !acquire;
    steps_[a].hold = hold;
    add_act(a, action, contracts_->arguments(reference, env));
    close(a);
  };
  boundary(record.acquire, true);
  const StepIx outer = with_;
  with_ = s;
  expand(p.kid(node, 1), env);
  with_ = outer;
  boundary(record.release, false);
}

/// The block as it runs first, the recoveries, the block as it runs after one of them, `otherwise`.
void Tree::expand_attempt(StepIx s, plan::NodeId node, const Env &env) {
  const plan::Plan &p = plan();
  const auto part = [&](plan::NodeId body) {
    Env own = env;
    expand(body, own);
  };
  part(p.kid(node, 0));
  plan::NodeId otherwise;
  for (std::size_t i = 1; i < p.node(node).count; ++i) {
    const plan::NodeId kid = p.kid(node, i);
    if (p.node(kid).op != plan::Op::recover) {
      otherwise = kid;
      continue;
    }
    part(p.kid(kid, 1));
    ++steps_[s].recoveries;
  }
  part(p.kid(node, 0));
  if (otherwise.valid()) part(otherwise);
}

void Tree::expand_visit(StepIx s, plan::NodeId node, Env &env) {
  const plan::Plan &p = plan();
  const plan::Rollout &rollout = p.rollouts[p.node(node).a];
  for (const HostIx h : site().kept(rollout.hosts)) {
    const StepIx turn = add(StepKind::sequence, node);
    steps_[turn].host = h;
    parent_ = turn;
    bind(env, rollout.slot, h);
    expand(p.kid(node, 0), env);
    parent_ = s;
    close(turn);
    if (!complete_) return;
  }
}

void Tree::expand_roll(StepIx s, plan::NodeId node, Env &env) {
  const plan::Plan &p = plan();
  const plan::Rollout &rollout = p.rollouts[p.node(node).a];
  const std::vector<HostIx> hosts = site().kept(rollout.hosts);
  std::vector<bool> in_canary(site().size(), false);
  if (rollout.hosts.valid()) {
    const std::vector<plan::HostId> &all = p.sets[rollout.hosts.index].hosts;
    for (std::size_t i = 0; i < all.size() && i < rollout.canary; ++i) {
      if (const HostIx h = site().kept(all[i]); h != kNone) in_canary[h] = true;
    }
  }
  for (const bool canary : {true, false}) {
    StepIx stage = kNone;
    for (const HostIx h : hosts) {
      if (in_canary[h] != canary) continue;
      if (stage == kNone) {
        parent_ = s;
        stage = add(StepKind::roll, node);
        steps_[stage].batch = std::max(rollout.batch, 1u);
        steps_[stage].per_batch = rollout.per_batch;
        steps_[stage].last_stage = !canary;
      }
      parent_ = stage;
      const StepIx outer = region_;
      const StepIx turn = add(StepKind::iteration, node);
      steps_[turn].host = h;
      region_ = turn;
      parent_ = turn;
      bind(env, rollout.slot, h);
      expand(p.kid(node, 0), env);
      region_ = outer;
      close(turn);
      if (!complete_) break;
    }
    if (stage == kNone) continue;
    close(stage);
    // One at a time of the only group: one at a time.
    if (rollout.per.valid() && rollout.per_batch == 1) {
      const auto group = [&](StepIx turn) { return site().attribute(site().host(steps_[turn].host).id, rollout.per); };
      const std::vector<StepIx> &turns = steps_[stage].children;
      if (std::all_of(turns.begin(), turns.end(), [&](StepIx t) { return group(t) == group(turns[0]); }))
        steps_[stage].batch = 1;
    }
    if (canary && rollout.soak > 0) {
      parent_ = s;
      close(add(StepKind::pause, node));
    }
  }
  parent_ = s;
}

void Tree::expand_unless(StepIx s, plan::NodeId node, Env &env) {
  const plan::Plan &p = plan();
  const CellIx cell = contracts_->cell(p.kid(node, 0), env);
  steps_[s].cell = cell;
  steps_[s].values = value_bit(p.node(node).a);
  if (p.node(node).op == plan::Op::unless) expand(p.kid(node, 1), env);
}

StepIx Tree::meet(StepIx a, StepIx b) const {
  while (!below(b, a)) a = steps_[a].parent;
  return a;
}

StepIx Tree::child_towards(StepIx ancestor, StepIx s) const {
  const std::vector<StepIx> &children = steps_[ancestor].children;
  return *std::prev(std::upper_bound(children.begin(), children.end(), s));
}

bool Tree::concurrent_children(StepIx parent, StepIx a, StepIx b) const {
  const Step &p = steps_[parent];
  switch (p.kind) {
    case StepKind::parallel:
      return a != b;
    case StepKind::roll:
      return a != b && p.batch > 1;
    case StepKind::dag:
      return phases(parent).concurrent(ordinal(a), ordinal(b));
    default:
      return false;
  }
}

Tree::Relation Tree::relation(StepIx a, StepIx b) const {
  if (a == b) return Relation::same;
  const StepIx m = meet(a, b);
  if (m == a || m == b) return Relation::nested;
  if (m == 0 && on_abort_ != kNone) {  // an abort begins before the point of no return: what comes behind it never has
    const StepIx other = below(a, on_abort_) ? b : below(b, on_abort_) ? a : kNone;
    if (other != kNone && !may_precede_point(other)) return Relation::exclusive;
  }
  const StepIx x = child_towards(m, a), y = child_towards(m, b);
  switch (steps_[m].kind) {
    case StepKind::branch:
      return Relation::exclusive;
    case StepKind::parallel:
      return Relation::concurrent;
    case StepKind::roll:
    case StepKind::dag:
      if (concurrent_children(m, x, y)) return Relation::concurrent;
      if (steps_[m].kind == StepKind::dag)
        return phases(m).before[ordinal(y)].test(ordinal(x)) ? Relation::before : Relation::after;
      break;
    default:
      break;
  }
  return x < y ? Relation::before : Relation::after;
}

bool Tree::inside(StepIx s, HoldIx hold) const {
  for (StepIx w = steps_[s].with; w != kNone; w = steps_[w].with) {
    if (steps_[w].hold == hold) return true;
  }
  return false;
}

std::span<const StepIx> Tree::withs_in(StepIx from, StepIx to) const {
  const auto first = std::lower_bound(withs_.begin(), withs_.end(), from);
  return {first, std::lower_bound(first, withs_.end(), to)};
}

std::vector<StepIx> Tree::left_held(StepIx s) const {
  std::vector<StepIx> out;
  for (StepIx x = s; x != kNone && steps_[x].parent != kNone; x = steps_[x].parent) {
    const Step &parent = steps_[steps_[x].parent];
    if (parent.kind != StepKind::attempt || parent.children[0] == x) continue;
    const bool again = ordinal(x) == parent.recoveries + 1;
    for (const StepIx w : withs_in(parent.children[0], steps_[parent.children[0]].end)) {
      if (!(again && left_before(x, s, steps_[w].hold))) out.push_back(w);
    }
  }
  return out;
}

bool Tree::left_before(StepIx part, StepIx s, HoldIx hold) const {
  for (const StepIx w : withs_in(part, s)) {
    if (steps_[w].hold != hold || steps_[w].end > s) continue;
    if (relation(w, s) != Relation::before) continue;
    const StepIx m = meet(w, s);
    StepIx x = steps_[w].parent;
    while (x != m &&
           (spine(steps_[x].kind) || steps_[x].kind == StepKind::roll || steps_[x].kind == StepKind::iteration))
      x = steps_[x].parent;
    if (x == m) return true;
  }
  return false;
}

bool Tree::is_pause(StepIx s) const {
  const Step &step = steps_[s];
  if (step.kind == StepKind::pause) return true;
  return step.kind == StepKind::act && plan().actions[contract(step).action.index].operator_text.valid();
}

}  // namespace upg::safety
