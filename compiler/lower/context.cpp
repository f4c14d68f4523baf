#include "compiler/lower/context.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::lower {

NodeId Context::constant(const sema::Value &value, Range where) {
  const auto integral = [&](Op op) { return node(op, where, build.integer(value.integer()).index, 0, {}); };
  const auto textual = [&](Op op) { return node(op, where, string(value.text()).index, 0, {}); };
  switch (value.type.base) {
    case Base::boolean:
      return node(Op::boolean, where, std::get<bool>(value.data) ? 1u : 0u, 0, {});
    case Base::integer:
      return integral(Op::number);
    case Base::duration:
      return integral(Op::duration);
    case Base::size:
      return integral(Op::size);
    case Base::percent:
      return integral(Op::percent);
    case Base::time:
      return integral(Op::time);
    case Base::decimal:
      return textual(Op::decimal);
    case Base::version:
      return textual(Op::version);
    case Base::string:
    case Base::cell:
      return textual(Op::text);
    case Base::host:
      return node(Op::host, where, std::get<sema::HostId>(value.data).index, 0, {});
    case Base::list: {
      std::vector<NodeId> items;
      for (const sema::Value &item : value.items()) items.push_back(constant(item, where));
      return node(Op::list, where, 0, 0, items);
    }
    default:
      return node(Op::no_answer, where, string("not a constant").index, 0, {});
  }
}

plan::Type Context::type(const Type &type) const {
  plan::Type result;
  result.base = sema::plan_base(type.base);
  result.element = sema::plan_base(type.element);
  result.role = plan_id(type.role);
  return result;
}

bool Context::tolerates() const {
  if (!program.head.upgrade.valid()) return false;
  const std::vector<ast::UpgradeItem> &items = program.upgrades[program.head.upgrade.index].ast->items;
  return std::any_of(items.begin(), items.end(),
                     [](const auto &item) { return item.template as<ast::Tolerate>() != nullptr; });
}

diagnostics::Diagnostic Context::empty_set(Range range, sema::RoleId role) const {
  diagnostics::Diagnostic d{};
  d.kind = Kind::empty_set;
  d.message = "this set of hosts is empty";
  d.primary = {range, ""};
  if (role.valid() && program.roles[role.index].hosts.empty()) {
    const sema::Symbol &symbol = program.roles[role.index].symbol;
    d.secondary.push_back({symbol.range, "the role"});
    d.notes.push_back(fmt::format("no host of the cluster carries role `{}`", symbol.name));
  } else {
    d.notes.push_back("an empty set is never taken for all hosts, and never for \"fine\"");
  }
  d.helps.push_back("write `if any` after the set if none is fine");
  return d;
}

std::string Context::article(const Type &type) const {
  const std::string shown = show(type);
  if (type.is(Base::nothing) || type.is(Base::any)) return shown;
  const bool vowel = !shown.empty() && std::string_view("aeiou").find(shown.front()) != std::string_view::npos;
  return (vowel ? "an `" : "a `") + shown + "`";
}

std::uint32_t Context::bind(Body &body, LocalName::Kind kind, const ast::Name &name, Type type, Hosts among) {
  resolver.check_shadowing(body.module, name);
  if (const LocalName *other = find(body, name.text)) {
    error(Kind::name_bound_twice, name.range, fmt::format("`{}` is bound already in this body", name.text))
        .label(other->range, "bound here");
  }
  const auto slot = static_cast<std::uint32_t>(body.frame.slots.size());
  body.frame.slots.push_back(string(name.text));
  LocalName local;
  local.kind = kind;
  local.name = name.text;
  local.slot = slot;
  local.type = type;
  local.range = name.range;
  local.among = std::move(among);
  local.errors = sink.errors();
  body.locals.push_back(std::move(local));
  return slot;
}

LocalName *Context::find(Body &body, std::string_view name) const {
  for (auto local = body.locals.rbegin(); local != body.locals.rend(); ++local) {
    if (local->name == name) return &*local;
  }
  return nullptr;
}

void Context::leave(Body &body, std::size_t keep) {
  const bool quiet = program.module(body.module).standard || !complete(body.module);
  while (body.locals.size() > keep) {
    const LocalName &local = body.locals.back();
    if (!local.used && !quiet && local.errors == sink.errors()) {
      static constexpr std::string_view words[] = {"the parameter", "the value", "the name"};
      error(Kind::unused_name, local.range,
            fmt::format("{} `{}` is never used", words[static_cast<std::size_t>(local.kind)], local.name));
    }
    body.locals.pop_back();
  }
}

Body Context::enter(Place place, sema::ModuleId module, const std::vector<sema::Parameter> &parameters) {
  Body body;
  body.place = place;
  body.module = module;
  for (const sema::Parameter &parameter : parameters) {
    plan::Parameter lowered;
    lowered.name = string(parameter.name);
    lowered.type = type(parameter.type);
    body.frame.parameters.push_back(lowered);
    bind(body, LocalName::Kind::parameter, parameter.ast->name, parameter.type, nullptr);
  }
  return body;
}

sema::Scope Context::scope(const Body &body) const {
  sema::Scope result;
  result.module = body.module;
  for (const LocalName &local : body.locals) result.locals.push_back({local.name, std::nullopt});
  return result;
}

std::vector<std::string_view> Context::names(const Body &body) const {
  std::vector<std::string_view> result;
  for (const LocalName &local : body.locals) result.push_back(local.name);
  return result;
}

Hosts Context::hosts_of(const Type &type) {
  if (carriers_.empty()) carriers_.resize(program.roles.size() + 1);
  Hosts &known = carriers_[type.role.valid() ? type.role.index : program.roles.size()];
  if (known == nullptr) {
    auto hosts = std::make_shared<std::vector<sema::HostId>>();
    if (type.role.valid()) {
      *hosts = program.roles[type.role.index].hosts;
    } else {
      for (std::size_t i = 0; i < program.site.hosts.size(); ++i) hosts->push_back(sema::HostId(i));
    }
    known = std::move(hosts);
  }
  return known;
}

plan::SetId Context::host_set(const std::vector<sema::HostId> &hosts, Range where) {
  const auto place = std::lower_bound(sets_.begin(), sets_.end(), hosts, [](const auto &entry, const auto &wanted) {
    return std::lexicographical_compare(entry.first.begin(), entry.first.end(), wanted.begin(), wanted.end());
  });
  if (place != sets_.end() && place->first == hosts) return place->second;
  plan::HostSet set;
  for (const sema::HostId host : hosts) set.hosts.push_back(plan_id(host));
  set.where = span(where);
  const auto id = plan::Builder::add<plan::SetId>(build.plan.sets, std::move(set));
  sets_.insert(place, {hosts, id});
  return id;
}

}  // namespace upg::lower
