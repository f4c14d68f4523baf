// Names inside expressions: locals, symbols of modules, `plan.x`, `cluster.x`, and which symbol an expression stands
// for.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/lower/expressions.h"

namespace upg::lower {
namespace {

using sema::SymbolKind;

constexpr sema::Kinds value_kinds = SymbolKind::role | SymbolKind::host_set | SymbolKind::param | SymbolKind::secret |
                                    SymbolKind::host | SymbolKind::state | SymbolKind::probe;
constexpr sema::Kinds every_kind =
    value_kinds | SymbolKind::gate | SymbolKind::action | SymbolKind::hold | SymbolKind::procedure;

std::vector<std::string_view> texts(std::span<const ast::Name *const> parts) {
  std::vector<std::string_view> result;
  for (const ast::Name *part : parts) result.push_back(part->text);
  return result;
}

}  // namespace

bool dotted(const ast::Expr &expr, std::vector<const ast::Name *> &parts) {
  if (const auto *name = expr.as<ast::NameExpr>()) {
    parts.push_back(&name->name);
    return true;
  }
  if (const auto *field = expr.as<ast::FieldExpr>()) {
    if (!dotted(*field->base, parts)) return false;
    parts.push_back(&field->field);
    return true;
  }
  return false;
}

std::optional<sema::SymbolRef> Expressions::symbol_named(const ast::Expr &expr, Body &body) const {
  std::vector<const ast::Name *> parts;
  const auto *call = expr.as<ast::CallExpr>();
  if (!dotted(call != nullptr ? *call->callee : expr, parts)) return std::nullopt;
  if (context_->find(body, parts.front()->text) != nullptr) return std::nullopt;
  const std::vector<std::string_view> words = texts(parts);
  const sema::Found found = context_->resolver.find(body.module, words);
  if (found.status != sema::Found::Status::found || found.consumed != parts.size()) return std::nullopt;
  return found.symbol;
}

std::optional<sema::StateId> Expressions::state_named(const ast::Expr &expr, Body &body) {
  const std::optional<sema::SymbolRef> symbol = symbol_named(expr, body);
  if (!symbol || symbol->kind != SymbolKind::state) return std::nullopt;
  return sema::StateId(symbol->index);
}

bool Expressions::names_gate(const ast::Expr &expr, Body &body) {
  const std::optional<sema::SymbolRef> symbol = symbol_named(expr, body);
  if (symbol) return symbol->kind == SymbolKind::gate;
  const auto *call = expr.as<ast::CallExpr>();
  const auto *name = call != nullptr ? call->callee->as<ast::NameExpr>() : nullptr;
  return name != nullptr && (name->name.text == "in_service" || name->name.text == "stoppable") &&
         context_->find(body, name->name.text) == nullptr;
}

Typed Expressions::named(const ast::Expr &expr, Body &body) {
  std::vector<const ast::Name *> parts;
  if (!dotted(expr, parts)) {
    const auto &field = std::get<ast::FieldExpr>(expr.node);
    const Typed base = value(*field.base, body);
    return base.poisoned() ? Typed{} : member(base, field.field, expr.range);
  }
  if (LocalName *local = context_->find(body, parts.front()->text)) {
    local->used = true;
    Typed base{context_->node(Op::local, parts.front()->range, local->slot, 0, {}), local->type, local->among};
    return members(std::move(base), std::span(parts).subspan(1));
  }
  std::size_t consumed = 0;
  bool known = false;
  Typed special = special_name(parts, expr.range, body, consumed, known);
  if (known) return special.poisoned() ? special : members(std::move(special), std::span(parts).subspan(consumed));
  const std::vector<std::string_view> also = context_->names(body);
  const sema::Found found = context_->resolver.resolve(body.module, parts, every_kind, also);
  if (found.status != sema::Found::Status::found) return {};
  const Range range = join(parts.front()->range, parts[found.consumed - 1]->range);
  Typed base = symbol_value(found.symbol, range, body);
  if (base.poisoned()) return base;
  return members(std::move(base), std::span(parts).subspan(found.consumed));
}

Typed Expressions::special_name(std::span<const ast::Name *const> parts, Range range, Body &body, std::size_t &consumed,
                                bool &known) {
  const std::string &word = parts.front()->text;
  const sema::Found found = context_->resolver.find(body.module, word);
  if (found.status != sema::Found::Status::none) return {};
  known = true;
  const Type text_type = Type::of(Base::string);
  if (word == "was") {
    consumed = 1;
    if (!body.was) {
      context_->error(Kind::misplaced, range, "`was` stands outside the release of a hold")
          .note("`was` is what the hold's `observe` gave when it was acquired");
      return {};
    }
    return {context_->node(Op::was, parts.front()->range, {}), *body.was, nullptr};
  }
  if (word == "all") {
    consumed = 1;
    return {
        context_->node(body.asking ? Op::set_live : Op::set, parts.front()->range, context_->all_hosts.index, 0, {}),
        Type::hosts(), context_->hosts_of(Type::hosts())};
  }
  if (word == "plan" && parts.size() >= 2) {
    consumed = 2;
    const sema::Head &head = context_->program.head;
    const Range where = join(parts[0]->range, parts[1]->range);
    const std::string &field = parts[1]->text;
    if (field == "from") return {context_->text(head.from, where), text_type, nullptr};
    if (field == "to") return {context_->text(head.to, where), text_type, nullptr};
    if (field == "name") {
      const std::string name =
          head.upgrade.valid() ? context_->program.upgrades[head.upgrade.index].symbol.name : std::string();
      return {context_->text(name, where), text_type, nullptr};
    }
    context_->error(Kind::unknown_member, parts[1]->range, fmt::format("the plan has no `{}`", field))
        .help("`plan.name`, `plan.from` and `plan.to` are what it has");
    return {};
  }
  if (word == "cluster" && parts.size() >= 2) {
    consumed = 2;
    const Range where = join(parts[0]->range, parts[1]->range);
    const sema::Attribute *attribute = context_->program.site.attribute(parts[1]->text);
    if (attribute != nullptr) return {context_->constant(attribute->value, where), attribute->value.type, nullptr};
    const NodeId node =
        context_->node(Op::no_answer, where, context_->string("no such attribute of the cluster").index, 0, {});
    diagnostics::Diagnostic d{};
    d.kind = Kind::missing_attribute;
    d.message = fmt::format("the cluster has no `{}`", parts[1]->text);
    d.primary = {where, ""};
    d.helps.push_back(fmt::format("write `{} VALUE` in the `cluster` block", parts[1]->text));
    context_->deferred.push_back({node, std::move(d)});
    return {node, Type::of(Base::any), nullptr};
  }
  known = false;
  return {};
}

Typed Expressions::set_of_role(sema::RoleId role, Range range, const Body &body) {
  // In a question a role is asked whole (the run leaves out who is down); in a plan it is who can be upgraded.
  const plan::SetId set = body.asking ? plan::SetId(role.index) : context_->present_hosts[role.index];
  return {context_->node(body.asking ? Op::set_live : Op::set, range, set.index, 0, {}), Type::hosts(role),
          context_->hosts_of(Type::hosts(role))};
}

Typed Expressions::symbol_value(sema::SymbolRef symbol, Range range, Body &body) {
  const sema::Program &program = context_->program;
  switch (symbol.kind) {
    case SymbolKind::role:
      return set_of_role(sema::RoleId(symbol.index), range, body);
    case SymbolKind::host_set: {
      const sema::HostSet &set = program.host_sets[symbol.index];
      if (set.poisoned) return {};
      const plan::SetId id(program.roles.size() + symbol.index);
      return {context_->node(body.asking ? Op::set_live : Op::set, range, id.index, 0, {}), set.type,
              std::make_shared<const std::vector<sema::HostId>>(set.hosts)};
    }
    case SymbolKind::param: {
      const sema::Param &param = program.params[symbol.index];
      if (param.value.poisoned()) return {};
      return {context_->constant(param.value, range), param.type, nullptr};
    }
    case SymbolKind::secret:
      return {context_->node(Op::secret, range, symbol.index, 0, {}), Type::of(Base::secret), nullptr};
    case SymbolKind::host: {
      const auto among = std::make_shared<const std::vector<sema::HostId>>(1, sema::HostId(symbol.index));
      return {context_->node(Op::host, range, symbol.index, 0, {}), Type::of(Base::host), among};
    }
    case SymbolKind::state: {
      if (!program.states[symbol.index].parameters.empty()) {
        context_->error(Kind::wrong_arguments, range,
                        fmt::format("state `{}` is one of a host: write `{}(h)`", program.symbol(symbol).name,
                                    program.symbol(symbol).bare));
        return {};
      }
      const sema::StateId state(symbol.index);
      const NodeId cell = context_->node(Op::cell, range, symbol.index, 0, {});
      return {context_->node(Op::cell_value, range, {cell}), Type::cell_of(state), nullptr};
    }
    case SymbolKind::probe: {
      const sema::Probe &probe = program.probes[symbol.index];
      const std::string call = probe.symbol.bare + "(";
      context_
          ->error(Kind::wrong_arguments, range, fmt::format("probe `{}` is asked with parentheses", probe.symbol.name))
          .help(fmt::format("write `{}{})`", call, probe.parameters.empty() ? "" : "..."));
      return {};
    }
    case SymbolKind::gate:
      context_->error(Kind::type_expected, range, fmt::format("gate `{}` is no value", program.symbol(symbol).name))
          .note("a gate is waited for, polled to its deadline")
          .help("`await` it as a statement, or name it behind `requires`");
      return {};
    default:
      context_->error(Kind::type_expected, range,
                      fmt::format("{} `{}` is no value", sema::spelling(symbol.kind), program.symbol(symbol).name));
      return {};
  }
}

Typed Expressions::members(Typed base, std::span<const ast::Name *const> fields) {
  for (const ast::Name *field : fields) {
    if (base.poisoned()) return base;
    const Range inner = context_->build.plan.span(base.node).valid()
                            ? Range{{context_->build.plan.span(base.node).file},
                                    context_->build.plan.span(base.node).begin,
                                    field->range.end}
                            : field->range;
    base = member(base, *field, inner);
  }
  return base;
}

NodeId Expressions::cell(sema::StateId state, const ast::Expr &expr, Body &body) {
  const sema::SymbolRef symbol{SymbolKind::state, state.index};
  context_->resolver.mark_used(body.module, symbol);
  std::vector<NodeId> children;
  if (const auto *call = expr.as<ast::CallExpr>()) {
    children = arguments(symbol, call->arguments, expr.range, body);
  } else {
    children = arguments(symbol, std::span<const ast::Argument>(), expr.range, body);
  }
  return context_->node(Op::cell, expr.range, state.index, 0, children);
}

NodeId Expressions::cell(sema::StateId state, const ast::Ref &ref, Body &body) {
  const sema::SymbolRef symbol{SymbolKind::state, state.index};
  return context_->node(Op::cell, ref.range, state.index, 0, arguments(symbol, ref, body));
}

NodeId Expressions::held(const ast::Ref &ref, Body &body) {
  const std::optional<sema::HoldId> hold = context_->resolver.hold(body.module, ref.name);
  if (!hold) return {};
  const sema::SymbolRef symbol{SymbolKind::hold, hold->index};
  return context_->node(Op::held, ref.range, hold->index, 0, arguments(symbol, ref, body));
}

NodeId Expressions::gate(const ast::Ref &ref, Body &body) {
  const std::string name = ref.name.text();
  if ((name == "in_service" || name == "stoppable") &&
      context_->resolver.find(body.module, name).status == sema::Found::Status::none) {
    const bool one_host = name == "stoppable";
    if (!ref.arguments || ref.arguments->size() != 1 || ref.arguments->front().name) {
      context_
          ->error(Kind::wrong_arguments, ref.range,
                  fmt::format("`{}` asks about {}", name, one_host ? "one host" : "a host or a set of hosts"))
          .help(fmt::format("write `{}({})`", name, one_host ? "n" : "all"));
      return {};
    }
    const Typed whom = hosts(*ref.arguments->front().value, body, fmt::format("what `{}` asks about", name));
    if (whom.poisoned()) return {};
    if (one_host && !whom.type.is(Base::host)) {
      context_->error(Kind::type_expected, ref.arguments->front().range, "`stoppable` asks about one host at a time")
          .help("put it before the step that takes a host down, inside its iteration");
      return {};
    }
    const NodeId node = context_->node(one_host ? Op::stoppable : Op::in_service, ref.range, {whom.node});
    need_some(whom, node, ref.arguments->front().range);
    return node;
  }
  const std::vector<std::string_view> also{"in_service", "stoppable"};
  const std::optional<sema::SymbolRef> symbol =
      context_->resolver.resolve(body.module, ref.name, SymbolKind::gate, also);
  if (!symbol) return {};
  return context_->node(Op::gate, ref.range, symbol->index, 0, arguments(*symbol, ref, body));
}

NodeId Expressions::gate(const ast::Expr &expr, Body &body) {
  const auto *call = expr.as<ast::CallExpr>();
  const std::optional<sema::SymbolRef> symbol = symbol_named(expr, body);
  if (symbol && symbol->kind == SymbolKind::gate) {
    context_->resolver.mark_used(body.module, *symbol);
    const std::span<const ast::Argument> given =
        call != nullptr ? std::span<const ast::Argument>(call->arguments) : std::span<const ast::Argument>();
    return context_->node(Op::gate, expr.range, symbol->index, 0, arguments(*symbol, given, expr.range, body));
  }
  if (call == nullptr || !names_gate(expr, body)) return {};
  const ast::Name &name = call->callee->as<ast::NameExpr>()->name;
  if (call->arguments.size() != 1) {
    context_->error(Kind::wrong_arguments, expr.range, fmt::format("`{}` asks about a host", name.text));
    return {};
  }
  const Typed whom = hosts(*call->arguments.front().value, body, fmt::format("what `{}` asks about", name.text));
  if (whom.poisoned()) return {};
  return context_->node(name.text == "stoppable" ? Op::stoppable : Op::in_service, expr.range, {whom.node});
}

}  // namespace upg::lower
