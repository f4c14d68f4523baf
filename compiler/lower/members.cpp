// Members, indexes and calls inside expressions.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/lower/expressions.h"

namespace upg::lower {
namespace {

using plan::Builtin;
using sema::SymbolKind;

enum class Gives : std::uint8_t { string, strings, json, table, element };

/// Members that are computed from the value before the dot.
struct MemberRow {
  Base of;
  Builtin builtin;
  Gives gives;
  bool argument;  // `.match(pattern)`
};
constexpr std::array member_rows{
    MemberRow{Base::list, Builtin::only, Gives::element, false},
    MemberRow{Base::list, Builtin::first, Gives::element, false},
    MemberRow{Base::list, Builtin::last, Gives::element, false},
    MemberRow{Base::table, Builtin::pairs, Gives::json, false},
    MemberRow{Base::string, Builtin::lines, Gives::strings, false},
    MemberRow{Base::string, Builtin::words, Gives::strings, false},
    MemberRow{Base::string, Builtin::trim, Gives::string, false},
    MemberRow{Base::string, Builtin::match, Gives::string, true},
    MemberRow{Base::string, Builtin::after, Gives::string, true},
    MemberRow{Base::string, Builtin::before, Gives::string, true},
    MemberRow{Base::string, Builtin::to_json, Gives::json, false},
    MemberRow{Base::string, Builtin::to_table, Gives::table, false},
};
constexpr std::array functions{Builtin::answers,    Builtin::to_bytes, Builtin::to_int,   Builtin::to_string,
                               Builtin::to_version, Builtin::count,    Builtin::distinct, Builtin::keys,
                               Builtin::values,     Builtin::votes};

Type type_given(Gives gives, const Type &of) {
  switch (gives) {
    case Gives::string:
      return Type::of(Base::string);
    case Gives::strings:
      return Type::list_of(Type::of(Base::string));
    case Gives::json:
      return Type::of(Base::json);
    case Gives::table:
      return Type::of(Base::table);
    case Gives::element:
      return of.element_type();
  }
  return {};
}

bool takes(const MemberRow &row, Base base) {
  return row.of == base || (row.of == Base::list && base == Base::table) ||
         (row.of == Base::string && (base == Base::result || base == Base::version || base == Base::cell));
}

/// The type that every host's value has, or any. `missing`: hosts without the attribute.
Type attribute_type(const sema::Program &program, const std::vector<sema::HostId> &hosts, std::string_view key,
                    std::vector<std::string_view> &missing, bool &some) {
  Type type;
  some = false;
  for (const sema::HostId id : hosts) {
    const sema::Host &host = program.site.hosts[id.index];
    const sema::Attribute *attribute = host.attribute(key);
    if (attribute == nullptr) attribute = program.site.attribute(key);
    if (attribute == nullptr) {
      if (!host.out_reason) missing.push_back(host.name);
      continue;
    }
    const Type &found = attribute->value.type;
    if (!some || (type.is(Base::list) && type.element == Base::any && found.is(Base::list))) {
      type = found;
    } else if (!(found == type) && !(found.is(Base::list) && found.element == Base::any && type.is(Base::list))) {
      const bool numbers =
          (found.is(Base::integer) || found.is(Base::decimal)) && (type.is(Base::integer) || type.is(Base::decimal));
      type = Type::of(numbers ? Base::decimal : Base::any);
    }
    some = true;
  }
  return type;
}

std::string some_of(const std::vector<std::string_view> &names) {
  std::string result;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i) result += fmt::format("{}`{}`", i == 0 ? "" : ", ", names[i]);
  if (names.size() > 3) result += fmt::format(" and {} more", names.size() - 3);
  return result;
}

}  // namespace

Typed Expressions::member(Typed base, const ast::Name &field, Range where) {
  const auto read = [&](Type type) {
    return Typed{context_->node(Op::field, where, context_->string(field.text).index, 0, {base.node}), type, nullptr};
  };
  switch (base.type.base) {
    case Base::poison:
      return {};
    case Base::any:
    case Base::json:
      return read(Type::of(base.type.base));
    case Base::host:
      return host_member(base, field, where);
    case Base::result:
      if (field.text == "stdout" || field.text == "stderr") return read(Type::of(Base::string));
      if (field.text == "code") return read(Type::of(Base::integer));
      break;
    default:
      break;
  }
  for (const MemberRow &row : member_rows) {
    if (!takes(row, base.type.base) || plan::info(row.builtin).name != field.text) continue;
    if (row.argument) {
      context_->error(Kind::wrong_arguments, field.range,
                      fmt::format("`.{}` takes an argument: `.{}(...)`", field.text, field.text));
      return {};
    }
    NodeId of = base.node;
    if (base.type.is(Base::result)) of = context_->node(Op::field, where, context_->string("stdout").index, 0, {of});
    return builtin(row.builtin, where, {of}, type_given(row.gives, base.type));
  }
  std::vector<std::string_view> candidates;
  if (base.type.is(Base::result)) candidates = {"stdout", "stderr", "code"};
  for (const MemberRow &row : member_rows) {
    if (takes(row, base.type.base)) candidates.push_back(plan::info(row.builtin).name);
  }
  auto report = context_->error(Kind::unknown_member, field.range,
                                fmt::format("{} has no member `{}`", context_->article(base.type), field.text));
  const std::string_view near = diagnostics::did_you_mean(field.text, candidates);
  if (!near.empty()) {
    report.fix(fmt::format("write `{}`", near), field.range, std::string(near));
  } else if (!candidates.empty()) {
    std::string all;
    for (const std::string_view name : candidates) all += fmt::format("{}`.{}`", all.empty() ? "" : ", ", name);
    report.help("it has " + all);
  }
  if (base.type.is(Base::list) || base.type.is(Base::table))
    report.help("`x[0]` is its first element; `[e.f for e in x]` goes through it");
  return {};
}

Typed Expressions::host_member(const Typed &base, const ast::Name &field, Range where) {
  const plan::Plan &plan = context_->build.plan;
  const bool one = plan.node(base.node).op == Op::host;
  if (field.text == "name" || field.text == "address" || field.text == "user") {
    if (one && field.text == "name") {
      return {context_->text(context_->program.site.hosts[plan.node(base.node).a].name, where), Type::of(Base::string),
              nullptr};
    }
    return {context_->node(Op::field, where, context_->string(field.text).index, 0, {base.node}),
            Type::of(Base::string), nullptr};
  }
  const Hosts hosts = base.among != nullptr ? base.among : context_->hosts_of(base.type);
  std::vector<std::string_view> missing;
  bool some = false;
  Type type = attribute_type(context_->program, *hosts, field.text, missing, some);
  if (field.text == "votes" && !some) {  // every host has votes: 1 unless it says otherwise
    return {context_->number(1, where), Type::of(Base::integer), nullptr};
  }
  NodeId node;
  if (one && missing.empty() && some) {
    const sema::Host &host = context_->program.site.hosts[plan.node(base.node).a];
    const sema::Attribute *attribute = host.attribute(field.text);
    if (attribute == nullptr) attribute = context_->program.site.attribute(field.text);
    return {context_->constant(attribute->value, where), attribute->value.type, nullptr};
  }
  node = context_->node(Op::field, where, context_->string(field.text).index, 0, {base.node});
  if (field.text == "votes" && !missing.empty()) {
    return {context_->node(Op::otherwise, where, {node, context_->number(1, where)}), type, nullptr};
  }
  if (!missing.empty()) {
    diagnostics::Diagnostic d{};
    d.kind = Kind::missing_attribute;
    d.message = some ? fmt::format("not every host has `{}`", field.text) : fmt::format("no host has `{}`", field.text);
    d.primary = {field.range, fmt::format("{} {} none", some_of(missing), missing.size() == 1 ? "has" : "have")};
    d.helps.push_back(fmt::format("write `{} VALUE` at the hosts, or `default VALUE` behind it here", field.text));
    if (!base.type.role.valid())
      d.helps.push_back("a parameter of a role (`h: ROLE`) is asked of that role's hosts only");
    context_->deferred.push_back({node, std::move(d)});
  }
  return {node, some ? type : Type::of(Base::any), nullptr};
}

Typed Expressions::index(const ast::IndexExpr &expr, Range range, Body &body) {
  const Typed base = value(*expr.base, body);
  const Typed at = value(*expr.index, body);
  if (base.poisoned() || at.poisoned()) return {};
  const auto wrong = [&](std::string_view text) {
    context_->error(Kind::operand_mismatch, range, std::string(text))
        .label(expr.index->range, context_->article(at.type));
    return Typed{};
  };
  switch (base.type.base) {
    case Base::list:
    case Base::table:
      if (!sema::assignable(at.type, Type::of(Base::integer))) {
        return wrong(fmt::format("the elements of {} are numbered", context_->article(base.type)));
      }
      return {context_->node(Op::index, range, {base.node, at.node}), base.type.element_type(), nullptr};
    case Base::json:
    case Base::any:
      if (!at.type.is(Base::string) && !at.type.is(Base::integer) && !at.type.is(Base::json) &&
          !at.type.is(Base::any)) {
        return wrong("a key is a string, a place in a list is an int");
      }
      return {context_->node(Op::index, range, {base.node, at.node}), Type::of(base.type.base), nullptr};
    default:
      context_->error(Kind::operand_mismatch, range, fmt::format("{} has no elements", context_->article(base.type)));
      return {};
  }
}

Typed Expressions::call(const ast::CallExpr &expr, Range range, Body &body) {
  std::vector<const ast::Name *> parts;
  if (dotted(*expr.callee, parts) && context_->find(body, parts.front()->text) == nullptr) {
    std::vector<std::string_view> words;
    for (const ast::Name *part : parts) words.push_back(part->text);
    const sema::Found found = context_->resolver.find(body.module, words);
    const bool head_is_special =
        parts.size() > 1 && (words[0] == "plan" || words[0] == "cluster" || words[0] == "was" || words[0] == "all") &&
        context_->resolver.find(body.module, words[0]).status == sema::Found::Status::none;
    if (found.status == sema::Found::Status::found && found.consumed == parts.size()) {
      context_->resolver.mark_used(body.module, found.symbol);
      return symbol_call(found.symbol, *expr.callee, expr.arguments, range, body);
    }
    if (parts.size() == 1) return function(*parts.front(), expr.arguments, range, body);
    if (found.status != sema::Found::Status::found && !head_is_special) {
      // Reports what is unknown or ambiguous about the name.
      const std::vector<std::string_view> also = context_->names(body);
      context_->resolver.resolve(body.module, parts, SymbolKind::probe | SymbolKind::state, also);
      return {};
    }
  } else if (parts.size() == 1 && expr.callee->is<ast::NameExpr>()) {
    context_->find(body, parts.front()->text)->used = true;
    context_->error(Kind::wrong_arguments, expr.callee->range,
                    fmt::format("`{}` is a value and takes no arguments", parts.front()->text));
    return {};
  }
  const auto *field = expr.callee->as<ast::FieldExpr>();
  if (field == nullptr) {
    context_->error(Kind::wrong_arguments, expr.callee->range, "this is no probe and no function");
    return {};
  }
  const Typed base = value(*field->base, body);
  if (base.poisoned()) return {};
  return method(base, field->field, expr.arguments, range, body);
}

Typed Expressions::method(Typed base, const ast::Name &name, std::span<const ast::Argument> arguments, Range range,
                          Body &body) {
  for (const MemberRow &row : member_rows) {
    const bool text_of_json = row.of == Base::string && (base.type.is(Base::json) || base.type.is(Base::any));
    if (plan::info(row.builtin).name != name.text || (!takes(row, base.type.base) && !text_of_json)) continue;
    if (!row.argument) {
      if (text_of_json) break;
      context_->error(Kind::wrong_arguments, range, fmt::format("`.{}` takes no argument", name.text))
          .sure_fix(fmt::format("write `.{}`", name.text), Range{range.file, name.range.end, range.end}, "");
      return {};
    }
    if (arguments.size() != 1 || arguments.front().name) {
      context_->error(Kind::wrong_arguments, range, fmt::format("`.{}` takes one argument", name.text));
      return {};
    }
    const ast::Expr &written = *arguments.front().value;
    const Typed argument =
        value_as(written, body, Type::of(Base::string), fmt::format("the argument of `.{}`", name.text));
    if (argument.poisoned()) return {};
    if (row.builtin == Builtin::match) check_pattern(written);
    NodeId of = base.node;
    if (base.type.is(Base::result)) of = context_->node(Op::field, range, context_->string("stdout").index, 0, {of});
    return builtin(row.builtin, range, {of, argument.node}, Type::of(Base::string));
  }
  auto report = context_->error(Kind::unknown_member, name.range,
                                fmt::format("{} has no function `{}`", context_->article(base.type), name.text));
  if (name.text == "contains" || name.text == "matches" || name.text == "in" || name.text == "default")
    report.help(fmt::format("it is an operator: `a {} b`", name.text));
  return {};
}

Typed Expressions::function(const ast::Name &name, std::span<const ast::Argument> arguments, Range range, Body &body) {
  const auto *row =
      std::find_if(functions.begin(), functions.end(), [&](Builtin b) { return plan::info(b).name == name.text; });
  if (row == functions.end()) {
    if (name.text == "in_service" || name.text == "stoppable") {
      context_->error(Kind::type_expected, range, fmt::format("`{}` is a gate, which is no value", name.text))
          .help("`await` it as a statement, or name it behind `requires`");
      return {};
    }
    std::vector<std::string_view> also = context_->names(body);
    for (const Builtin b : functions) also.push_back(plan::info(b).name);
    ast::QName written{{name}, name.range};
    context_->resolver.resolve(body.module, written, SymbolKind::probe | SymbolKind::state, also);
    return {};
  }
  if (arguments.size() != 1 || arguments.front().name) {
    context_->error(Kind::wrong_arguments, range,
                    fmt::format("`{}` takes one argument: {}", name.text, plan::info(*row).signature));
    return {};
  }
  const ast::Expr &written = *arguments.front().value;
  const std::string what = fmt::format("the argument of `{}`", name.text);
  if (*row == Builtin::votes) {
    const std::optional<sema::SymbolRef> symbol = symbol_named(written, body);
    if (!symbol || symbol->kind != SymbolKind::role) {
      context_->error(Kind::type_expected, written.range, fmt::format("{} is a role", what));
      return {};
    }
    context_->resolver.mark_used(body.module, *symbol);
    const NodeId set = context_->node(Op::set, written.range, symbol->index, 0, {});
    return builtin(*row, range, {set}, Type::of(Base::integer));
  }
  const auto simple = [&](Base wanted, Type result) {
    const Typed argument = value_as(written, body, Type::of(wanted), what);
    return argument.poisoned() ? Typed{} : builtin(*row, range, {argument.node}, result);
  };
  switch (*row) {
    case Builtin::answers:
      return simple(Base::host, Type::of(Base::boolean));
    case Builtin::to_bytes:
      return simple(Base::string, Type::of(Base::size));
    case Builtin::to_int:
      return simple(Base::string, Type::of(Base::integer));
    case Builtin::to_version:
      return simple(Base::string, Type::of(Base::version));
    case Builtin::to_string:
      return simple(Base::any, Type::of(Base::string));
    case Builtin::keys:
      return simple(Base::json, Type::list_of(Type::of(Base::string)));
    case Builtin::values:
      return simple(Base::json, Type::list_of(Type::of(Base::json)));
    default:
      break;
  }
  const Typed list = value(written, body);
  if (list.poisoned()) return {};
  if (list.type.element_type().poisoned()) {
    context_->error(Kind::type_expected, written.range,
                    fmt::format("{} is a list, found {}", what, context_->article(list.type)));
    return {};
  }
  if (*row == Builtin::count) return builtin(*row, range, {list.node}, Type::of(Base::integer));
  Typed result =
      builtin(*row, range, {list.node}, list.type.is(Base::list) ? list.type : Type::list_of(Type::of(Base::json)));
  result.among = list.among;
  return result;
}

Typed Expressions::symbol_call(sema::SymbolRef symbol, const ast::Expr &callee, std::span<const ast::Argument> given,
                               Range range, Body &body) {
  const sema::Program &program = context_->program;
  if (symbol.kind == SymbolKind::probe) {
    const std::vector<NodeId> children = arguments(symbol, given, range, body);
    return {context_->node(Op::ask_probe, range, symbol.index, 0, children), program.probes[symbol.index].result,
            nullptr};
  }
  if (symbol.kind == SymbolKind::state) {
    const NodeId cell = context_->node(Op::cell, range, symbol.index, 0, arguments(symbol, given, range, body));
    return {context_->node(Op::cell_value, range, {cell}), Type::cell_of(sema::StateId(symbol.index)), nullptr};
  }
  const std::string &name = program.symbol(symbol).name;
  auto report = context_->error(Kind::type_expected, callee.range,
                                fmt::format("{} `{}` gives no value", sema::spelling(symbol.kind), name));
  if (symbol.kind == SymbolKind::gate) report.help("`await` it as a statement, or name it behind `requires`");
  if (symbol.kind == SymbolKind::action || symbol.kind == SymbolKind::procedure)
    report.help("it does something: write it as a statement of a plan or procedure");
  if (symbol.kind == SymbolKind::hold) report.help("`with HOLD { }` takes it");
  return {};
}

void Expressions::check_carries(const Typed &host, sema::RoleId role, Range range) {
  if (!role.valid() || host.type.role == role || host.among == nullptr) return;
  for (const sema::HostId id : *host.among) {
    const sema::Host &candidate = context_->program.site.hosts[id.index];
    if (candidate.carries(role)) continue;
    const std::string &name = context_->program.roles[role.index].symbol.name;
    context_
        ->error(Kind::role_not_carried, range,
                fmt::format("host `{}` does not carry the role `{}`", candidate.name, name))
        .label(candidate.range, "declared here")
        .note(host.among->size() > 1 ? "every host that can stand here must carry it"
                                     : "the parameter asks for a host of that role");
    return;
  }
}

std::vector<NodeId> Expressions::arguments(sema::SymbolRef callee, const ast::Ref &ref, Body &body) {
  return arguments(callee,
                   ref.arguments ? std::span<const ast::Argument>(*ref.arguments) : std::span<const ast::Argument>(),
                   ref.range, body);
}

std::vector<NodeId> Expressions::arguments(sema::SymbolRef callee, std::span<const ast::Argument> given, Range call,
                                           Body &body) {
  const std::span<const sema::Parameter> parameters = context_->program.parameters(callee);
  const sema::Symbol &symbol = context_->program.symbol(callee);
  std::vector<const ast::Argument *> chosen(parameters.size(), nullptr);
  const std::string what = fmt::format("{} `{}`", sema::spelling(callee.kind), symbol.name);
  bool broken = false;
  std::size_t position = 0;
  for (const ast::Argument &argument : given) {
    std::size_t at = position;
    if (argument.name) {
      at = 0;
      while (at < parameters.size() && parameters[at].name != argument.name->text) ++at;
      if (at == parameters.size()) {
        std::vector<std::string_view> names;
        for (const sema::Parameter &parameter : parameters) names.push_back(parameter.name);
        auto report = context_->error(Kind::wrong_arguments, argument.name->range,
                                      fmt::format("{} has no parameter `{}`", what, argument.name->text));
        report.label(symbol.range, "declared here");
        const std::string_view near = diagnostics::did_you_mean(argument.name->text, names);
        if (!near.empty()) report.fix(fmt::format("write `{}`", near), argument.name->range, std::string(near));
        broken = true;
        value(*argument.value, body);
        continue;
      }
    } else {
      ++position;
    }
    if (at >= parameters.size()) {
      context_
          ->error(Kind::wrong_arguments, argument.range,
                  fmt::format("{} takes {} argument{}", what,
                              parameters.size() == 0 ? "no" : std::to_string(parameters.size()),
                              parameters.size() == 1 ? "" : "s"))
          .label(symbol.range, "declared here");
      broken = true;
      value(*argument.value, body);
      continue;
    }
    if (chosen[at] != nullptr) {
      context_
          ->error(Kind::wrong_arguments, argument.range,
                  fmt::format("parameter `{}` is given twice", parameters[at].name))
          .label(chosen[at]->range, "given here");
      broken = true;
      continue;
    }
    chosen[at] = &argument;
  }
  std::vector<NodeId> result;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const sema::Parameter &parameter = parameters[i];
    const std::string place = fmt::format("parameter `{}` of {}", parameter.name, what);
    if (chosen[i] != nullptr) {
      result.push_back(value_as(*chosen[i]->value, body, parameter.type, place).node);
    } else if (parameter.ast != nullptr && parameter.ast->default_value != nullptr) {
      Body outside;  // a default stands in the declaration: it sees no names of either body
      outside.place = body.place;
      outside.module = symbol.module;
      outside.asking = body.asking;
      result.push_back(value_as(*parameter.ast->default_value, outside, parameter.type, place).node);
    } else if (!broken) {
      context_->error(Kind::wrong_arguments, call, fmt::format("{} is missing", place))
          .label(symbol.range, "declared here");
      broken = true;
    }
  }
  return result;
}

Typed Expressions::hosts(const ast::Expr &expr, Body &body, std::string_view what) {
  Typed result = value(expr, body);
  if (result.poisoned() || result.type.is(Base::host) || result.type.is_hosts()) return result;
  context_->error(Kind::type_expected, expr.range,
                  fmt::format("{} is a host or a set of hosts, found {}", what, context_->article(result.type)));
  return {};
}

}  // namespace upg::lower
