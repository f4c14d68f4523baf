#include "compiler/sema/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/sema/calendar.h"

namespace upg::sema {
namespace {

template <typename Entries>
std::span<const Parameter> parameters_of(const Entries &entries, std::uint32_t index) {
  return index < entries.size() ? std::span<const Parameter>(entries[index].parameters) : std::span<const Parameter>();
}

template <typename Owner>
auto symbol_in(Owner &program, SymbolRef ref) -> decltype(&program.roles[0].symbol) {
  switch (ref.kind) {
    case SymbolKind::role:
      return &program.roles[ref.index].symbol;
    case SymbolKind::state:
      return &program.states[ref.index].symbol;
    case SymbolKind::probe:
      return &program.probes[ref.index].symbol;
    case SymbolKind::gate:
      return &program.gates[ref.index].symbol;
    case SymbolKind::action:
      return &program.actions[ref.index].symbol;
    case SymbolKind::hold:
      return &program.holds[ref.index].symbol;
    case SymbolKind::procedure:
      return &program.procedures[ref.index].symbol;
    case SymbolKind::host_set:
      return &program.host_sets[ref.index].symbol;
    case SymbolKind::param:
      return &program.params[ref.index].symbol;
    case SymbolKind::secret:
      return &program.secrets[ref.index].symbol;
    case SymbolKind::versions:
      return &program.versions[ref.index].symbol;
    case SymbolKind::cluster:
      return &program.clusters[ref.index].symbol;
    case SymbolKind::upgrade:
      return &program.upgrades[ref.index].symbol;
    case SymbolKind::host:
      break;  // hosts are no declarations of a module: the site has them
  }
  return nullptr;
}

std::string duration_text(std::int64_t ms) {
  if (ms == 0) return "0s";
  struct Unit {
    std::int64_t ms;
    const char *name;
  };
  constexpr std::array<Unit, 5> units{{{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}}};
  std::string out = ms < 0 ? "-" : "";
  std::uint64_t rest = ms < 0 ? 0 - static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
  for (const Unit &unit : units) {
    const auto size = static_cast<std::uint64_t>(unit.ms);
    if (rest >= size) out += fmt::format("{}{}", rest / size, unit.name);
    rest %= size;
  }
  return out;
}

std::string size_text(std::int64_t bytes) {
  constexpr std::array<std::pair<std::int64_t, const char *>, 8> units{{{1'000'000'000'000, "TB"},
                                                                        {std::int64_t{1} << 40, "TiB"},
                                                                        {1'000'000'000, "GB"},
                                                                        {std::int64_t{1} << 30, "GiB"},
                                                                        {1'000'000, "MB"},
                                                                        {std::int64_t{1} << 20, "MiB"},
                                                                        {1000, "KB"},
                                                                        {1024, "KiB"}}};
  for (const auto &[unit, name] : units)
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  return fmt::format("{}B", bytes);
}

std::string percent_text(std::int64_t millionths) {
  std::string text = fmt::format("{}", millionths / 10'000);
  if (millionths % 10'000 != 0) {
    std::string rest = fmt::format("{:04}", std::abs(millionths % 10'000));
    while (rest.back() == '0') rest.pop_back();
    text += "." + rest;
  }
  return text + "%";
}

}  // namespace

std::string_view spelling(SymbolKind kind) {
  switch (kind) {
    case SymbolKind::role:
      return "role";
    case SymbolKind::state:
      return "state";
    case SymbolKind::probe:
      return "probe";
    case SymbolKind::gate:
      return "gate";
    case SymbolKind::action:
      return "action";
    case SymbolKind::hold:
      return "hold";
    case SymbolKind::procedure:
      return "procedure";
    case SymbolKind::host_set:
      return "set of hosts";
    case SymbolKind::param:
      return "param";
    case SymbolKind::secret:
      return "secret";
    case SymbolKind::host:
      return "host";
    case SymbolKind::versions:
      return "list of versions";
    case SymbolKind::cluster:
      return "cluster";
    case SymbolKind::upgrade:
      return "upgrade";
  }
  return "?";
}

std::string with_article(SymbolKind kind) {
  return fmt::format("{} {}", kind == SymbolKind::action || kind == SymbolKind::upgrade ? "an" : "a", spelling(kind));
}

std::optional<std::uint32_t> State::value(std::string_view value_name) const {
  for (std::size_t i = 0; i < ast->values.size(); ++i)
    if (ast->values[i].name.text == value_name) return static_cast<std::uint32_t>(i);
  return std::nullopt;
}

namespace {
const Attribute *find_attribute(const std::vector<Attribute> &attributes, std::string_view key) {
  const auto at = std::lower_bound(attributes.begin(), attributes.end(), key,
                                   [](const Attribute &a, std::string_view k) { return a.key < k; });
  return at != attributes.end() && at->key == key ? &*at : nullptr;
}
}  // namespace

const Attribute *Host::attribute(std::string_view key) const { return find_attribute(attributes, key); }
const Attribute *Site::attribute(std::string_view key) const { return find_attribute(attributes, key); }
bool Host::carries(RoleId role) const { return std::binary_search(roles.begin(), roles.end(), role); }

Symbol &Program::symbol(SymbolRef ref) { return *symbol_in(*this, ref); }
const Symbol &Program::symbol(SymbolRef ref) const { return *symbol_in(*this, ref); }

std::span<const Parameter> Program::parameters(SymbolRef ref) const {
  switch (ref.kind) {
    case SymbolKind::state:
      return parameters_of(states, ref.index);
    case SymbolKind::probe:
      return parameters_of(probes, ref.index);
    case SymbolKind::gate:
      return parameters_of(gates, ref.index);
    case SymbolKind::action:
      return parameters_of(actions, ref.index);
    case SymbolKind::hold:
      return parameters_of(holds, ref.index);
    case SymbolKind::procedure:
      return parameters_of(procedures, ref.index);
    default:
      return {};
  }
}

std::string to_string(const Type &type, const Program &program) {
  const auto role_name = [&](RoleId role) { return program.roles[role.index].symbol.name; };
  switch (type.base) {
    case Base::host:
      return type.role.valid() ? role_name(type.role) : "host";
    case Base::cell:
      return type.state.valid() ? fmt::format("value of state {}", program.states[type.state.index].symbol.name)
                                : std::string(spelling(type.base));
    case Base::list:
      if (type.element == Base::host && type.role.valid()) return fmt::format("list<{}>", role_name(type.role));
      return fmt::format("list<{}>", type.element == Base::poison ? "any" : spelling(type.element));
    default:
      return std::string(spelling(type.base));
  }
}

std::string with_article(const Type &type, const Program &program) {
  const std::string text = to_string(type, program);
  if (type.is(Base::any) || type.is(Base::nothing)) return text;
  if (type.is(Base::host) && type.role.valid()) return fmt::format("a host with role `{}`", text);
  return fmt::format("{} {}", type.is(Base::integer) ? "an" : "a", text);
}

std::string to_string(const Value &value, const Program &program) {
  if (const bool *b = std::get_if<bool>(&value.data)) return *b ? "true" : "false";
  if (const HostId *h = std::get_if<HostId>(&value.data)) return program.site.hosts[h->index].name;
  if (const std::int64_t *i = std::get_if<std::int64_t>(&value.data)) {
    switch (value.type.base) {
      case Base::duration:
        return duration_text(*i);
      case Base::size:
        return size_text(*i);
      case Base::percent:
        return percent_text(*i);
      case Base::time:
        return calendar::to_string(calendar::from_days(*i >= 0 ? *i / 86'400 : (*i - 86'399) / 86'400));
      default:
        return fmt::format("{}", *i);
    }
  }
  if (const std::string *s = std::get_if<std::string>(&value.data))
    return value.type.base == Base::decimal ? *s : fmt::format("\"{}\"", *s);
  if (const auto *items = std::get_if<std::vector<Value>>(&value.data)) {
    std::string out = "[";
    for (const Value &item : *items) out += (out.size() > 1 ? ", " : "") + to_string(item, program);
    return out + "]";
  }
  return "?";
}

std::vector<HostId> in_visit_order(const Program &program, std::vector<HostId> hosts) {
  const auto level = [&](HostId host) {
    std::uint32_t highest = 0;
    for (const RoleId role : program.site.hosts[host.index].roles)
      if (role.index < program.rank_levels.size()) highest = std::max(highest, program.rank_levels[role.index]);
    return highest;
  };
  std::stable_sort(hosts.begin(), hosts.end(), [&](HostId a, HostId b) { return level(a) < level(b); });
  return hosts;
}

std::vector<HostId> limited(const Program &program, std::vector<HostId> hosts) {
  if (!program.limit) return hosts;
  std::erase_if(hosts, [&](HostId h) { return !std::binary_search(program.limit->begin(), program.limit->end(), h); });
  return hosts;
}

}  // namespace upg::sema
