#include "compiler/sema/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/values.h"
#include "runtime/plan/validate.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

constexpr Kinds any_value = SymbolKind::role | SymbolKind::host_set | SymbolKind::host | SymbolKind::param |
                            SymbolKind::state | SymbolKind::probe | SymbolKind::secret;

/// The names of `a.b.c`; empty if the expression is no such path.
std::vector<const ast::Name *> path_of(const ast::Expr &expr) {
  std::vector<const ast::Name *> parts;
  const ast::Expr *at = &expr;
  while (const auto *field = at->as<ast::FieldExpr>()) {
    parts.push_back(&field->field);
    at = field->base.get();
  }
  const auto *name = at->as<ast::NameExpr>();
  if (!name) return {};
  parts.push_back(&name->name);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

/// The text of a value inside "${ }".
std::string interpolated(const Value &value, const Program &program) {
  if (const auto *text = std::get_if<std::string>(&value.data)) return *text;
  return to_string(value, program);
}

}  // namespace

const Local *Scope::find(std::string_view name) const {
  for (auto at = locals.rbegin(); at != locals.rend(); ++at)
    if (at->name == name) return &*at;
  return nullptr;
}

Known Evaluator::poison(Kind kind, Range range, std::string message) {
  resolver_->sink().report(kind, range, std::move(message));
  return Known::poisoned;
}

Known Evaluator::constant(const ast::Expr &expr, const Scope &scope, Value &out) {
  if (expr.is<ast::ErrorExpr>()) return Known::poisoned;
  if (const auto *n = expr.as<ast::StringLiteral>()) return text(*n, scope, out);
  if (auto literal = values::of_literal(expr)) {
    out = std::move(*literal);
    return Known::yes;
  }
  if (expr.is<ast::PercentLiteral>())
    return poison(Kind::value_out_of_range, expr.range, "a percentage is exact to four places after the point");
  if (const auto *n = expr.as<ast::ListExpr>()) return list(*n, scope, out);
  if (expr.is<ast::NameExpr>()) return path(path_of(expr), scope, out);
  if (const auto *n = expr.as<ast::FieldExpr>()) {
    if (const auto parts = path_of(expr); !parts.empty()) return path(parts, scope, out);
    Value base;
    const Known known = constant(*n->base, scope, base);
    return known == Known::yes ? field(base, n->field, out) : known;
  }
  if (const auto *n = expr.as<ast::UnaryExpr>()) return unary(*n, scope, out);
  if (const auto *n = expr.as<ast::BinaryExpr>()) return binary(expr, *n, scope, out);
  if (const auto *n = expr.as<ast::DefaultExpr>()) return fallback(*n, scope, out);
  if (const auto *n = expr.as<ast::CountExpr>()) {
    if (!n->of.binder()) {
      Value list;
      const Known known = constant(n->of.set(), scope, list);
      if (known != Known::yes) return known;
      if (!list.type.is(Base::list))
        return poison(
            Kind::type_mismatch, n->of.range,
            fmt::format("`count` needs a list or a set, this is {}", with_article(list.type, resolver_->program())));
      out = values::integer(static_cast<std::int64_t>(list.items().size()));
      return Known::yes;
    }
    Value list;
    const Known known = constant(n->of.set(), scope, list);
    if (known != Known::yes) return known;
    if (!values::as_hosts(list)) return Known::no;
    const StaticHosts found = hosts(n->of, scope);
    if (found.known == Known::yes) out = values::integer(static_cast<std::int64_t>(found.hosts.size()));
    return found.known;
  }
  return Known::no;
}

Known Evaluator::path(std::span<const ast::Name *const> parts, const Scope &scope, Value &out) {
  const Program &program = resolver_->program();
  const ast::Name &first = *parts[0];
  std::size_t used = 1;
  if (const Local *local = scope.find(first.text)) {
    if (!local->value) return Known::no;
    out = *local->value;
  } else if (first.text == "all") {
    std::vector<HostId> every;
    for (std::size_t i = 0; i < program.site.hosts.size(); ++i) every.emplace_back(i);
    out = values::hosts(std::move(every));
  } else if (first.text == "local" || first.text == "was" || (first.text == "host" && parts.size() > 1)) {
    return Known::no;
  } else if (first.text == "plan" && parts.size() > 1) {
    used = 2;
    const Head &head = program.head;
    const std::string &member = parts[1]->text;
    if (member == "from" || member == "to") {
      if (!head.upgrade.valid()) return Known::no;
      out = values::string(member == "from" ? head.from : head.to);
      if (out.text().empty())
        return poison(Kind::unknown_attribute, parts[1]->range,
                      fmt::format("`plan.{}` has no value: the upgrade has no `from \"..\" to \"..\"`", member));
    } else if (member == "name" || member == "cluster") {
      if (!head.upgrade.valid()) return Known::no;
      const Upgrade &upgrade = program.upgrades[head.upgrade.index];
      out = values::string(member == "name" ? upgrade.symbol.bare : upgrade.ast->cluster.text);
    } else {
      return poison(Kind::unknown_attribute, parts[1]->range,
                    fmt::format("a plan has no `{}`: it has from, to, name and cluster", member));
    }
  } else if (first.text == "cluster" && parts.size() > 1) {
    used = 2;
    if (!program.site.cluster.valid()) return Known::poisoned;  // reported, or a module alone
    const Cluster &cluster = program.clusters[program.site.cluster.index];
    if (const Attribute *attribute = program.site.attribute(parts[1]->text)) {
      if (attribute->value.poisoned()) return Known::poisoned;
      out = attribute->value;
    } else if (parts[1]->text == "name") {
      out = values::string(cluster.symbol.bare);
    } else {
      std::vector<std::string_view> names;
      for (const Attribute &a : program.site.attributes) names.push_back(a.key);
      const std::string meant(diagnostics::did_you_mean(parts[1]->text, names));
      auto report = resolver_->sink().report(
          Kind::unknown_attribute, parts[1]->range,
          fmt::format("cluster `{}` has no attribute `{}`", cluster.symbol.bare, parts[1]->text));
      report.label(cluster.symbol.range, "the cluster");
      if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), parts[1]->range, meant);
      return Known::poisoned;
    }
  } else {
    const Found found = resolver_->resolve(scope.module, parts, any_value);
    if (found.status != Found::Status::found) return Known::poisoned;
    used = found.consumed;
    switch (found.symbol.kind) {
      case SymbolKind::role: {
        const Role &role = program.roles[found.symbol.index];
        out = values::hosts(role.hosts, RoleId(found.symbol.index));
        break;
      }
      case SymbolKind::host_set: {
        const HostSet &set = program.host_sets[found.symbol.index];
        if (!set.settled) return unsettled(*parts[0]);
        if (set.poisoned) return Known::poisoned;
        if (set.dynamic) return Known::no;
        out = values::hosts(set.hosts, set.type.role);
        break;
      }
      case SymbolKind::host:
        out = values::host(HostId(found.symbol.index));
        break;
      case SymbolKind::param: {
        const Param &param = program.params[found.symbol.index];
        if (!param.settled) return unsettled(*parts[0]);
        if (param.value.poisoned()) return Known::poisoned;
        out = param.value;
        break;
      }
      default:
        return Known::no;
    }
  }
  for (; used < parts.size(); ++used) {
    const Value base = std::move(out);
    const Known known = field(base, *parts[used], out);
    if (known != Known::yes) return known;
  }
  return Known::yes;
}

Known Evaluator::unsettled(const ast::Name &name) {
  resolver_->sink()
      .report(Kind::not_constant, name.range, fmt::format("`{}` has no value yet", name.text))
      .note("params and host sets get their values in the order in which they stand, those of used modules first");
  return Known::poisoned;
}

Known Evaluator::field(const Value &base, const ast::Name &name, Value &out) {
  const HostId *id = std::get_if<HostId>(&base.data);
  if (!id) return Known::no;  // members of texts and lists are asked at run time
  const Program &program = resolver_->program();
  const Host &host = program.site.hosts[id->index];
  if (const Attribute *attribute = host.attribute(name.text)) {
    if (attribute->value.poisoned()) return Known::poisoned;
    out = attribute->value;
    return Known::yes;
  }
  if (name.text == "name" || name.text == "address" || name.text == "user") {
    out = values::string(name.text == "name"      ? host.name
                         : name.text == "address" ? (host.address.empty() ? host.name : host.address)
                                                  : host.user);
    return Known::yes;
  }
  std::vector<std::string_view> names;
  for (const Host &other : program.site.hosts)
    for (const Attribute &a : other.attributes) names.push_back(a.key);
  const std::string meant(diagnostics::did_you_mean(name.text, names));
  auto report = resolver_->sink().report(Kind::unknown_attribute, name.range,
                                         fmt::format("host `{}` has no attribute `{}`", host.name, name.text));
  report.label(host.range, "the host");
  const bool elsewhere = std::find(names.begin(), names.end(), name.text) != names.end();
  if (elsewhere)
    report.help(
        fmt::format("give every host of the set `{}`, or write `default` and what holds without it", name.text));
  if (!meant.empty() && !elsewhere) report.fix(fmt::format("did you mean `{}`?", meant), name.range, meant);
  return Known::poisoned;
}

Known Evaluator::list(const ast::ListExpr &list, const Scope &scope, Value &out) {
  std::vector<Value> items;
  Known known = Known::yes;
  for (const ast::ExprPtr &item : list.items) {
    Value value;
    const Known one = constant(*item, scope, value);
    if (one == Known::poisoned) return one;
    if (one == Known::no) known = one;
    items.push_back(std::move(value));
  }
  if (known == Known::yes) out = values::list(std::move(items));
  return known;
}

Known Evaluator::text(const ast::StringLiteral &literal, const Scope &scope, Value &out) {
  std::string joined;
  for (const ast::StringPart &part : literal.parts) {
    if (const auto *piece = std::get_if<std::string>(&part.part)) {
      joined += *piece;
      continue;
    }
    Value value;
    const Known known = constant(*std::get<ast::ExprPtr>(part.part), scope, value);
    if (known != Known::yes) return known;
    joined += interpolated(value, resolver_->program());
  }
  out = values::string(std::move(joined));
  return Known::yes;
}

Known Evaluator::unary(const ast::UnaryExpr &unary, const Scope &scope, Value &out) {
  Value value;
  const Known known = constant(*unary.operand, scope, value);
  if (known != Known::yes) return known;
  if (unary.op == ast::UnaryOp::logical_not) {
    if (!value.type.is(Base::boolean))
      return poison(Kind::bad_operands, unary.operand->range,
                    fmt::format("`not` needs a bool, this is {}", with_article(value.type, resolver_->program())));
    out = values::boolean(!std::get<bool>(value.data));
    return Known::yes;
  }
  if (value.type.is(Base::decimal)) {
    const std::string &digits = value.text();
    out = {value.type, digits.starts_with('-') ? digits.substr(1) : fmt::format("-{}", digits)};
    return Known::yes;
  }
  const auto *number = std::get_if<std::int64_t>(&value.data);
  if (!number || value.type.is(Base::time))
    return poison(Kind::bad_operands, unary.operand->range,
                  fmt::format("`-` needs a number, this is {}", with_article(value.type, resolver_->program())));
  std::int64_t negated = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, *number, &negated))
    return poison(Kind::value_out_of_range, unary.operand->range, "the result does not fit into 64 bits");
  out = {value.type, negated};
  return Known::yes;
}

Known Evaluator::logical(const ast::BinaryExpr &binary, const Scope &scope, Value &out) {
  const bool decides = binary.op == ast::BinaryOp::logical_or;
  Known known = Known::yes;
  for (const ast::Expr *side : {binary.left.get(), binary.right.get()}) {
    Value value;
    const Known one = constant(*side, scope, value);
    if (one == Known::poisoned) return one;
    if (one == Known::no) {
      known = one;
      continue;
    }
    if (!value.type.is(Base::boolean))
      return poison(Kind::bad_operands, side->range,
                    fmt::format("`{}` needs a bool on both sides, this is {}", decides ? "or" : "and",
                                with_article(value.type, resolver_->program())));
    if (std::get<bool>(value.data) == decides) {
      out = values::boolean(decides);
      return Known::yes;
    }
  }
  if (known == Known::yes) out = values::boolean(!decides);
  return known;
}

Known Evaluator::binary(const ast::Expr &expr, const ast::BinaryExpr &binary, const Scope &scope, Value &out) {
  using ast::BinaryOp;
  if (binary.op == BinaryOp::logical_and || binary.op == BinaryOp::logical_or) return logical(binary, scope, out);
  if (binary.op == BinaryOp::matches) return Known::no;
  Value left, right;
  Known known = constant(*binary.left, scope, left);
  if (known != Known::yes) return known;  // what stands right may be the value of a state
  known = constant(*binary.right, scope, right);
  if (known != Known::yes) return known;

  const Program &program = resolver_->program();
  const auto mismatch = [&] {
    const std::string unit = right.type.is(Base::integer)  ? suggest_unit(left.type, to_string(right, program))
                             : left.type.is(Base::integer) ? suggest_unit(right.type, to_string(left, program))
                                                           : std::string();
    if (!unit.empty()) {
      const ast::Expr &bare = right.type.is(Base::integer) ? *binary.right : *binary.left;
      resolver_->sink()
          .report(Kind::missing_unit, bare.range,
                  fmt::format("`{}` has no unit", to_string(right.type.is(Base::integer) ? right : left, program)))
          .fix(fmt::format("write `{}`", unit), bare.range, unit);
      return Known::poisoned;
    }
    resolver_->sink()
        .report(Kind::bad_operands, binary.op_range,
                fmt::format("`{}` cannot be applied to {} and {}", ast::spelling(binary.op),
                            to_string(left.type, program), to_string(right.type, program)))
        .label(binary.left->range, to_string(left.type, program))
        .label(binary.right->range, to_string(right.type, program));
    return Known::poisoned;
  };
  switch (binary.op) {
    case BinaryOp::equal:
    case BinaryOp::not_equal:
      if (!comparable(left.type, right.type)) return mismatch();
      out = values::boolean(values::equal(left, right) == (binary.op == BinaryOp::equal));
      return Known::yes;
    case BinaryOp::less:
    case BinaryOp::less_equal:
    case BinaryOp::greater:
    case BinaryOp::greater_equal: {
      if (!ordered(left.type, right.type)) return mismatch();
      const auto order = values::compare(left, right);
      if (!order) return Known::no;
      const bool answer = binary.op == BinaryOp::less         ? *order < 0
                          : binary.op == BinaryOp::less_equal ? *order <= 0
                          : binary.op == BinaryOp::greater    ? *order > 0
                                                              : *order >= 0;
      out = values::boolean(answer);
      return Known::yes;
    }
    case BinaryOp::in:
    case BinaryOp::contains: {
      const Value &whole = binary.op == BinaryOp::in ? right : left;
      const Value &part = binary.op == BinaryOp::in ? left : right;
      if (whole.type.is(Base::list)) {
        if (!comparable(whole.type.element_type(), part.type)) return mismatch();
        const auto &items = whole.items();
        out = values::boolean(
            std::any_of(items.begin(), items.end(), [&](const Value &v) { return values::equal(v, part); }));
        return Known::yes;
      }
      if (!whole.type.is(Base::string) || !part.type.is(Base::string) || binary.op == BinaryOp::in) return mismatch();
      out = values::boolean(whole.text().find(part.text()) != std::string::npos);
      return Known::yes;
    }
    default:
      break;
  }
  switch (values::apply(binary.op, left, right, out)) {
    case values::Problem::none:
      return Known::yes;
    case values::Problem::later:
      return Known::no;
    case values::Problem::operands:
      return mismatch();
    case values::Problem::overflow:
      return poison(Kind::value_out_of_range, expr.range, "the result does not fit into 64 bits");
    case values::Problem::zero:
      return poison(Kind::value_out_of_range, binary.right->range, "division by zero");
  }
  return Known::no;
}

Known Evaluator::fallback(const ast::DefaultExpr &expr, const Scope &scope, Value &out) {
  if (const auto *written = expr.value->as<ast::FieldExpr>()) {
    Value base;
    const auto parts = path_of(*expr.value);
    const bool of_cluster = parts.size() == 2 && parts[0]->text == "cluster" && !scope.find("cluster");
    if (of_cluster) {
      const Program &program = resolver_->program();
      if (program.site.cluster.valid() && !program.site.attribute(parts[1]->text))
        return constant(*expr.fallback, scope, out);
    } else if (parts.empty() || scope.find(parts[0]->text)) {
      const Known known = constant(*written->base, scope, base);
      if (known != Known::yes) return known;
      const HostId *id = std::get_if<HostId>(&base.data);
      if (id && !resolver_->program().site.hosts[id->index].attribute(written->field.text) &&
          written->field.text != "name" && written->field.text != "address" && written->field.text != "user")
        return constant(*expr.fallback, scope, out);
    }
  }
  return constant(*expr.value, scope, out);
}

bool Evaluator::fits(const Value &value, const Type &type) const {
  const Program &program = resolver_->program();
  if (value.type.is(Base::host) && type.is(Base::host) && type.role.valid())
    return program.site.hosts[std::get<HostId>(value.data).index].carries(type.role);
  if (value.type.is(Base::list) && type.is(Base::list)) {
    const Type element = type.element_type();
    return std::all_of(value.items().begin(), value.items().end(),
                       [&](const Value &item) { return fits(item, element); });
  }
  return assignable(value.type, type);
}

std::optional<Value> Evaluator::constant_of(const ast::Expr &expr, const Scope &scope, const Type &type,
                                            std::string_view what) {
  Value value;
  const Program &program = resolver_->program();
  switch (constant(expr, scope, value)) {
    case Known::poisoned:
      return std::nullopt;
    case Known::no:
      resolver_->sink()
          .report(Kind::not_constant, expr.range, fmt::format("{} must be known before the run", what))
          .note("a plan is proved for fixed values: literals, parameters and attributes");
      return std::nullopt;
    case Known::yes:
      break;
  }
  if (fits(value, type)) return value;
  const std::string unit = value.type.is(Base::integer) ? suggest_unit(type, to_string(value, program)) : std::string();
  if (!unit.empty()) {
    resolver_->sink()
        .report(
            Kind::missing_unit, expr.range,
            fmt::format("{} is {}, but `{}` has no unit", what, with_article(type, program), to_string(value, program)))
        .fix(fmt::format("write `{}`", unit), expr.range, unit);
  } else if (const HostId *host = std::get_if<HostId>(&value.data); host && type.is(Base::host)) {
    resolver_->sink().report(Kind::type_mismatch, expr.range,
                             fmt::format("{} is {}, but `{}` does not carry it", what, with_article(type, program),
                                         program.site.hosts[host->index].name));
  } else {
    resolver_->sink().report(
        Kind::type_mismatch, expr.range,
        fmt::format("{} is {}, this is {}", what, with_article(type, program), with_article(value.type, program)));
  }
  return std::nullopt;
}

std::optional<std::int64_t> Evaluator::duration(const ast::Expr &expr, const Scope &scope, std::string_view what) {
  const auto value = constant_of(expr, scope, Type::of(Base::duration), what);
  if (!value) return std::nullopt;
  if (value->integer() < 0) {
    poison(Kind::value_out_of_range, expr.range, fmt::format("{} cannot be negative", what));
    return std::nullopt;
  }
  if (value->integer() <= plan::Limits::duration) return value->integer();
  constexpr std::int64_t kDay = std::int64_t{24} * 3600 * 1000;
  poison(Kind::value_out_of_range, expr.range,
         fmt::format("{} is {} days, a plan knows at most {} days", what, value->integer() / kDay,
                     plan::Limits::duration / kDay));
  return std::nullopt;
}

std::optional<std::int64_t> Evaluator::count(const ast::Expr &expr, const Scope &scope, std::int64_t least,
                                             std::int64_t most, std::string_view what) {
  const auto value = constant_of(expr, scope, Type::of(Base::integer), what);
  if (!value) return std::nullopt;
  const std::int64_t number = value->integer();
  if (number >= least && number <= most) return number;
  poison(Kind::value_out_of_range, expr.range, fmt::format("{} is {} to {}, not {}", what, least, most, number));
  return std::nullopt;
}

StaticHosts Evaluator::hosts(const ast::Expr &set, const Scope &scope) {
  StaticHosts out;
  Value value;
  out.known = constant(set, scope, value);
  if (out.known == Known::no) {
    // a dynamic set by its name: what it chooses from is known
    const auto parts = path_of(set);
    if (parts.empty() || scope.find(parts[0]->text)) return out;
    std::vector<std::string_view> texts;
    for (const ast::Name *part : parts) texts.push_back(part->text);
    const Found found = resolver_->find(scope.module, texts);
    if (found.status != Found::Status::found || found.symbol.kind != SymbolKind::host_set ||
        found.consumed != parts.size())
      return out;
    const HostSet &named = resolver_->program().host_sets[found.symbol.index];
    out.hosts = named.hosts;
    out.role = named.type.role;
    return out;
  }
  if (out.known != Known::yes) return out;
  auto found = values::as_hosts(value);
  if (!found) {
    out.known =
        poison(Kind::type_mismatch, set.range,
               fmt::format("hosts are needed here, this is {}", with_article(value.type, resolver_->program())));
    return out;
  }
  out.hosts = std::move(*found);
  out.role = value.type.role;
  return out;
}

StaticHosts Evaluator::hosts(const ast::Binder &binder, const Scope &scope) {
  StaticHosts base = hosts(*binder.set, scope);
  if (base.known != Known::yes || !binder.where) return base;
  StaticHosts out;
  out.known = Known::yes;
  out.role = base.role;
  Scope inner = scope;
  inner.locals.push_back({binder.variable.text, std::nullopt});
  for (const HostId host : base.hosts) {
    inner.locals.back().value = values::host(host, base.role);
    Value answer;
    const Known known = constant(*binder.where, inner, answer);
    if (known == Known::no) {
      base.known = Known::no;
      return base;
    }
    if (known == Known::yes && !answer.type.is(Base::boolean))
      poison(Kind::type_mismatch, binder.where->range,
             fmt::format("a condition is a bool, this is {}", with_article(answer.type, resolver_->program())));
    if (known == Known::poisoned || !answer.type.is(Base::boolean)) {
      out.known = Known::poisoned;
      out.hosts.clear();
      return out;
    }
    if (std::get<bool>(answer.data)) out.hosts.push_back(host);
  }
  return out;
}

StaticHosts Evaluator::hosts(const ast::Selection &selection, const Scope &scope) {
  if (const ast::Binder *binder = selection.binder()) return hosts(*binder, scope);
  return hosts(selection.set(), scope);
}

bool Evaluator::require_hosts(const StaticHosts &found, bool if_any, Range range) {
  if (found.known != Known::yes || !found.hosts.empty() || if_any) return true;
  const Program &program = resolver_->program();
  if (!program.site.complete) return false;  // what is missing was reported
  auto report = resolver_->sink().report(Kind::empty_set, range, "this set of hosts is empty");
  if (found.role.valid() && program.roles[found.role.index].hosts.empty()) {
    const Role &role = program.roles[found.role.index];
    report.note(fmt::format("no host of the cluster carries role `{}`", role.symbol.name));
    report.label(role.symbol.range, "the role");
  } else {
    report.note("an empty set is never taken for all hosts");
  }
  report.help("write `if any` after the set if none is fine");
  return false;
}

}  // namespace upg::sema
