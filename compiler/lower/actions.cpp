#include "compiler/lower/actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace upg::lower {
namespace {

using sema::SymbolKind;

bool is_step(const ast::ActionClause &clause) {
  return clause.as<ast::Let>() != nullptr || clause.as<ast::RunClause>() != nullptr ||
         clause.as<ast::ForClause>() != nullptr;
}
bool is_await(const ast::ActionClause &clause) {
  return clause.as<ast::AwaitsBoot>() != nullptr || clause.as<ast::Awaits>() != nullptr;
}

/// What is waited for and what narrows others is no effect by itself.
bool is_effect(const ast::ActionClause &clause) {
  return clause.as<ast::RoleEffect>() != nullptr || clause.as<ast::Spills>() != nullptr ||
         clause.as<ast::Destroys>() != nullptr || clause.as<ast::Reinstalls>() != nullptr ||
         clause.as<ast::Moves>() != nullptr;
}

}  // namespace

NodeId data_loop(Context &context, const Expressions::Bound &bound, std::uint32_t at_most, Range range, NodeId block,
                 Body &body) {
  NodeId list = bound.set.node;
  NodeId where = bound.where;
  if (!bound.if_any) {
    // for x in [all of them]: the list itself is unknown while nothing is in it
    const auto kept = static_cast<std::uint32_t>(body.frame.slots.size());
    body.frame.slots.push_back(body.frame.slots[bound.slot]);
    const NodeId item = context.node(Op::local, range, bound.slot, 0, {});
    const NodeId chosen = context.node(Op::each, range, bound.slot, 0, {list, where, item});
    const NodeId counted = context.node(Op::builtin, range, static_cast<std::uint32_t>(plan::Builtin::count), 0,
                                        {context.node(Op::local, range, kept, 0, {})});
    const NodeId none = context.node(Op::equal, range, {counted, context.number(0, range)});
    const NodeId unknown = context.node(
        Op::no_answer, range, context.string("nothing to go through (`if any` says that this is meant)").index, 0, {});
    const NodeId all = context.node(Op::local, range, kept, 0, {});
    list = context.node(Op::bind, range, kept, 0, {chosen, context.node(Op::choose, range, {none, unknown, all})});
    where = context.node(Op::boolean, range, 1, 0, {});
  }
  return context.node(Op::for_data, range, bound.slot, at_most, {list, where, block});
}

void Actions::all() {
  for (std::size_t i = 0; i < context_->program.actions.size(); ++i) action(i);
  for (std::size_t i = 0; i < context_->program.holds.size(); ++i) hold(i);
}

void Actions::action(std::size_t index) {
  const sema::Action &declared = context_->program.actions[index];
  Body body = context_->enter(Place::action, declared.symbol.module, declared.parameters);
  plan::Action action = lower(declared.ast->body, Part::action, body, declared.symbol.name, declared.symbol.range);
  action.name = context_->string(declared.symbol.name);
  action.doc = context_->doc(declared.symbol.doc);
  context_->leave(body, 0);
  action.frame = std::move(body.frame);
  context_->build.plan.actions[index] = std::move(action);
}

plan::Action Actions::lower(const ast::ActionBody &written, Part part, Body &body, std::string_view name, Range where) {
  plan::Action action;
  action.where = context_->span(where);
  for (const ast::ActionClause &one : written.clauses) clause(one, part, body, action, name);
  steps(written, part, body, action, name);
  const bool undone = std::any_of(written.clauses.begin(), written.clauses.end(),
                                  [](const auto &c) { return c.template as<ast::Undo>() != nullptr; });
  if (undone) {
    for (const ast::ActionClause &one : written.clauses) {
      if (const auto *u = one.as<ast::Undo>()) undo(*u, one.range, body, action, name);
    }
  }
  finish(action, part, name, where, written, body.module);
  return action;
}

void Actions::clause(const ast::ActionClause &clause, Part part, Body &body, plan::Action &action,
                     std::string_view name) {
  const auto only_action = [&](std::string_view word) {
    if (part == Part::action) return true;
    context_->error(Kind::misplaced, clause.range, fmt::format("`{}` stands in an action only", word));
    return false;
  };
  const auto once = [&](bool written_before, std::string_view word) {
    if (written_before)
      context_->error(Kind::repeated_clause, clause.range, fmt::format("`{}` is written twice in `{}`", word, name));
  };
  if (const auto *c = clause.as<ast::Requires>()) requirements(*c, body, action);
  if (const auto *c = clause.as<ast::RoleEffect>()) role_effect(*c, clause.range, body, action);
  if (const auto *c = clause.as<ast::Spills>()) spills(*c, body, action);
  if (const auto *c = clause.as<ast::Reaches>()) reaches(*c, clause.range, body, action);
  if (const auto *c = clause.as<ast::Destroys>()) {
    const Typed text = expressions_->text_value(c->what, body);
    if (!text.poisoned()) action.effects.push_back(context_->node(Op::destroys, clause.range, {text.node}));
  }
  if (const auto *c = clause.as<ast::Reinstalls>()) {
    const Typed hosts = expressions_->hosts(*c->hosts, body, "what is reinstalled");
    if (!hosts.poisoned()) action.effects.push_back(context_->node(Op::reinstalls, clause.range, {hosts.node}));
  }
  if (const auto *c = clause.as<ast::Moves>()) {
    const NodeId moved = moves(*c, clause.range, body, false);
    if (moved.valid()) action.effects.push_back(moved);
  }
  if (const auto *c = clause.as<ast::AwaitsBoot>()) {
    const Typed hosts = expressions_->hosts(*c->hosts, body, "what `awaits boot of` waits for");
    if (!hosts.poisoned()) action.effects.push_back(context_->node(Op::boot_of, clause.range, {hosts.node}));
  }
  if (const auto *c = clause.as<ast::Awaits>()) awaited(*c->condition, clause.range, body, action);
  if (const auto *c = clause.as<ast::DoneWhen>()) {
    once(action.done_when.valid(), "done when");
    const bool asking = body.asking;
    body.asking = true;
    action.done_when = expressions_->condition(*c->condition, body, "the condition of `done when`");
    body.asking = asking;
  }
  const sema::Scope scope = context_->scope(body);
  if (const auto *c = clause.as<ast::Retry>()) {
    once(action.retries > 0, "retry");
    const auto times = context_->evaluator.count(*c->times, scope, 1, 100, "the number of retries");
    const auto interval = context_->evaluator.duration(*c->interval, scope, "the time between retries");
    action.retries = static_cast<std::uint32_t>(times.value_or(1));
    action.retry_delay = interval.value_or(0);
  }
  if (clause.as<ast::Idempotent>() != nullptr) action.idempotent = true;
  if (clause.as<ast::Once>() != nullptr && only_action("once")) action.once = true;
  if (const auto *c = clause.as<ast::Takes>()) {
    once(action.worst > 0, "takes");
    takes(*c, body, action);
  }
  if (const auto *c = clause.as<ast::OperatorClause>()) {
    once(action.operator_text.valid(), "operator");
    if (!c->text.plain())
      context_->error(Kind::type_expected, c->text.range, "what a person is told is a fixed text, without `${}`");
    action.operator_text = context_->string(c->text.text());
  }
  if (clause.as<ast::Undo>() != nullptr) {
    once(action.undo_kind != plan::UndoKind::none, "undo");
    if (only_action("undo")) action.undo_kind = plan::UndoKind::nothing;
  }
}

void Actions::takes(const ast::Takes &written, Body &body, plan::Action &action) {
  const sema::Scope scope = context_->scope(body);
  const auto typical = context_->evaluator.duration(*written.typical, scope, "the typical time");
  const auto worst = context_->evaluator.duration(*written.worst, scope, "the worst time");
  if (!typical || !worst) {
    action.typical = action.worst = 1;  // reported: no second message about a missing `takes`
    return;
  }
  if (*worst <= 0)
    context_->error(Kind::out_of_range, written.range, "the worst time is above zero")
        .note("it is also the deadline of the action");
  if (*typical > *worst) {
    context_->error(Kind::out_of_range, written.range, "the typical time is longer than the worst")
        .help("write `takes TYPICAL..WORST`");
  }
  action.typical = *typical;
  action.worst = std::max<std::int64_t>(*worst, 1);
}

void Actions::steps(const ast::ActionBody &written, Part, Body &body, plan::Action &action, std::string_view name) {
  const std::size_t outer = body.locals.size();
  const std::vector<NodeId> list = step_list(written.clauses, body, &action, false);
  context_->leave(body, outer);
  if (!list.empty() && action.operator_text.valid()) {
    context_
        ->error(Kind::misplaced, written.range, fmt::format("`{}` is done by a person, and runs commands too", name))
        .help("make two actions of it");
  }
  if (!list.empty() || !action.operator_text.valid()) {
    action.body = context_->build.node(Op::block, context_->span(written.range), 0, 0, std::span<const NodeId>(list));
  }
}

std::vector<NodeId> Actions::step_list(const std::vector<ast::ActionClause> &clauses, Body &body, plan::Action *action,
                                       bool nested) {
  std::vector<NodeId> list;
  const ast::ActionClause *waited = nullptr;
  for (const ast::ActionClause &clause : clauses) {
    if (is_await(clause)) waited = &clause;
    if (!is_step(clause)) {
      if (nested)
        context_->error(Kind::misplaced, clause.range, "only commands stand in a `for` of an action")
            .help("the contract is that of the action as a whole");
      continue;
    }
    if (waited != nullptr && clause.as<ast::Let>() == nullptr) {
      context_->error(Kind::misplaced, clause.range, "a command behind `awaits` would run before it")
          .label(waited->range, "this is waited for when all commands are done");
    }
    if (const auto *let = clause.as<ast::Let>()) {
      const Typed value = expressions_->value(*let->value, body);
      const std::uint32_t slot = context_->bind(body, LocalName::Kind::let, let->name, value.type, value.among);
      list.push_back(context_->node(Op::let, clause.range, slot, 0, {value.node}));
    } else if (const auto *run = clause.as<ast::RunClause>()) {
      const Typed command = expressions_->value(*run->run, body);
      list.push_back(context_->node(Op::command, clause.range, {command.node}));
    } else if (const auto *loop_clause = clause.as<ast::ForClause>()) {
      const NodeId node = loop(*loop_clause, clause.range, body);
      if (node.valid()) list.push_back(node);
    }
  }
  (void)action;
  return list;
}

NodeId Actions::loop(const ast::ForClause &written, Range range, Body &body) {
  const Expressions::Bound bound = expressions_->open(written.binder, body);
  const std::size_t outer = body.locals.size();
  const std::vector<NodeId> list = step_list(written.body.clauses, body, nullptr, true);
  context_->leave(body, outer);
  expressions_->close(body, bound);
  if (list.empty()) context_->error(Kind::empty_block, written.body.range, "this `for` does nothing");
  const NodeId block = context_->node(Op::block, written.body.range, 0, 0, list);
  std::uint32_t most = 0;
  if (written.at_most != nullptr) {
    most = static_cast<std::uint32_t>(
        context_->evaluator.count(*written.at_most, context_->scope(body), 1, 100000, "the bound of the loop")
            .value_or(1));
  } else if (bound.set.among != nullptr && bound.set.type.is_hosts()) {
    most = static_cast<std::uint32_t>(std::max<std::size_t>(bound.set.among->size(), 1));
  } else {
    context_
        ->error(Kind::unbounded_loop, join(written.binder.variable.range, written.binder.range),
                "a loop over run-time data needs a bound")
        .note("the worst time of the action holds for all rounds together")
        .help("write `for x in LIST at most 50 { }`");
  }
  if (bound.set.poisoned()) return {};
  return data_loop(*context_, bound, most, range, block, body);
}

void Actions::undo(const ast::Undo &written, Range range, Body &body, plan::Action &action, std::string_view name) {
  if (written.nothing) {
    action.undo_kind = plan::UndoKind::nothing;
    action.undo_reason = context_->string(written.nothing->text());
    return;
  }
  Body own = body;  // the same parameters, slots of its own
  own.frame.slots.resize(own.frame.parameters.size());
  own.locals.resize(own.frame.parameters.size());
  const std::string own_name = fmt::format("{}.undo", name);
  plan::Action undo_action = lower(written.body, Part::undo, own, own_name, range);
  for (std::size_t i = 0; i < own.locals.size(); ++i) body.locals[i].used = body.locals[i].used || own.locals[i].used;
  if (undo_action.worst == 0) {
    undo_action.typical = action.typical;
    undo_action.worst = action.worst;
  }
  undo_action.name = context_->string(own_name);
  undo_action.doc = action.doc;
  undo_action.frame = std::move(own.frame);
  action.undo_kind = plan::UndoKind::action;
  action.undo = add(std::move(undo_action));
}

void Actions::finish(plan::Action &action, Part part, std::string_view name, Range where,
                     const ast::ActionBody &written, sema::ModuleId module) {
  if (!context_->complete(module)) return;
  if (action.once && action.retries > 0) {
    context_->error(Kind::unsettled_retry, where,
                    fmt::format("`{}` may start once in the life of the plan, so it cannot be retried", name));
    return;
  }
  const bool settles = std::any_of(written.clauses.begin(), written.clauses.end(), [](const ast::ActionClause &clause) {
    return clause.as<ast::DoneWhen>() != nullptr;  // one with a mistake has been told
  });
  if (action.retries > 0 && !settles && !action.idempotent) {
    context_
        ->error(Kind::unsettled_retry, where, fmt::format("`{}` is retried, and nothing says when it is done", name))
        .note("a command whose answer was lost may have done its work")
        .help("write `done when CONDITION`, or `idempotent` if it may run twice");
  }
  const bool effect = std::any_of(written.clauses.begin(), written.clauses.end(), is_effect);
  if (part == Part::action && !effect && !action.operator_text.valid()) {
    context_->error(Kind::no_effect, where, fmt::format("action `{}` changes nothing", name))
        .note("an action says what it `changes`, `disrupts`, `moves`, `destroys`, `spills` or `reinstalls`")
        .help("write a `probe` for what only asks");
  }
  if (part == Part::action && action.worst == 0) {
    context_->error(Kind::missing_clause, where, fmt::format("action `{}` does not say how long it takes", name))
        .help("write `takes TYPICAL..WORST`; the worst is also its deadline");
  }
  const bool runs = std::any_of(written.clauses.begin(), written.clauses.end(), is_step);
  if (!runs && !action.operator_text.valid()) {
    context_->error(Kind::missing_clause, where, fmt::format("`{}` runs nothing", name))
        .help("write `run(...) on h`, or `operator \"text\"` for what a person does");
  }
}

plan::ActionId Actions::operator_step(const ast::OperatorStatement &written, Range range, const ast::Doc *doc,
                                      Body &body) {
  plan::Action action;
  action.name = context_->string("operator step");
  action.doc = context_->doc(doc);
  action.where = context_->span(range);
  if (!written.text.plain())
    context_->error(Kind::type_expected, written.text.range, "what a person is told is a fixed text, without `${}`");
  action.operator_text = context_->string(written.text.text());
  if (written.takes) {
    takes(*written.takes, body, action);
  } else {
    context_->error(Kind::missing_clause, range, "a step of a person says how long it takes")
        .help("write `operator \"text\" takes 5m..1h`");
  }
  return add(std::move(action));
}

// ---- holds

void Actions::shared(const Shared &item, Body &body, plan::Action &action, bool release) {
  if (item.requires_ != nullptr) requirements(*item.requires_, body, action);
  if (item.role_effect != nullptr) role_effect(*item.role_effect, item.range, body, action);
  if (item.spills != nullptr) spills(*item.spills, body, action);
  if (item.reaches != nullptr) reaches(*item.reaches, item.range, body, action);
  if (item.moves != nullptr) {
    const NodeId moved = moves(*item.moves, item.range, body, release);
    if (moved.valid()) action.effects.push_back(moved);
  }
}

void Actions::hold(std::size_t index) {
  const sema::Hold &declared = context_->program.holds[index];
  const ast::HoldDecl &written = *declared.ast;
  plan::Hold hold;
  hold.name = context_->string(declared.symbol.name);
  hold.doc = context_->doc(declared.symbol.doc);
  hold.where = context_->span(declared.symbol.range);

  std::vector<Shared> both;
  const ast::Acquire *acquire = nullptr;
  const ast::Release *release = nullptr;
  const ast::Observe *observe = nullptr;
  const ast::Takes *takes_both = nullptr;
  Range acquire_range, release_range;
  for (const ast::HoldItem &item : written.items) {
    const auto once = [&](bool before, std::string_view word) {
      if (before)
        context_->error(Kind::repeated_clause, item.range,
                        fmt::format("`{}` is written twice in hold `{}`", word, declared.symbol.name));
    };
    if (const auto *i = item.as<ast::Observe>()) {
      once(observe != nullptr, "observe");
      observe = i;
    }
    if (const auto *i = item.as<ast::Acquire>()) {
      once(acquire != nullptr, "acquire");
      acquire = i;
      acquire_range = item.range;
    }
    if (const auto *i = item.as<ast::Release>()) {
      once(release != nullptr, "release");
      release = i;
      release_range = item.range;
    }
    if (const auto *i = item.as<ast::Takes>()) {
      once(takes_both != nullptr, "takes");
      takes_both = i;
    }
    if (const auto *i = item.as<ast::Requires>()) both.push_back({i, nullptr, nullptr, nullptr, nullptr, item.range});
    if (const auto *i = item.as<ast::RoleEffect>()) both.push_back({nullptr, i, nullptr, nullptr, nullptr, item.range});
    if (const auto *i = item.as<ast::Spills>()) both.push_back({nullptr, nullptr, i, nullptr, nullptr, item.range});
    if (const auto *i = item.as<ast::Reaches>()) both.push_back({nullptr, nullptr, nullptr, i, nullptr, item.range});
    if (const auto *i = item.as<ast::Moves>()) both.push_back({nullptr, nullptr, nullptr, nullptr, i, item.range});
    const auto after = [](ast::KeepOrRelease choice) {
      return choice == ast::KeepOrRelease::keep ? plan::Afterwards::keep : plan::Afterwards::release;
    };
    if (const auto *i = item.as<ast::OnHalt>()) {
      once(hold.on_halt != plan::Afterwards::unwritten, "on halt");
      hold.on_halt = after(i->choice);
    }
    if (const auto *i = item.as<ast::OnWait>()) {
      once(hold.on_wait != plan::Afterwards::unwritten, "on wait");
      hold.on_wait = after(i->choice);
    }
    if (const auto *i = item.as<ast::Taints>()) {
      for (const ast::Ref &ref : i->gates) {
        const auto gate = context_->resolver.gate(declared.symbol.module, ref.name);
        if (gate && ref.arguments)
          context_->error(Kind::wrong_arguments, ref.range, "a gate is tainted for every host, without arguments");
        if (gate) hold.taints.push_back(plan_id(*gate));
      }
    }
  }
  const auto missing = [&](bool absent, std::string_view clause, std::string_view help) {
    if (absent && context_->complete(declared.symbol.module)) {
      context_
          ->error(Kind::missing_clause, declared.symbol.range,
                  fmt::format("hold `{}` has no `{}`", declared.symbol.name, clause))
          .help(std::string(help));
    }
  };
  missing(observe == nullptr, "observe",
          "the value found at acquire is the value restored: write `observe EXPRESSION`");
  missing(acquire == nullptr, "acquire", "write `acquire { run(...) on h }`");
  missing(release == nullptr, "release", "write `release { run(...) on h }`");
  missing(hold.on_halt == plan::Afterwards::unwritten, "on halt",
          "write `on halt keep` or `on halt release`: only the author knows which is safe");

  Body body = context_->enter(Place::observe, declared.symbol.module, declared.parameters);
  body.asking = true;
  Type was = Type::of(Base::any);
  if (observe != nullptr) {
    const Typed value = expressions_->value(*observe->value, body);
    hold.observe = value.node;
    was = value.type;
  }
  for (const Shared &item : both) {
    if (item.moves == nullptr) continue;
    body.asking = false;
    const NodeId moved = moves(*item.moves, item.range, body, false);
    if (moved.valid()) hold.moves.push_back(moved);
  }
  bool timeless = false;  // told once
  const auto part = [&](const ast::ActionBody &action_body, Part which, Range range) {
    Body own = context_->enter(Place::action, declared.symbol.module, declared.parameters);
    if (which == Part::release) own.was = was;
    const std::string name = fmt::format("{}.{}", declared.symbol.name, which == Part::acquire ? "acquire" : "release");
    plan::Action action = lower(action_body, which, own, name, range);
    for (const Shared &item : both) shared(item, own, action, which == Part::release);
    if (action.worst == 0 && takes_both != nullptr) takes(*takes_both, own, action);
    if (action.worst == 0 && !std::exchange(timeless, true)) {
      context_
          ->error(Kind::missing_clause, declared.symbol.range, fmt::format("`{}` does not say how long it takes", name))
          .help("write `takes TYPICAL..WORST` in the hold");
    }
    action.name = context_->string(name);
    action.doc = hold.doc;
    for (std::size_t i = 0; i < own.frame.parameters.size() && i < body.locals.size(); ++i)
      body.locals[i].used = body.locals[i].used || own.locals[i].used;
    for (LocalName &local : own.locals) local.used = true;  // judged once, for the hold as a whole
    context_->leave(own, 0);
    action.frame = std::move(own.frame);
    return add(std::move(action));
  };
  if (acquire != nullptr) hold.acquire = part(acquire->body, Part::acquire, acquire_range);
  if (release != nullptr) hold.release = part(release->body, Part::release, release_range);
  context_->leave(body, 0);
  hold.frame = std::move(body.frame);
  context_->build.plan.holds[index] = std::move(hold);
}

}  // namespace upg::lower
