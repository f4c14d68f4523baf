#include "compiler/lower/expressions.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::lower {

Typed Expressions::any_value(const ast::Expr &expr, Body &body) {
  if (const auto *e = expr.as<ast::StringLiteral>()) return text(*e, body);
  if (const auto *e = expr.as<ast::ListExpr>()) return list(*e, expr.range, body);
  if (const auto *e = expr.as<ast::ComprehensionExpr>()) return comprehension(*e, expr.range, body);
  if (expr.is<ast::NameExpr>() || expr.is<ast::FieldExpr>()) return named(expr, body);
  if (const auto *e = expr.as<ast::IndexExpr>()) return index(*e, expr.range, body);
  if (const auto *e = expr.as<ast::CallExpr>()) return call(*e, expr.range, body);
  if (const auto *e = expr.as<ast::UnaryExpr>()) return unary(*e, expr.range, body);
  if (const auto *e = expr.as<ast::BinaryExpr>()) return binary(*e, expr.range, body);
  if (const auto *e = expr.as<ast::DefaultExpr>()) return fallback(*e, expr.range, body);
  if (const auto *e = expr.as<ast::QuantifiedExpr>()) return quantified(*e, expr.range, body);
  if (const auto *e = expr.as<ast::CountExpr>()) return count(*e, expr.range, body);
  if (const auto *e = expr.as<ast::AnyExpr>()) return any_of(*e, expr.range, body);
  if (const auto *e = expr.as<ast::RunExpr>()) return command(*e, expr.range, body);
  if (const auto *e = expr.as<ast::AskExpr>()) return ask(*e, expr.range, body);
  if (expr.is<ast::ErrorExpr>()) return {};
  return literal(expr, body);
}

Typed Expressions::value(const ast::Expr &expr, Body &body) {
  Typed result = any_value(expr, body);
  if (result.type.is(Base::secret)) {
    context_->error(Kind::secret_exposed, expr.range, "a secret is used as a value")
        .note(
            "a secret reaches the standard input or the environment of a command and nothing else: no argument list, "
            "no log, no plan file")
        .help("write `stdin NAME` or `env VARIABLE = NAME` behind the command");
    return {};
  }
  if (result.type.is(Base::nothing)) {
    context_->error(Kind::type_expected, expr.range, "this gives no value");
    return {};
  }
  return result;
}

Typed Expressions::value_as(const ast::Expr &expr, Body &body, const Type &wanted, std::string_view what) {
  Typed result = value(expr, body);
  if (result.poisoned() || wanted.poisoned()) return result;
  if (wanted.is(Base::host) && result.type.is(Base::host)) {
    check_carries(result, wanted.role, expr.range);
    return result;
  }
  if (sema::assignable(result.type, wanted)) return result;
  auto report = context_->error(
      Kind::type_expected, expr.range,
      fmt::format("{} is {}, found {}", what, context_->article(wanted), context_->article(result.type)));
  if (const auto *number = expr.as<ast::IntLiteral>()) {
    const std::string text = std::to_string(number->value);
    const std::string unit = sema::suggest_unit(wanted, text);
    if (!unit.empty()) report.fix(fmt::format("write the unit, as in `{}`", unit), expr.range, unit);
  }
  if (wanted.is(Base::string) && (result.type.is(Base::integer) || result.type.is(Base::version))) {
    report.help("`string(x)` gives a value as text");
  }
  if (result.type.is(Base::result)) report.help("`.stdout`, `.stderr` and `.code` are what a command gives");
  return {};
}

NodeId Expressions::condition(const ast::Expr &expr, Body &body, std::string_view what) {
  if (names_gate(expr, body)) {
    context_->error(Kind::type_expected, expr.range, fmt::format("{} is a bool, found a gate", what))
        .note("a gate is waited for, polled to its deadline; a condition is asked once")
        .help("write `await` before it, or ask the gate's probes here");
    return {};
  }
  return value_as(expr, body, Type::of(Base::boolean), what).node;
}

Typed Expressions::literal(const ast::Expr &expr, Body &body) {
  sema::Value value;
  if (context_->evaluator.constant(expr, context_->scope(body), value) != sema::Known::yes || value.poisoned())
    return {};
  return {context_->constant(value, expr.range), value.type, nullptr};
}

Typed Expressions::text(const ast::StringLiteral &string, Body &body) {
  const Type type = Type::of(Base::string);
  if (string.plain()) return {context_->text(string.text(), string.range), type, nullptr};
  std::vector<NodeId> parts;
  std::string constant;
  bool poisoned = false;
  const auto flush = [&] {
    if (!constant.empty()) parts.push_back(context_->text(constant, string.range));
    constant.clear();
  };
  for (const ast::StringPart &part : string.parts) {
    if (const auto *words = std::get_if<std::string>(&part.part)) {
      constant += *words;
      continue;
    }
    const Typed value = interpolated(*std::get<ast::ExprPtr>(part.part), body, false);
    poisoned = poisoned || value.poisoned();
    if (value.poisoned()) continue;
    if (const plan::Node &node = context_->build.plan.node(value.node); node.op == Op::text) {
      constant += context_->build.plan.strings[node.a];
      continue;
    }
    flush();
    parts.push_back(value.node);
  }
  if (poisoned) return {};
  if (parts.empty()) return {context_->text(constant, string.range), type, nullptr};
  flush();
  return {context_->node(Op::concat, string.range, 0, 0, parts), type, nullptr};
}

Typed Expressions::interpolated(const ast::Expr &expr, Body &body, bool shell) {
  Typed part = value(expr, body);
  switch (part.type.base) {
    case Base::list:
    case Base::table:
      if (shell && part.type.is(Base::list)) return part;  // each element is one word
      break;
    case Base::result:
    case Base::role:
      break;
    default:
      return part;
  }
  context_
      ->error(Kind::type_expected, expr.range,
              fmt::format("{} cannot stand inside a string", context_->article(part.type)))
      .help(part.type.is(Base::result) ? "take its `.stdout.trim`" : "take one element, or its `count(...)`");
  return {};
}

Typed Expressions::list(const ast::ListExpr &expr, Range range, Body &body) {
  std::vector<NodeId> items;
  Type element = Type::of(Base::any);
  bool poisoned = false;
  for (const ast::ExprPtr &item : expr.items) {
    const Typed value = this->value(*item, body);
    items.push_back(value.node);
    poisoned = poisoned || value.poisoned();
    if (items.size() == 1) {
      element = value.type;
    } else if (!poisoned && !sema::comparable(element, value.type)) {
      context_
          ->error(Kind::operand_mismatch, item->range,
                  fmt::format("a list of {} holds {}", context_->show(element), context_->article(value.type)))
          .label(expr.items.front()->range, fmt::format("{}", context_->article(element)));
      poisoned = true;
    } else if (element.is(Base::host) && element.role != value.type.role) {
      element.role = {};
    } else if (element.is(Base::integer) && value.type.is(Base::decimal)) {
      element = value.type;
    }
  }
  if (poisoned) return {};
  if (element.is(Base::cell)) element = Type::of(Base::string);
  return {context_->node(Op::list, range, 0, 0, items), Type::list_of(element), nullptr};
}

Expressions::Bound Expressions::open(const ast::Binder &binder, Body &body) {
  Bound bound;
  bound.outer = body.locals.size();
  bound.set = value(*binder.set, body);
  bound.if_any = binder.if_any;
  Type element = bound.set.type.element_type();
  if (!bound.set.poisoned() && element.poisoned()) {
    auto report = context_->error(
        Kind::type_expected, binder.set->range,
        fmt::format("`in` needs a list or a set of hosts, found {}", context_->article(bound.set.type)));
    if (bound.set.type.is(Base::host)) report.help("one host needs no loop; `[x]` makes a list of it");
    if (bound.set.type.is(Base::string)) report.help("`.lines` and `.words` split a text");
  }
  Hosts among = bound.set.among;
  if (among == nullptr && element.is(Base::host)) among = context_->hosts_of(element);
  bound.slot = context_->bind(body, LocalName::Kind::binder, binder.variable, element, std::move(among));
  bound.where = binder.where != nullptr ? condition(*binder.where, body, "the condition behind `where`")
                                        : context_->node(Op::boolean, binder.set->range, 1, 0, {});
  return bound;
}

void Expressions::need_some(const Typed &set, NodeId at, Range range) {
  if (set.poisoned() || !at.valid()) return;
  const plan::Node &node = context_->build.plan.node(set.node);
  if (node.op != Op::set && node.op != Op::set_live) return;
  const plan::HostSet &hosts = context_->build.plan.sets[node.a];
  if (!hosts.hosts.empty()) return;
  context_->deferred.push_back({at, context_->empty_set(range, set.type.role)});
}

Typed Expressions::comprehension(const ast::ComprehensionExpr &expr, Range range, Body &body) {
  const Bound bound = open(expr.binder, body);
  const Typed item = value(*expr.item, body);
  close(body, bound);
  if (bound.set.poisoned() || item.poisoned()) return {};
  Type element = item.type.is(Base::cell) ? Type::of(Base::string) : item.type;
  return {context_->node(Op::each, range, bound.slot, bound.if_any ? 1 : 0, {bound.set.node, bound.where, item.node}),
          Type::list_of(element), item.among};
}

Typed Expressions::quantified(const ast::QuantifiedExpr &expr, Range range, Body &body) {
  const Bound bound = open(expr.binder, body);
  const bool every = expr.kind == ast::QuantifiedExpr::Kind::every;
  const NodeId predicate = condition(*expr.predicate, body, every ? "what `every` asks" : "what `some` asks");
  close(body, bound);
  const NodeId node = context_->node(every ? Op::every : Op::some, range, bound.slot, bound.if_any ? 1 : 0,
                                     {bound.set.node, bound.where, predicate});
  if (!bound.if_any) need_some(bound.set, node, expr.binder.set->range);
  return {node, Type::of(Base::boolean), nullptr};
}

Typed Expressions::count(const ast::CountExpr &expr, Range range, Body &body) {
  const Type integer = Type::of(Base::integer);
  if (const ast::Binder *binder = expr.of.binder()) {
    const Bound bound = open(*binder, body);
    close(body, bound);
    return {context_->node(Op::count_of, range, bound.slot, bound.if_any ? 1 : 0, {bound.set.node, bound.where}),
            integer, nullptr};
  }
  const Typed of = value(expr.of.set(), body);
  if (of.poisoned()) return {};
  if (of.type.element_type().poisoned()) {
    context_->error(Kind::type_expected, expr.of.range,
                    fmt::format("`count` needs a list or a set, found {}", context_->article(of.type)));
    return {};
  }
  return builtin(plan::Builtin::count, range, {of.node}, integer);
}

Typed Expressions::selection(const ast::Selection &selection, Body &body) {
  const ast::Binder *binder = selection.binder();
  if (binder == nullptr) return value(selection.set(), body);
  const Bound bound = open(*binder, body);
  const NodeId item = context_->node(Op::local, binder->variable.range, bound.slot, 0, {});
  body.locals.back().used = true;
  close(body, bound);
  if (bound.set.poisoned()) return {};
  const Type element = bound.set.type.element_type();
  return {
      context_->node(Op::each, selection.range, bound.slot, bound.if_any ? 1 : 0, {bound.set.node, bound.where, item}),
      Type::list_of(element), bound.set.among};
}

Typed Expressions::any_of(const ast::AnyExpr &expr, Range range, Body &body) {
  const Typed of = selection(expr.of, body);
  if (of.poisoned()) return {};
  if (!of.type.is_hosts()) {
    context_->error(Kind::type_expected, expr.of.range,
                    fmt::format("`any` needs a set of hosts, found {}", context_->article(of.type)));
    return {};
  }
  const NodeId node = context_->node(Op::any_of, range, {of.node});
  need_some(of, node, expr.of.range);
  return {node, Type::host_of(of.type.role), of.among != nullptr ? of.among : context_->hosts_of(of.type)};
}

Typed Expressions::ask(const ast::AskExpr &, Range range, Body &) {
  context_->error(Kind::misplaced, range, "a person is asked inside of something else")
      .note("the plan waits for the answer, perhaps for days: whoever reads the plan has to see where")
      .help("write `let x = ask \"...\" -> T` in the plan or procedure, and use `x`");
  return {};
}

Typed Expressions::asked_person(const ast::AskExpr &expr, Range range, Body &body) {
  const Type type = context_->resolver.type(body.module, expr.type);
  if (type.poisoned()) return {};
  switch (type.base) {
    case Base::boolean:
    case Base::integer:
    case Base::string:
    case Base::size:
    case Base::version:
      break;
    default:
      context_
          ->error(Kind::type_expected, expr.type.range,
                  fmt::format("a person cannot type {} as an answer", context_->article(type)))
          .help("bool, int, string, size and version can be asked for");
      return {};
  }
  if (!expr.text.plain()) {
    context_->error(Kind::type_expected, expr.text.range, "the question is a fixed text, without `${}`")
        .note("what a person answered is journalled under its question");
    return {};
  }
  return {context_->node(Op::ask_person, range, context_->string(expr.text.text()).index,
                         static_cast<std::uint32_t>(plan::BaseType::string), {}),
          type, nullptr};
}

Typed Expressions::answer_as(const Type &type, std::uint32_t slot, Range range) {
  const auto text = [&] { return context_->node(Op::local, range, slot, 0, {}); };
  switch (type.base) {
    case Base::integer:
      return builtin(plan::Builtin::to_int, range, {text()}, type);
    case Base::size:
      return builtin(plan::Builtin::to_bytes, range, {text()}, type);
    case Base::version:
      return builtin(plan::Builtin::to_version, range, {text()}, type);
    case Base::boolean: {
      const auto one_of = [&](std::string_view word, std::string_view letter) {
        const NodeId words =
            context_->node(Op::list, range, {context_->text(word, range), context_->text(letter, range)});
        return context_->node(Op::within, range, {text(), words});
      };
      const auto is = [&](bool value) { return context_->node(Op::boolean, range, value ? 1 : 0, 0, {}); };
      const NodeId neither =
          context_->node(Op::no_answer, range, context_->string("the answer is neither yes nor no").index, 0, {});
      const NodeId no = context_->node(Op::choose, range, {one_of("no", "n"), is(false), neither});
      return {context_->node(Op::choose, range, {one_of("yes", "y"), is(true), no}), type, nullptr};
    }
    default:
      return {text(), type, nullptr};
  }
}

Typed Expressions::builtin(plan::Builtin which, Range range, const std::vector<NodeId> &arguments, Type type) {
  return {context_->node(Op::builtin, range, static_cast<std::uint32_t>(which), 0, arguments), type, nullptr};
}

}  // namespace upg::lower
