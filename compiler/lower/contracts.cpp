// What an action requires, and what it does to roles, states and hosts.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/lower/actions.h"

namespace upg::lower {
namespace {

using sema::SymbolKind;

/// Comparisons of a count that can be proved, as the plan writes them: 0 `==`, 1 `>=`, 2 `<=`.
struct CountTest {
  std::uint32_t kind = 0;
  std::int64_t number = 0;
};
std::optional<CountTest> count_test(ast::BinaryOp op, std::int64_t number, bool swapped) {
  using ast::BinaryOp;
  if (swapped) {
    switch (op) {
      case BinaryOp::less:
        op = BinaryOp::greater;
        break;
      case BinaryOp::less_equal:
        op = BinaryOp::greater_equal;
        break;
      case BinaryOp::greater:
        op = BinaryOp::less;
        break;
      case BinaryOp::greater_equal:
        op = BinaryOp::less_equal;
        break;
      default:
        break;
    }
  }
  switch (op) {
    case BinaryOp::equal:
      return CountTest{0, number};
    case BinaryOp::greater_equal:
      return CountTest{1, number};
    case BinaryOp::greater:
      return CountTest{1, number + 1};
    case BinaryOp::less_equal:
      return CountTest{2, number};
    case BinaryOp::less:
      return CountTest{2, number - 1};
    default:
      return std::nullopt;
  }
}

}  // namespace

void Actions::requirements(const ast::Requires &written, Body &body, plan::Action &action) {
  for (const ast::Requirement &need : written.needs) {
    using NeedKind = ast::Requirement::Kind;
    NodeId node;
    if (need.kind == NeedKind::condition) {
      node = requirement(*need.condition, body);
    } else {
      const NodeId held = expressions_->held(need.hold, body);
      node = context_->node(need.kind == NeedKind::held ? Op::need_held : Op::need_free, need.range, {held});
    }
    if (node.valid()) action.needs.push_back(node);
  }
}

NodeId Actions::requirement(const ast::Expr &condition, Body &body) {
  const Range range = condition.range;
  if (expressions_->names_gate(condition, body)) {
    const NodeId gate = expressions_->gate(condition, body);
    return gate.valid() ? context_->node(Op::need_gate, range, {gate}) : NodeId();
  }
  if (const auto test = expressions_->cell_test(condition, body)) {
    const NodeId cell = expressions_->cell(test->state, *test->cell, body);
    return test->poisoned ? NodeId() : context_->node(Op::need_value, range, test->value, 0, {cell});
  }
  const auto *comparison = condition.as<ast::BinaryExpr>();
  if (comparison != nullptr &&
      (comparison->op == ast::BinaryOp::logical_and || comparison->op == ast::BinaryOp::logical_or)) {
    context_
        ->error(Kind::unprovable_requirement, range,
                fmt::format("`requires` is a list, without `{}`", ast::spelling(comparison->op)))
        .help("write `requires a, b` for both; for one of two things write a gate");
    return {};
  }
  if (comparison != nullptr) {
    const NodeId counted_node = counted(*comparison, range, body);
    if (counted_node.valid()) return counted_node;
  }
  const NodeId asked = expressions_->condition(condition, body, "what an action requires");
  return asked.valid() ? context_->node(Op::need_true, range, {asked}) : NodeId();
}

bool Actions::provable(const ast::Expr &condition, Body &body) {
  const auto *both = condition.as<ast::BinaryExpr>();
  if (both == nullptr) return false;
  if (both->op == ast::BinaryOp::logical_and) return provable(*both->left, body) && provable(*both->right, body);
  if (both->op != ast::BinaryOp::equal) return false;
  return expressions_->state_named(*both->left, body).has_value() ||
         expressions_->state_named(*both->right, body).has_value();
}

/// `count(h in SET where S(h) == v) == 1` over hosts that are known: proved over the values of the states.
NodeId Actions::counted(const ast::BinaryExpr &comparison, Range range, Body &body) {
  const ast::CountExpr *count = comparison.left->as<ast::CountExpr>();
  const ast::Expr *number = comparison.right.get();
  const bool swapped = count == nullptr;
  if (swapped) {
    count = comparison.right->as<ast::CountExpr>();
    number = comparison.left.get();
  }
  if (count == nullptr || count->of.binder() == nullptr) return {};
  const ast::Binder &binder = *count->of.binder();
  if (binder.where == nullptr || !provable(*binder.where, body)) return {};
  const auto *written = number->as<ast::IntLiteral>();
  if (written == nullptr) return {};
  const std::optional<CountTest> test = count_test(comparison.op, written->value, swapped);
  if (!test) return {};
  if (test->number < 0) {
    context_->error(Kind::unprovable_requirement, range, "a count is never below zero");
    return {};
  }
  const bool asking = body.asking;
  body.asking = false;  // who is down counts too: the rule is about states, not about who answers
  const Expressions::Bound bound = expressions_->open(binder, body);
  expressions_->close(body, bound);
  body.asking = asking;
  if (bound.set.poisoned() || !bound.where.valid() || !bound.set.type.is_hosts()) return {};
  const NodeId n = context_->number(test->number, number->range);
  return context_->node(Op::need_count, range, bound.slot, test->kind, {bound.set.node, bound.where, n});
}

void Actions::role_effect(const ast::RoleEffect &written, Range range, Body &body, plan::Action &action) {
  const Op op = written.kind == ast::EffectKind::changes ? Op::changes : Op::disrupts;
  const std::string_view word = op == Op::changes ? "changes" : "disrupts";
  for (const ast::Ref &ref : written.roles) {
    if (ref.arguments) {
      context_->error(Kind::wrong_arguments, ref.range, fmt::format("`{}` names roles, without arguments", word))
          .help("the hosts stand behind `on`");
    }
    const NodeId target = expressions_->target(written.on, body, true);
    std::uint32_t role = plan::all_roles;
    if (ref.name.text() != "all") {
      const auto found = context_->resolver.role(body.module, ref.name);
      if (!found) continue;
      role = found->index;
    } else if (op == Op::changes) {
      // Every role of the hosts, one by one: what is common to all of them is not known before the plan names them.
      context_->error(Kind::unprovable_requirement, ref.range, "`changes` names its roles one by one")
          .help("`disrupts all on h` takes all roles of a host down");
      continue;
    }
    action.effects.push_back(context_->node(op, written.roles.size() == 1 ? range : ref.range, role, 0, {target}));
  }
}

void Actions::spills(const ast::Spills &written, Body &body, plan::Action &action) {
  for (const ast::Ref &ref : written.roles) {
    const auto role = context_->resolver.role(body.module, ref.name);
    if (role) action.effects.push_back(context_->node(Op::spills, ref.range, role->index, 0, {}));
  }
}

void Actions::reaches(const ast::Reaches &written, Range range, Body &body, plan::Action &action) {
  if (written.nothing || written.items.empty()) {
    context_->error(Kind::unprovable_requirement, range, "a step that reaches nothing is no action")
        .note("`reaches` narrows what a command on another host may touch: it names the roles")
        .help("write a `probe` for what only asks");
    return;
  }
  for (const ast::Ref &ref : written.items) {
    std::uint32_t role = plan::all_roles;
    if (ref.name.text() != "all") {
      const auto symbol =
          context_->resolver.resolve(body.module, ref.name, SymbolKind::role | SymbolKind::state | SymbolKind::hold);
      if (!symbol) continue;
      if (symbol->kind != SymbolKind::role) {
        context_
            ->error(Kind::unprovable_requirement, ref.range,
                    fmt::format("`reaches` names roles, found {}", sema::with_article(symbol->kind)))
            .help(symbol->kind == SymbolKind::state ? "what an action does to a state is `moves`"
                                                    : "what an action does to a hold is its acquire or release");
        continue;
      }
      role = symbol->index;
    }
    action.effects.push_back(context_->node(Op::reaches, ref.range, role, 0, {}));
  }
}

NodeId Actions::moves(const ast::Moves &written, Range range, Body &body, bool reversed) {
  const auto state = context_->resolver.state(body.module, written.state.name);
  if (!state) return {};
  const NodeId cell = expressions_->cell(*state, written.state, body);
  bool known = true;
  const auto value = [&](const ast::Name &name) {
    const std::optional<std::uint32_t> ordinal = context_->resolver.state_value(*state, name);
    known = known && ordinal.has_value();
    return ordinal.value_or(0);
  };
  std::vector<std::uint32_t> from;
  const std::uint32_t to = value(written.to);
  if (written.from_any) {
    for (std::size_t i = 0; i < context_->program.states[state->index].ast->values.size(); ++i)
      from.push_back(static_cast<std::uint32_t>(i));
  }
  for (const ast::Name &name : written.from) {
    const std::uint32_t ordinal = value(name);
    if (known && std::find(from.begin(), from.end(), ordinal) != from.end()) {
      context_->error(Kind::repeated_clause, name.range, fmt::format("`{}` is named twice", name.text));
    }
    from.push_back(ordinal);
  }
  std::vector<std::uint32_t> via;
  for (const ast::Name &name : written.via) via.push_back(value(name));
  const std::uint32_t failed = written.on_failure ? value(*written.on_failure) + 1 : 0;
  if (!known) return {};
  std::uint32_t target = to;
  if (reversed) {
    if (from.size() != 1) {
      context_
          ->error(Kind::unprovable_requirement, range,
                  "a hold moves its state from one value, so that its release knows where to go back to")
          .help("write one value before `->`");
      return {};
    }
    target = from.front();
    from = {to};
  }
  std::vector<NodeId> children{cell, context_->number(static_cast<std::int64_t>(from.size()), range)};
  for (const std::uint32_t ordinal : from) children.push_back(context_->number(ordinal, range));
  for (const std::uint32_t ordinal : via) children.push_back(context_->number(ordinal, range));
  return context_->node(Op::moves, range, target, failed, children);
}

void Actions::awaited(const ast::Expr &condition, Range range, Body &body, plan::Action &action) {
  if (expressions_->names_gate(condition, body)) {
    const NodeId gate = expressions_->gate(condition, body);
    if (gate.valid()) action.effects.push_back(context_->node(Op::awaits_gate, range, {gate}));
    return;
  }
  const bool asking = body.asking;
  body.asking = true;
  const NodeId asked = expressions_->condition(condition, body, "what `awaits` waits for");
  body.asking = asking;
  if (asked.valid()) action.effects.push_back(context_->node(Op::awaits_true, range, {asked}));
}

}  // namespace upg::lower
