#include "compiler/sema/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace upg::sema {
namespace {

using diagnostics::Kind;

constexpr std::array every_kind{SymbolKind::role,    SymbolKind::state,  SymbolKind::probe,     SymbolKind::gate,
                                SymbolKind::action,  SymbolKind::hold,   SymbolKind::procedure, SymbolKind::host_set,
                                SymbolKind::param,   SymbolKind::secret, SymbolKind::host,      SymbolKind::versions,
                                SymbolKind::cluster, SymbolKind::upgrade};

/// "a gate", "a role or a set of hosts", "a role, a set of hosts or a host"
std::string list_of(Kinds kinds) {
  std::vector<std::string> words;
  for (const SymbolKind kind : every_kind)
    if (kinds.has(kind)) words.push_back(with_article(kind));
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string joined(std::span<const ast::Name *const> parts, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count && i < parts.size(); ++i) out += (i > 0 ? "." : "") + parts[i]->text;
  return out;
}

Range over(std::span<const ast::Name *const> parts, std::size_t count) {
  Range range = parts.front()->range;
  if (count > 0) range.end = parts[std::min(count, parts.size()) - 1]->range.end;
  return range;
}

}  // namespace

Found Resolver::find(ModuleId from, std::span<const std::string_view> parts) const {
  Found out;
  if (parts.empty()) return out;
  const Module &here = program_->modules[from.index];
  const auto in_module = [&](ModuleId module, std::string_view name) -> std::optional<SymbolRef> {
    const auto &names = program_->names[module.index];
    const auto at = names.find(std::string(name));
    if (at == names.end()) return std::nullopt;
    return at->second;
  };
  const auto found = [&](SymbolRef symbol, std::size_t consumed) {
    out.status = Found::Status::found;
    out.symbol = symbol;
    out.consumed = consumed;
    return out;
  };

  ModuleId named;
  if (!here.name.empty() && here.name == parts[0]) named = from;
  for (const ModuleUse &use : here.uses)
    if (program_->modules[use.module.index].name == parts[0]) named = use.module;
  if (named.valid() && parts.size() > 1)
    if (const auto symbol = in_module(named, parts[1])) return found(*symbol, 2);

  if (const auto own = in_module(from, parts[0])) return found(*own, 1);
  std::vector<SymbolRef> candidates;
  for (const ModuleUse &use : here.uses)
    if (const auto symbol = in_module(use.module, parts[0])) candidates.push_back(*symbol);
  if (!here.standard)
    if (const auto host = program_->host_names.find(std::string(parts[0])); host != program_->host_names.end())
      candidates.push_back({SymbolKind::host, host->second.index});
  if (candidates.size() == 1) return found(candidates.front(), 1);
  if (candidates.size() > 1) {
    out.status = Found::Status::ambiguous;
    out.all = std::move(candidates);
    out.consumed = 1;
  } else if (named.valid()) {
    out.status = Found::Status::no_such_member;
    out.module = named;
    out.consumed = std::min<std::size_t>(parts.size(), 2);
  }
  return out;
}

Found Resolver::resolve(ModuleId from, std::span<const ast::Name *const> parts, Kinds kinds,
                        std::span<const std::string_view> also) {
  std::vector<std::string_view> texts;
  for (const ast::Name *part : parts) texts.push_back(part->text);
  Found found = find(from, texts);
  switch (found.status) {
    case Found::Status::found:
      mark_used(from, found.symbol);
      if (!check_kind(found.symbol, joined(parts, found.consumed), over(parts, found.consumed), kinds))
        found.status = Found::Status::none;
      break;
    case Found::Status::ambiguous:
      report_ambiguous(found, texts[0], parts[0]->range);
      break;
    case Found::Status::none:
      report_unknown(from, found, texts[0], parts[0]->range, kinds, also);
      break;
    case Found::Status::no_such_member:
      report_unknown(from, found, joined(parts, found.consumed), over(parts, found.consumed), kinds, also);
      break;
  }
  return found;
}

std::optional<SymbolRef> Resolver::resolve(ModuleId from, const ast::QName &name, Kinds kinds,
                                           std::span<const std::string_view> also) {
  std::vector<const ast::Name *> parts;
  for (const ast::Name &part : name.parts) parts.push_back(&part);
  if (parts.empty()) return std::nullopt;
  const Found found = resolve(from, parts, kinds, also);
  if (found.status != Found::Status::found) return std::nullopt;
  if (found.consumed < parts.size()) {
    const std::string what = joined(parts, found.consumed);
    sink_->report(Kind::unknown_name, name.range, fmt::format("`{}` does not exist", name.text()))
        .note(fmt::format("`{}` is {}, not a module", what, with_article(found.symbol.kind)));
    return std::nullopt;
  }
  return found.symbol;
}

bool Resolver::check_kind(SymbolRef symbol, std::string_view name, Range range, Kinds kinds) {
  if (kinds.has(symbol.kind)) return true;
  auto report =
      sink_->report(Kind::wrong_kind, range,
                    fmt::format("`{}` is {}, but {} is needed here", name, with_article(symbol.kind), list_of(kinds)));
  if (symbol.kind == SymbolKind::host)
    report.label(program_->site.hosts[symbol.index].range, "the host");
  else
    report.label(program_->symbol(symbol).range, fmt::format("{} is declared here", with_article(symbol.kind)));
  return false;
}

void Resolver::report_ambiguous(const Found &found, std::string_view name, Range range) {
  auto report =
      sink_->report(Kind::ambiguous_name, range, fmt::format("`{}` could mean {} things", name, found.all.size()));
  std::string choices;
  for (const SymbolRef candidate : found.all) {
    if (candidate.kind == SymbolKind::host) {
      report.label(program_->site.hosts[candidate.index].range, "a host");
      continue;
    }
    const Symbol &symbol = program_->symbol(candidate);
    report.label(symbol.range,
                 fmt::format("{} of module `{}`", with_article(candidate.kind), program_->module(symbol.module).name));
    choices += (choices.empty() ? "write `" : "` or `") + symbol.name;
  }
  report.help(choices + "`");
}

void Resolver::report_unknown(ModuleId from, const Found &found, std::string_view name, Range range, Kinds kinds,
                              std::span<const std::string_view> also) {
  if (!reported_.insert(fmt::format("{} {}", from.index, name)).second) return;
  const bool hasty = reported_.size() > 64;  // a suggestion costs a look at every name, and nobody reads that many

  const Module &here = program_->modules[from.index];
  const bool member = found.status == Found::Status::no_such_member && name.find('.') != std::string_view::npos;
  // What could not be read may well hold the name: then only a near miss is worth a message.
  bool complete = program_->trees[from.index]->complete && here.missing.empty();
  for (const ModuleUse &use : here.uses) complete = complete && program_->trees[use.module.index]->complete;
  if (kinds.has(SymbolKind::host) && !here.standard) complete = complete && program_->site.complete;
  if (member) complete = program_->trees[found.module.index]->complete;
  if (std::find(here.missing.begin(), here.missing.end(), name) != here.missing.end()) return;
  const std::vector<ast::Name> &broken = program_->trees[from.index]->file.broken;
  if (std::any_of(broken.begin(), broken.end(), [&](const ast::Name &b) { return b.text == name; })) return;

  std::vector<std::string> fitting, others;
  const auto offer = [&](ModuleId module, bool qualified, bool bare) {
    for (const auto &[text, symbol] : program_->names[module.index]) {
      auto &list = kinds.has(symbol.kind) ? fitting : others;
      if (bare) list.push_back(text);
      if (qualified) list.push_back(program_->symbol(symbol).name);
    }
  };
  const std::string_view wanted = member ? name.substr(name.find('.') + 1) : name;
  if (member && !hasty) {
    offer(found.module, false, true);
  } else if (!hasty) {
    offer(from, false, true);
    for (const ModuleUse &use : here.uses) offer(use.module, true, true);
    if (kinds.has(SymbolKind::host) && !here.standard)
      for (const Host &host : program_->site.hosts) fitting.push_back(host.name);
    fitting.insert(fitting.end(), also.begin(), also.end());
  }
  std::string meant;
  for (auto *list : {&fitting, &others}) {
    std::sort(list->begin(), list->end());
    const std::vector<std::string_view> views(list->begin(), list->end());
    if (meant.empty()) meant = diagnostics::did_you_mean(wanted, views);
  }
  if (member && !meant.empty()) meant = fmt::format("{}.{}", name.substr(0, name.find('.')), meant);
  if (!complete && meant.empty()) return;

  const bool host_only = name.find('-') != std::string_view::npos;
  const std::string message = found.status == Found::Status::no_such_member && !member
                                  ? fmt::format("`{}` is a module: write `{}.NAME`", name, name)
                              : member
                                  ? fmt::format("module `{}` declares no `{}`", program_->module(found.module).name,
                                                name.substr(name.find('.') + 1))
                              : host_only ? fmt::format("there is no host `{}`", name)
                                          : fmt::format("`{}` is not declared", name);
  auto report = sink_->report(host_only ? Kind::unknown_host : Kind::unknown_name, range, message);
  if (host_only) {  // `total-1` is one word: a minus wants blanks
    const std::size_t hyphen = name.find('-');
    const auto is_left = [&](std::string_view word) { return word == name.substr(0, hyphen); };
    if (std::any_of(fitting.begin(), fitting.end(), is_left) || std::any_of(others.begin(), others.end(), is_left)) {
      const std::string difference = fmt::format("{} - {}", name.substr(0, hyphen), name.substr(hyphen + 1));
      report.fix(fmt::format("write `{}` for the difference", difference), range, difference);
      return;
    }
  }
  if (!meant.empty()) {
    report.fix(fmt::format("did you mean `{}`?", meant), range, meant);
    return;
  }
  // It may be in a module that is loaded but not used here.
  for (std::size_t i = 0; i < program_->modules.size(); ++i) {
    const Module &other = program_->modules[i];
    if (ModuleId(i) == from || other.name.empty()) continue;
    const std::string_view first = name.substr(0, name.find('.'));
    if (other.name == first && found.status == Found::Status::none) {
      report.help(fmt::format("module `{}` exists but is not used in this file: add `use {}`", first, first));
      return;
    }
    const auto at = program_->names[i].find(std::string(name));
    const bool used =
        std::any_of(here.uses.begin(), here.uses.end(), [&](const ModuleUse &u) { return u.module == ModuleId(i); });
    if (at == program_->names[i].end() || used || !kinds.has(at->second.kind)) continue;
    report.help(fmt::format("module `{}` declares it: add `use {}`", other.name, other.name));
    return;
  }
  // Where a value is wanted the quotes may be what is missing.
  if (kinds.has(SymbolKind::param) && kinds.has(SymbolKind::role) && !member && name.size() > 2)
    report.help(fmt::format("a text stands in quotes: `\"{}\"`", name));
}

namespace {
template <typename Id>
std::optional<Id> as(std::optional<SymbolRef> ref) {
  if (!ref) return std::nullopt;
  return Id(ref->index);
}
}  // namespace

std::optional<RoleId> Resolver::role(ModuleId from, const ast::QName &name) {
  return as<RoleId>(resolve(from, name, SymbolKind::role));
}
std::optional<GateId> Resolver::gate(ModuleId from, const ast::QName &name) {
  return as<GateId>(resolve(from, name, SymbolKind::gate));
}
std::optional<ProbeId> Resolver::probe(ModuleId from, const ast::QName &name) {
  return as<ProbeId>(resolve(from, name, SymbolKind::probe));
}
std::optional<HoldId> Resolver::hold(ModuleId from, const ast::QName &name) {
  return as<HoldId>(resolve(from, name, SymbolKind::hold));
}
std::optional<StateId> Resolver::state(ModuleId from, const ast::QName &name) {
  return as<StateId>(resolve(from, name, SymbolKind::state));
}

std::optional<HostId> Resolver::host(const ast::Name &name) {
  if (const auto at = program_->host_names.find(name.text); at != program_->host_names.end()) return at->second;
  std::vector<std::string_view> names;
  for (const Host &host : program_->site.hosts) names.push_back(host.name);
  const std::string meant(sink_->dropped() > 0 ? "" : diagnostics::did_you_mean(name.text, names));
  if (meant.empty() && !program_->site.complete) return std::nullopt;
  auto report = sink_->report(Kind::unknown_host, name.range, fmt::format("there is no host `{}`", name.text));
  if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), name.range, meant);
  return std::nullopt;
}

Type Resolver::type(ModuleId from, const ast::Type &written) {
  const Type poison = Type::of(Base::poison);
  const auto bad_arguments = [&](std::string message) {
    sink_->report(Kind::bad_type_arguments, written.range, std::move(message));
    return poison;
  };
  const std::optional<Base> base =
      written.name.parts.size() == 1 ? base_named(written.name.parts[0].text) : std::optional<Base>();
  if (base == Base::list) {
    if (written.arguments.size() != 1) return bad_arguments("a list says what it holds: `list<string>`");
    const Type element = type(from, written.arguments[0]);
    return element.poisoned() ? poison : Type::list_of(element);
  }
  if (!written.arguments.empty()) return bad_arguments(fmt::format("`{}` takes no type in `< >`", written.name.text()));
  if (base) return Type::of(*base);

  std::vector<std::string_view> parts;
  for (const ast::Name &part : written.name.parts) parts.push_back(part.text);
  if (const Found found = find(from, parts); found.status == Found::Status::none && parts.size() == 1) {
    std::vector<std::string_view> known = type_names();
    if (const auto meant = diagnostics::did_you_mean(parts[0], known); !meant.empty()) {
      sink_->report(Kind::unknown_type, written.range, fmt::format("there is no type `{}`", parts[0]))
          .fix(fmt::format("did you mean `{}`?", meant), written.range, std::string(meant));
      return poison;
    }
  }
  const auto found = role(from, written.name);
  return found ? Type::host_of(*found) : poison;
}

std::optional<std::uint32_t> Resolver::state_value(StateId state, const ast::Name &name) {
  const State &s = program_->states[state.index];
  if (const auto value = s.value(name.text)) return value;
  std::vector<std::string_view> names;
  std::string all;
  for (const ast::StateValue &value : s.ast->values) {
    names.push_back(value.name.text);
    all += (all.empty() ? "" : ", ") + value.name.text;
  }
  const std::string meant(diagnostics::did_you_mean(name.text, names));
  auto report = sink_->report(Kind::unknown_value, name.range,
                              fmt::format("state `{}` has no value `{}`", s.symbol.name, name.text));
  report.label(s.symbol.range, fmt::format("its values are {}", all));
  if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), name.range, meant);
  return std::nullopt;
}

void Resolver::mark_used(ModuleId from, SymbolRef ref) {
  if (ref.kind == SymbolKind::host) return;
  Symbol &symbol = program_->symbol(ref);
  symbol.used = true;
  for (ModuleUse &use : program_->modules[from.index].uses)
    if (use.module == symbol.module) use.used = true;
}

void Resolver::check_shadowing(ModuleId from, const ast::Name &name) {
  if (program_->modules[from.index].standard) return;
  const Found found = find(from, name.text);
  if (found.status != Found::Status::found) return;
  auto report = sink_->report(Kind::shadowed_name, name.range,
                              fmt::format("`{}` hides {} of that name", name.text, with_article(found.symbol.kind)));
  if (found.symbol.kind == SymbolKind::host)
    report.label(program_->site.hosts[found.symbol.index].range, "the host");
  else
    report.label(program_->symbol(found.symbol).range, fmt::format("the {}", spelling(found.symbol.kind)));
}

void Resolver::report_unused() {
  if (!program_->head.upgrade.valid() || sink_->errors() > 0) return;
  const Module &entry = program_->modules[0];
  for (const ModuleUse &use : entry.uses) {
    if (use.used) continue;
    // Without it its rules would be gone, unless another module brings it in.
    bool brought = false;
    for (std::size_t i = 1; i < program_->modules.size(); ++i)
      for (const ModuleUse &other : program_->modules[i].uses) brought = brought || other.module == use.module;
    const auto of_module = [&](const auto &rules) {
      return std::any_of(rules.begin(), rules.end(), [&](const auto &rule) { return rule.module == use.module; });
    };
    const bool has_rules =
        of_module(program_->orders) || of_module(program_->ranks) || of_module(program_->commands) ||
        (program_->alive.valid() && program_->roles[program_->alive.index].symbol.module == use.module);
    if (has_rules && !brought) continue;
    sink_->report(Kind::unused_module, use.range,
                  fmt::format("nothing of module `{}` is used in this file", program_->module(use.module).name));
  }
  std::size_t plans = 0;
  for (const Upgrade &upgrade : program_->upgrades) plans += upgrade.symbol.module == ModuleId(0) ? 1u : 0u;
  if (plans > 1) return;  // another plan of the file may use it
  std::vector<SymbolRef> unused;
  for (const auto &name : program_->names[0])
    if (!program_->symbol(name.second).used) unused.push_back(name.second);
  std::sort(unused.begin(), unused.end(), [&](SymbolRef a, SymbolRef b) {
    return program_->symbol(a).range.begin < program_->symbol(b).range.begin;
  });
  for (const SymbolRef ref : unused)
    sink_->report(Kind::unused_declaration, program_->symbol(ref).range,
                  fmt::format("{} `{}` is not used", spelling(ref.kind), program_->symbol(ref).bare));
}

}  // namespace upg::sema
