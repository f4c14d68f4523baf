#include "compiler/lower/questions.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::lower {
namespace {

using sema::SymbolKind;

/// Whether the tree under `root` reads the slot.
bool reads_slot(const plan::Plan &plan, NodeId root, std::uint32_t slot) {
  std::vector<NodeId> open{root};
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (!id.valid()) continue;
    const plan::Node &node = plan.node(id);
    if (node.op == Op::local && node.a == slot) return true;
    for (const NodeId kid : plan.kids(id)) open.push_back(kid);
  }
  return false;
}

bool may_be_text(const Type &type) {
  switch (type.base) {
    case Base::string:
    case Base::cell:
    case Base::json:
    case Base::any:
    case Base::boolean:
    case Base::poison:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Questions::all() {
  for (std::size_t i = 0; i < context_->program.states.size(); ++i) state(i);
  for (std::size_t i = 0; i < context_->program.host_sets.size(); ++i) host_set(i);
  for (std::size_t i = 0; i < context_->program.probes.size(); ++i) probe(i);
  for (std::size_t i = 0; i < context_->program.gates.size(); ++i) gate(i);
}

void Questions::state(std::size_t index) {
  const sema::State &declared = context_->program.states[index];
  const ast::StateDecl &written = *declared.ast;
  Body body = context_->enter(Place::observe, declared.symbol.module, declared.parameters);
  body.asking = true;
  const Typed observed = expressions_->value(*written.observe, body);
  if (!may_be_text(observed.type)) {
    context_->error(Kind::type_expected, written.observe->range,
                    fmt::format("`observe` gives the name of a value, found {}", context_->article(observed.type)));
  }
  context_->leave(body, 0);
  plan::State state;
  state.name = context_->string(declared.symbol.name);
  state.doc = context_->doc(declared.symbol.doc);
  state.frame = std::move(body.frame);
  for (const ast::StateValue &value : written.values)
    state.values.push_back({context_->string(value.name.text), value.transient});
  state.observe = observed.node;
  state.on_boot = declared.on_boot;
  for (const sema::StateTaint &taint : declared.taints) {
    plan::StateTaint lowered;
    lowered.values = taint.values;
    for (const sema::GateId gate : taint.gates) lowered.gates.push_back(plan_id(gate));
    state.taints.push_back(std::move(lowered));
  }
  state.where = context_->span(declared.symbol.range);
  context_->build.plan.states[index] = std::move(state);
}

void Questions::host_set(std::size_t index) {
  const sema::HostSet &declared = context_->program.host_sets[index];
  plan::HostSet &set = context_->build.plan.sets[context_->program.roles.size() + index];
  set.name = context_->string(declared.symbol.name);
  set.where = context_->span(declared.symbol.range);
  for (const sema::HostId host : declared.hosts) set.hosts.push_back(plan_id(host));
  if (!declared.dynamic || declared.poisoned) return;
  const ast::Binder *binder = declared.ast->value.binder();
  if (binder == nullptr || binder->where == nullptr) return;
  Body body;
  body.place = Place::host_set;
  body.module = declared.symbol.module;
  body.asking = true;
  const auto among = std::make_shared<const std::vector<sema::HostId>>(declared.hosts);
  context_->bind(body, LocalName::Kind::binder, binder->variable, declared.type.element_type(), among);
  const NodeId condition = expressions_->condition(*binder->where, body, "the condition behind `where`");
  context_->leave(body, 0);
  plan::HostSet &again = context_->build.plan.sets[context_->program.roles.size() + index];  // sets may have grown
  again.condition = condition;
  again.frame = std::move(body.frame);
}

// ---- probes

void Questions::probe(std::size_t index) {
  const sema::Probe &declared = context_->program.probes[index];
  const ast::ProbeDecl &written = *declared.ast;
  Body body = context_->enter(Place::probe, declared.symbol.module, declared.parameters);
  body.asking = true;
  const Range end{written.body.range.file, written.body.range.end > 0 ? written.body.range.end - 1 : 0,
                  written.body.range.end};
  copies_ = 0;
  const NodeId node = answer(written.body.statements, nullptr, end, body, declared);
  context_->leave(body, 0);
  plan::Probe probe;
  probe.name = context_->string(declared.symbol.name);
  probe.doc = context_->doc(declared.symbol.doc);
  probe.frame = std::move(body.frame);
  probe.result = context_->type(declared.result);
  probe.body = node;
  probe.where = context_->span(declared.symbol.range);
  context_->build.plan.probes[index] = std::move(probe);
}

NodeId Questions::answer(std::span<const ast::ProbeStatement> statements, Rest *rest, Range end, Body &body,
                         const sema::Probe &probe) {
  if (statements.empty()) {
    if (rest == nullptr && !context_->complete(body.module)) return {};
    if (rest == nullptr) {
      context_
          ->error(Kind::missing_return, end,
                  fmt::format("probe `{}` can end here without an answer", probe.symbol.name))
          .help("every path ends with `return VALUE`");
      return {};
    }
    // A node has one parent: what several branches go on with is lowered again for each, within reason.
    if (rest->taken && ++copies_ > max_copies) {
      if (copies_ == max_copies + 1) {
        context_->error(Kind::missing_return, end, "too many branches go on behind their `if`")
            .help("return in the branches, or give a part a name: a probe of its own");
      }
      return {};
    }
    rest->taken = true;
    return answer(rest->statements, rest->next, end, body, probe);
  }
  const ast::ProbeStatement &first = statements.front();
  const auto others = statements.subspan(1);
  if (const auto *let = first.as<ast::Let>()) {
    const Typed value = expressions_->value(*let->value, body);
    const std::size_t outer = body.locals.size();
    const std::uint32_t slot = context_->bind(body, LocalName::Kind::let, let->name, value.type, value.among);
    const NodeId then = answer(others, rest, end, body, probe);
    context_->leave(body, outer);
    return context_->node(Op::bind, first.range, slot, 0, {value.node, then});
  }
  if (const auto *returned = first.as<ast::ReturnStatement>()) {
    if (!others.empty()) {
      context_->error(Kind::unreachable_statement, others.front().range, "nothing gets here: the probe has returned")
          .label(first.range, "by this");
    }
    const std::string what = fmt::format("what probe `{}` returns", probe.symbol.name);
    return expressions_->value_as(*returned->value, body, probe.result, what).node;
  }
  Rest behind{others, rest, false};
  const auto &branch = *first.as<ast::ProbeIf>();
  const NodeId node = branches(branch, 0, first.range, &behind, end, body, probe);
  if (!behind.taken && !others.empty()) {
    context_->error(Kind::unreachable_statement, others.front().range,
                    "nothing gets here: every branch before it returns");
  }
  return node;
}

NodeId Questions::branches(const ast::ProbeIf &statement, std::size_t branch, Range whole, Rest *rest, Range end,
                           Body &body, const sema::Probe &probe) {
  const auto closing = [](Range block) {
    return Range{block.file, block.end > block.begin ? block.end - 1 : block.begin, block.end};
  };
  if (branch == statement.branches.size()) {
    if (statement.otherwise)
      return answer(statement.otherwise->statements, rest, closing(statement.otherwise->range), body, probe);
    return answer({}, rest, end, body, probe);
  }
  const ast::ProbeIfBranch &one = statement.branches[branch];
  const NodeId condition = expressions_->condition(*one.condition, body, "the condition of `if`");
  const NodeId yes = answer(one.body.statements, rest, closing(one.body.range), body, probe);
  const NodeId no = branches(statement, branch + 1, whole, rest, end, body, probe);
  return context_->node(Op::choose, whole, {condition, yes, no});
}

// ---- gates

void Questions::gate(std::size_t index) {
  const sema::Gate &declared = context_->program.gates[index];
  const ast::GateDecl &written = *declared.ast;
  Body body = context_->enter(Place::gate, declared.symbol.module, declared.parameters);
  body.asking = true;
  plan::Gate gate;
  gate.name = context_->string(declared.symbol.name);
  gate.doc = context_->doc(declared.symbol.doc);
  gate.where = context_->span(declared.symbol.range);

  // All lets, so that each is checked once; a condition then gets those that it reads.
  struct Lowered {
    const ast::Let *let;
    Range range;
    std::uint32_t slot;
    NodeId value;
  };
  const std::size_t parameters = body.locals.size();
  std::vector<Lowered> lets;
  for (const ast::GateItem &item : written.items) {
    const auto *let = item.as<ast::Let>();
    if (let == nullptr) continue;
    const Typed value = expressions_->value(*let->value, body);
    const std::uint32_t slot = context_->bind(body, LocalName::Kind::let, let->name, value.type, value.among);
    lets.push_back({let, item.range, slot, value.node});
  }
  bool first_condition = true;
  const auto joined = [&](bool pass) {
    NodeId whole;
    for (const ast::GateItem &item : written.items) {
      const ast::Expr *when = nullptr;
      if (const auto *p = item.as<ast::PassWhen>(); p != nullptr && pass) when = p->condition.get();
      if (const auto *f = item.as<ast::FailWhen>(); f != nullptr && !pass) when = f->condition.get();
      if (when == nullptr) continue;
      const NodeId one =
          expressions_->condition(*when, body, pass ? "the condition of `pass when`" : "the condition of `fail when`");
      whole = whole.valid() ? context_->node(Op::either, item.range, {whole, one}) : one;
    }
    if (!whole.valid()) return whole;
    for (auto let = lets.rbegin(); let != lets.rend(); ++let) {
      if (!reads_slot(context_->build.plan, whole, let->slot)) continue;
      NodeId value = let->value;
      std::uint32_t slot = let->slot;
      if (!first_condition) {  // nodes have one parent: ask it again for the second condition
        const diagnostics::Sink before = context_->sink;
        value = expressions_->value(*let->let->value, body).node;
        context_->sink = before;
      }
      whole = context_->node(Op::bind, let->range, slot, 0, {value, whole});
    }
    return whole;
  };
  gate.pass = joined(true);
  first_condition = false;
  const bool fails = std::any_of(written.items.begin(), written.items.end(),
                                 [](const ast::GateItem &i) { return i.as<ast::FailWhen>() != nullptr; });
  if (fails) gate.fail = joined(false);
  context_->leave(body, parameters);

  polling(written, declared, gate, body);
  for (const ast::GateItem &item : written.items) {
    if (const auto *w = item.as<ast::Watches>()) watches(*w, gate, body);
    if (const auto *c = item.as<ast::Clears>()) clears(*c, declared, gate, body);
  }
  if (gate.watch_kind == plan::WatchKind::written && gate.watches.empty()) gate.watch_kind = plan::WatchKind::nothing;
  const bool passes = std::any_of(written.items.begin(), written.items.end(),
                                  [](const ast::GateItem &i) { return i.as<ast::PassWhen>() != nullptr; });
  if (!passes && context_->complete(declared.symbol.module)) {
    context_
        ->error(Kind::missing_clause, declared.symbol.range,
                fmt::format("gate `{}` has no `pass when`", declared.symbol.name))
        .note("a gate without a condition would be unknown for ever");
  }
  if (is_of_role(sema::GateId(index))) {  // its parameter is what the role asks for, needed or not
    for (LocalName &parameter : body.locals) parameter.used = true;
  }
  context_->leave(body, 0);
  gate.frame = std::move(body.frame);
  context_->build.plan.gates[index] = std::move(gate);
}

bool Questions::is_of_role(sema::GateId gate) const {
  const auto &roles = context_->program.roles;
  return std::any_of(roles.begin(), roles.end(),
                     [&](const sema::Role &role) { return role.health == gate || role.stoppable == gate; });
}

void Questions::polling(const ast::GateDecl &declaration, const sema::Gate &declared, plan::Gate &gate, Body &body) {
  const sema::Scope scope = context_->scope(body);
  Range polled, stable;
  const auto once = [&](Range &seen, Range now, std::string_view clause) {
    if (seen.valid())
      context_->error(Kind::repeated_clause, now, fmt::format("`{}` is written twice", clause))
          .label(seen, "first here");
    seen = now;
  };
  for (const ast::GateItem &item : declaration.items) {
    if (const auto *p = item.as<ast::Poll>()) {
      once(polled, item.range, "poll");
      const auto interval = context_->evaluator.duration(*p->interval, scope, "the time between two askings");
      const auto deadline = context_->evaluator.duration(*p->deadline, scope, "the deadline of the gate");
      if (interval && *interval <= 0)
        context_->error(Kind::out_of_range, p->interval->range, "the time between two askings is above zero");
      if (interval && deadline && *interval > *deadline) {
        context_->error(Kind::starved_by_itself, item.range, "the deadline passes before the second asking")
            .help("swap them: `poll INTERVAL for DEADLINE`");
      }
      gate.poll = interval.value_or(0);
      gate.deadline = deadline.value_or(0);
    }
    if (const auto *s = item.as<ast::Stable>()) {
      once(stable, item.range, "stable");
      const auto count = context_->evaluator.count(*s->count, scope, 1, 1000, "the number of passes in a row");
      gate.stable = static_cast<std::uint32_t>(count.value_or(1));
    }
  }
  if (gate.stable > 1 && !polled.valid()) {
    context_
        ->error(Kind::starved_by_itself, stable,
                fmt::format("gate `{}` is asked once, and {} passes in a row are wanted", declared.symbol.name,
                            gate.stable))
        .help("write `poll 10s for 10m`");
  } else if (gate.stable > 1 && gate.poll > 0 && (gate.stable - 1) > gate.deadline / gate.poll) {
    context_
        ->error(Kind::starved_by_itself, stable,
                fmt::format("{} passes in a row take longer than the deadline of gate `{}`", gate.stable,
                            declared.symbol.name))
        .label(polled, "the deadline");
  }
}

void Questions::watches(const ast::Watches &written, plan::Gate &gate, Body &body) {
  if (gate.watch_kind == plan::WatchKind::nothing && !written.items.empty()) {
    context_->error(Kind::repeated_clause, written.items.front().range,
                    "this gate watches nothing, as another line says");
    return;
  }
  gate.watch_kind = written.nothing ? plan::WatchKind::nothing : plan::WatchKind::written;
  for (const ast::Ref &ref : written.items) {
    const auto symbol =
        context_->resolver.resolve(body.module, ref.name, SymbolKind::role | SymbolKind::hold | SymbolKind::state);
    if (!symbol) continue;
    plan::Watch watch;
    switch (symbol->kind) {
      case SymbolKind::role:
        watch.role = plan::RoleId(symbol->index);
        break;
      case SymbolKind::hold:
        watch.hold = plan::HoldId(symbol->index);
        break;
      default:
        watch.state = plan::StateId(symbol->index);
        break;
    }
    if (symbol->kind == SymbolKind::role) {
      if (ref.arguments)
        context_->error(Kind::wrong_arguments, ref.range, "a role is watched whole, without arguments");
    } else if (ref.arguments) {
      watch.arguments = expressions_->arguments(*symbol, ref, body);
    }
    gate.watches.push_back(std::move(watch));
  }
}

void Questions::clears(const ast::Clears &written, const sema::Gate &declared, plan::Gate &gate, Body &body) {
  const auto *name = written.on.hosts.binder() == nullptr ? written.on.hosts.set().as<ast::NameExpr>() : nullptr;
  LocalName *host = name != nullptr ? context_->find(body, name->name.text) : nullptr;
  if (host == nullptr || host->kind != LocalName::Kind::parameter || !host->type.is(Base::host) ||
      declared.parameters.size() != 1) {
    context_->error(Kind::misplaced, written.on.range,
                    "a gate clears guests from its own host, which is its only parameter");
  } else {
    host->used = true;
  }
  for (const ast::Ref &ref : written.roles) {
    const auto role = context_->resolver.role(body.module, ref.name);
    if (role) gate.clears.push_back(plan_id(*role));
  }
}

}  // namespace upg::lower
