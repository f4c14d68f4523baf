#include "compiler/sema/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compiler/sema/address.h"
#include "compiler/sema/modules.h"
#include "compiler/sema/values.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

void suggest(Sink::Builder &report, std::string_view word, std::span<const std::string_view> candidates, Range range) {
  const std::string meant(diagnostics::did_you_mean(word, candidates));
  if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), range, meant);
}

}  // namespace

ModuleId SiteBuilder::module() const { return program_.clusters[program_.site.cluster.index].symbol.module; }

bool SiteBuilder::find_cluster() {
  if (!program_.head.upgrade.valid()) return false;
  const ast::Name &wanted = program_.upgrades[program_.head.upgrade.index].ast->cluster;
  const auto visible = [&](const Cluster &cluster) {
    if (cluster.symbol.module == ModuleId(0)) return true;
    const auto &uses = program_.modules[0].uses;
    return std::any_of(uses.begin(), uses.end(),
                       [&](const ModuleUse &use) { return use.module == cluster.symbol.module; });
  };
  std::vector<std::string_view> names;
  std::vector<ClusterId> found;
  for (std::size_t i = 0; i < program_.clusters.size(); ++i) {
    const Cluster &cluster = program_.clusters[i];
    if (!visible(cluster)) continue;
    names.push_back(cluster.symbol.bare);
    if (cluster.symbol.bare == wanted.text) found.emplace_back(i);
  }
  if (found.empty()) {
    const bool complete =
        std::all_of(program_.trees.begin(), program_.trees.end(), [](const auto &t) { return t->complete; }) &&
        program_.modules[0].missing.empty();
    if (!complete && diagnostics::did_you_mean(wanted.text, names).empty()) return false;
    auto report =
        sink_.report(Kind::unknown_cluster, wanted.range, fmt::format("there is no cluster `{}`", wanted.text));
    suggest(report, wanted.text, names, wanted.range);
    if (names.empty()) report.help("a `cluster NAME { }` names the hosts, in this file or in a module it uses");
    return false;
  }
  for (std::size_t i = 1; i < found.size(); ++i)
    if (program_.clusters[found[i].index].symbol.module != program_.clusters[found[0].index].symbol.module)
      sink_.report(Kind::ambiguous_name, wanted.range, fmt::format("`{}` could mean several clusters", wanted.text))
          .label(program_.clusters[found[0].index].symbol.range, "one")
          .label(program_.clusters[found[i].index].symbol.range, "another one");
  program_.site.cluster = found.front();
  resolver_.mark_used(ModuleId(0), {SymbolKind::cluster, found.front().index});
  cluster_ = program_.clusters[found.front().index].ast;
  return true;
}

HostId SiteBuilder::add_host(const std::string &name, Range range, bool imported, bool addressed) {
  if (const auto problem = host_name_problem(name)) {
    sink_.report(Kind::bad_host_name, range,
                 fmt::format("`{}` cannot be the name of a host: {}", printable(name), *problem));
    return {};
  }
  if (const auto known = program_.host_names.find(name); known != program_.host_names.end()) {
    Origin &origin = origins_[known->second.index];
    Host &host = program_.site.hosts[known->second.index];
    const bool adds = imported ? !origin.imported && !origin.addressed : !origin.written && !addressed;
    if (adds) {
      (imported ? origin.imported : origin.written) = true;
      if (!imported) host.range = range;
      return known->second;
    }
    auto report = sink_.report(Kind::duplicate_host, range, fmt::format("host `{}` is declared twice", name));
    report.label(host.range, "first declared here");
    if (imported != origin.imported || origin.written == imported)
      report.note("beside an inventory a host block adds roles and attributes, but no address");
    return {};
  }
  const HostId id(program_.site.hosts.size());
  Host host;
  host.name = name;
  host.range = range;
  program_.site.hosts.push_back(std::move(host));
  program_.host_names.emplace(name, id);
  via_.emplace_back();
  origins_.push_back({imported, !imported, addressed});
  address_ranges_.push_back(range);
  return id;
}

void SiteBuilder::collect() {
  if (!find_cluster()) {
    program_.site.complete = !program_.head.upgrade.valid();
    return;
  }
  for (const ast::ClusterItem &item : cluster_->items) {
    if (const auto *decl = item.as<ast::InventoryImport>()) import(*decl);
    if (const auto *decl = item.as<ast::HostDecl>())
      for (const ast::HostHead &head : decl->hosts)
        if (const HostId id = add_host(head.name.text, head.name.range, false, head.address.has_value()); id.valid())
          inline_.push_back({id, decl, &head});
  }
  if (program_.site.hosts.empty() && sink_.errors() == 0)
    sink_.report(Kind::empty_set, cluster_->name.range, fmt::format("cluster `{}` has no hosts", cluster_->name.text))
        .help("add `host NAME \"ADDRESS\" { roles ... }` or `import \"inventory.json\"`");
}

void SiteBuilder::import(const ast::InventoryImport &decl) {
  if (!decl.path.plain()) {
    sink_.report(Kind::not_constant, decl.path.range, "the path of an inventory is plain text, without `${}`");
    return;
  }
  const std::string written = decl.path.text();
  const bool absolute = written.starts_with('/');
  const std::string path = (absolute ? "" : folder_of(sources_.path(program_.modules[module().index].file))) + written;
  std::string why = "a path cannot hold a NUL byte";
  std::optional<FileId> file;
  if (written.find('\0') == std::string::npos) file = sources_.load(path, max_inventory_bytes, why);
  if (!file) {
    sink_
        .report(Kind::unreadable_inventory, decl.path.range,
                fmt::format("cannot read inventory `{}`: {}", printable(path), why))
        .note("a path is taken from the folder of the file that imports it");
    program_.site.complete = false;
    return;
  }
  auto inventory = read_inventory(sources_.text(*file), *file, sink_);
  program_.site.complete = program_.site.complete && inventory.has_value();
  if (!inventory) return;
  auto entry = std::make_unique<Import>();
  entry->decl = &decl;
  entry->file = *file;
  entry->inventory = std::move(*inventory);
  for (const ImportedHost &host : entry->inventory.hosts)
    entry->hosts.push_back(add_host(host.name.text, host.name.range, true, host.address.has_value()));
  if (entry->inventory.hosts.empty())
    sink_.report(Kind::bad_inventory, decl.path.range, fmt::format("inventory `{}` has no hosts", printable(path)));
  imports_.push_back(std::move(entry));
}

void SiteBuilder::set_address(HostId id, std::string_view text, Range range, std::uint32_t port) {
  std::string why;
  const auto address = parse_address(text, why);
  if (!address) {
    sink_.report(Kind::bad_address, range, fmt::format("`{}` cannot be an address: {}", printable(text), why));
    return;
  }
  Host &host = program_.site.hosts[id.index];
  host.address = address->host;
  host.port = address->port != 0 ? address->port : port;
  address_ranges_[id.index] = range;
}

void SiteBuilder::set_user(HostId id, const std::string &user, Range range) {
  if (const auto problem = user_problem(user))
    sink_.report(Kind::bad_address, range, fmt::format("`{}` cannot be a user: {}", printable(user), *problem));
  else
    program_.site.hosts[id.index].user = user;
}

Value SiteBuilder::attribute_value(const ast::Expr &expr) {
  if (auto literal = values::of_literal(expr)) return std::move(*literal);
  if (const auto *unary = expr.as<ast::UnaryExpr>(); unary && unary->op == ast::UnaryOp::minus) {
    Value out;
    Evaluator evaluator(resolver_);
    Scope scope;
    scope.module = module();
    return evaluator.constant(expr, scope, out) == Known::yes ? out : values::poison();
  }
  if (const auto *list = expr.as<ast::ListExpr>()) {
    std::vector<Value> items;
    for (const ast::ExprPtr &item : list->items) {
      items.push_back(attribute_value(*item));
      if (items.back().poisoned()) return values::poison();
    }
    return values::list(std::move(items));
  }
  if (const auto *name = expr.as<ast::NameExpr>()) {
    const std::string &text = name->name.text;
    if (const auto host = program_.host_names.find(text); host != program_.host_names.end())
      return values::host(host->second);
    if (name->name.hyphenated()) {
      resolver_.host(name->name);  // only a host has a hyphen
      return values::poison();
    }
    const Found found = resolver_.find(module(), text);
    if (found.status == Found::Status::found && found.symbol.kind == SymbolKind::param) {
      resolver_.mark_used(module(), found.symbol);
      return program_.params[found.symbol.index].value;
    }
    return values::string(text);
  }
  if (!expr.is<ast::ErrorExpr>())
    sink_.report(Kind::not_constant, expr.range,
                 "an attribute is a literal, a list, a parameter or the name of a host");
  return values::poison();
}

void SiteBuilder::cluster_attributes() {
  for (const ast::ClusterItem &item : cluster_->items) {
    const auto *attribute = item.as<ast::Attribute>();
    if (!attribute) continue;
    Value value = attribute_value(*attribute->value);
    if (attribute->name.text == "user") {
      if (value.poisoned()) continue;
      const auto *text = std::get_if<std::string>(&value.data);
      if (!text || !value.type.is(Base::string))
        sink_.report(Kind::type_mismatch, attribute->value->range, "a user is a string");
      else if (const auto problem = user_problem(*text))
        sink_.report(Kind::bad_address, attribute->value->range,
                     fmt::format("`{}` cannot be a user: {}", printable(*text), *problem));
      else
        default_user_ = *text;
      continue;
    }
    if (attribute->name.text == "name") {
      sink_.report(Kind::reserved_name, attribute->name.range, "every cluster has a `name` already");
      continue;
    }
    program_.site.attributes.push_back({attribute->name.text, std::move(value), attribute->name.range});
  }
  settle_attributes(program_.site.attributes);
}

void SiteBuilder::settle_attributes(std::vector<Attribute> &attributes) {
  std::stable_sort(attributes.begin(), attributes.end(),
                   [](const Attribute &a, const Attribute &b) { return a.key < b.key; });
  for (std::size_t i = 1; i < attributes.size(); ++i)
    if (attributes[i].key == attributes[i - 1].key)
      sink_
          .report(Kind::duplicate_item, attributes[i].range,
                  fmt::format("attribute `{}` stands twice", attributes[i].key))
          .label(attributes[i - 1].range, "first here");
  const auto last = std::unique(attributes.begin(), attributes.end(),
                                [](const Attribute &a, const Attribute &b) { return a.key == b.key; });
  attributes.erase(last, attributes.end());
}

void SiteBuilder::store(HostId id, std::string key, Value value, Range range) {
  Host &host = program_.site.hosts[id.index];
  if (!value.poisoned()) {
    const auto [at, fresh] = attribute_types_.emplace(key, std::pair(value.type, range));
    Type &known = at->second.first;
    const bool fits =
        value.type.base == known.base && (!value.type.is(Base::list) || value.type.element == known.element ||
                                          value.type.element == Base::any || known.element == Base::any);
    if (!fits)
      sink_
          .report(Kind::attribute_type, range,
                  fmt::format("`{}` is {} here and {} on another host", key, with_article(value.type, program_),
                              with_article(known, program_)))
          .label(at->second.second, fmt::format("{} here", with_article(known, program_)));
    else if (!fresh && known.is(Base::list) && known.element == Base::any)
      at->second = {value.type, range};
  }
  host.attributes.push_back({std::move(key), std::move(value), range});
}

void SiteBuilder::add_attribute(HostId id, const ast::Attribute &attribute) {
  const std::string &key = attribute.name.text;
  Value value = attribute_value(*attribute.value);
  if (key == "name" || key == "address") {
    sink_.report(Kind::reserved_name, attribute.name.range, fmt::format("every host has `{}` already", key))
        .help("the address stands after the name: `host node1 \"10.1.0.11\" { }`");
  } else if (key == "out") {
    sink_.report(Kind::reserved_name, attribute.name.range, "`out` is no attribute of a host")
        .note(
            "a host that is declared out counts as dead; that is an item of the cluster or the upgrade, not of the "
            "host")
        .help(fmt::format("write it beside the host's declaration: `host {} out \"why\"`",
                          program_.site.hosts[id.index].name));
  } else if (key == "user") {
    if (const auto *text = std::get_if<std::string>(&value.data); text && value.type.is(Base::string))
      set_user(id, *text, attribute.value->range);
    else if (!value.poisoned())
      sink_.report(Kind::type_mismatch, attribute.value->range, "a user is a string");
  } else if (key == "port") {
    const auto *number = std::get_if<std::int64_t>(&value.data);
    if (number && value.type.is(Base::integer) && *number >= 1 && *number <= 65'535)
      program_.site.hosts[id.index].port = static_cast<std::uint32_t>(*number);
    else if (!value.poisoned())
      sink_.report(Kind::value_out_of_range, attribute.value->range, "a port is a number from 1 to 65535");
  } else {
    store(id, key, std::move(value), attribute.name.range);
  }
}

void SiteBuilder::add_role(HostId id, RoleId role, Range range, bool repeated_is_wrong) {
  auto &roles = program_.site.hosts[id.index].roles;
  const auto at = std::lower_bound(roles.begin(), roles.end(), role);
  if (at == roles.end() || *at != role) {
    roles.insert(at, role);
  } else if (repeated_is_wrong) {
    sink_.report(Kind::duplicate_item, range,
                 fmt::format("host `{}` is given role `{}` twice", program_.site.hosts[id.index].name,
                             program_.roles[role.index].symbol.name));
  }
}

void SiteBuilder::complete_inline(const Inline &entry) {
  const HostId id = entry.host;
  if (entry.head->address) {
    if (entry.head->address->plain())
      set_address(id, entry.head->address->text(), entry.head->address->range, 0);
    else
      sink_.report(Kind::not_constant, entry.head->address->range, "an address is plain text, without `${}`");
  }
  const ast::HostGuest *guest = nullptr;
  for (const ast::HostItem &item : entry.decl->items) {
    if (const auto *roles = item.as<ast::HostRoles>()) {
      origins_[id.index].names_roles = true;
      for (const ast::Ref &ref : roles->roles)
        if (const auto role = resolver_.role(module(), ref.name)) add_role(id, *role, ref.range, true);
    } else if (const auto *via = item.as<ast::HostVia>()) {
      if (const auto bastion = resolver_.host(via->bastion)) via_[id.index].emplace_back(*bastion, via->bastion.range);
    } else if (const auto *attribute = item.as<ast::Attribute>()) {
      add_attribute(id, *attribute);
    } else if (const auto *of = item.as<ast::HostGuest>()) {
      if (guest)
        sink_.report(Kind::duplicate_item, item.range, "a host is a guest of one role")
            .label(guest->of.range, "the first");
      guest = of;
      Host &host = program_.site.hosts[id.index];
      if (const auto role = resolver_.role(module(), of->of)) host.guest_of = *role;
      if (of->at) host.guest_at = guest_probe(*of->at);
    }
  }
}

ProbeId SiteBuilder::guest_probe(const ast::Ref &ref) {
  const auto found = resolver_.probe(module(), ref.name);
  if (!found) return {};
  const Probe &probe = program_.probes[found->index];
  const bool one_host =
      probe.parameters.size() == 1 && (probe.parameters[0].type.is(Base::host) || probe.parameters[0].type.poisoned());
  const bool names_host = probe.result.is(Base::string) || probe.result.is(Base::host) || probe.result.poisoned();
  if (one_host && names_host) return *found;
  sink_.report(Kind::bad_signature, ref.range, fmt::format("`{}` cannot tell where a guest is", probe.symbol.name))
      .label(probe.symbol.range, "declared here")
      .note("it takes the guest (a host) and gives the name of the host that it runs on");
  return {};
}

void SiteBuilder::complete_imported(const Imported &entry) {
  const HostId id = entry.host;
  const ImportedHost &from = *entry.from;
  if (from.address)
    set_address(id, from.address->text, from.address->range, from.port.value_or(0));
  else if (from.port)
    program_.site.hosts[id.index].port = *from.port;
  if (from.user) set_user(id, from.user->text, from.user->range);
  origins_[id.index].names_roles |= !from.roles.empty();
  // without the quotes: a fix replaces the name
  const auto inner = [](Range range) { return Range{range.file, range.begin + 1, range.end - 1}; };
  for (const Located &written : from.roles) {
    ast::QName name;
    name.range = inner(written.range);
    std::string_view rest = written.text;
    for (;;) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      name.parts.push_back({std::string(rest.substr(0, dot)), name.range});
      if (dot == rest.size() || name.parts.size() > 2) break;
      rest.remove_prefix(dot + 1);
    }
    if (host_name_problem(written.text))
      sink_.report(Kind::unknown_name, written.range,
                   fmt::format("`{}` is not the name of a role", printable(written.text)));
    else if (const auto role = resolver_.role(module(), name))
      add_role(id, *role, written.range, true);
  }
  for (const Located &bastion : from.via)
    if (const auto host = resolver_.host({bastion.text, inner(bastion.range)}))
      via_[id.index].emplace_back(*host, bastion.range);
  for (const ImportedAttribute &attribute : from.attributes) {
    if (attribute.key == "name" || attribute.key == "address" || attribute.key == "user" || attribute.key == "port")
      sink_.report(Kind::reserved_name, attribute.range,
                   fmt::format("`{}` stands beside `attributes`, not in it", attribute.key));
    else
      store(id, attribute.key, attribute.value, attribute.range);
  }
}

void SiteBuilder::map_groups(const Import &import) {
  for (const ast::GroupMapping &mapping : import.decl->groups) {
    std::vector<RoleId> roles;
    for (const ast::Ref &ref : mapping.roles)
      if (const auto role = resolver_.role(module(), ref.name)) roles.push_back(*role);
    if (!import.inventory.grouped) {
      sink_.report(Kind::unknown_group, mapping.group.range,
                   "this inventory has no groups: its hosts name their roles themselves");
      continue;
    }
    const auto members = import.inventory.members(mapping.group.text());
    if (!members) {
      std::vector<std::string_view> names;
      for (const ImportedGroup &group : import.inventory.groups) names.push_back(group.name);
      auto report = sink_.report(Kind::unknown_group, mapping.group.range,
                                 fmt::format("the inventory has no group `{}`", printable(mapping.group.text())));
      const std::string meant(diagnostics::did_you_mean(mapping.group.text(), names));
      if (!meant.empty())
        report.fix(fmt::format("did you mean `{}`?", meant), mapping.group.range, fmt::format("\"{}\"", meant));
      continue;
    }
    for (const std::size_t member : *members)
      for (const RoleId role : roles)
        if (import.hosts[member].valid()) add_role(import.hosts[member], role, mapping.range, false);
  }
}

void SiteBuilder::declare_out(const ast::HostOut &out) {
  const auto id = resolver_.host(out.host);
  if (!id) return;
  Host &host = program_.site.hosts[id->index];
  if (host.out_reason)
    sink_.report(Kind::duplicate_item, out.host.range, fmt::format("host `{}` is declared out twice", host.name));
  if (!out.reason.plain()) sink_.report(Kind::not_constant, out.reason.range, "a reason is plain text, without `${}`");
  host.out_reason = out.reason.text();
}

void SiteBuilder::complete() {
  if (!cluster_) return;
  cluster_attributes();
  for (const Inline &entry : inline_) complete_inline(entry);
  for (const auto &import : imports_) {
    for (std::size_t i = 0; i < import->hosts.size(); ++i)
      if (import->hosts[i].valid()) complete_imported({import->hosts[i], &import->inventory.hosts[i]});
    map_groups(*import);
  }
  for (const ast::ClusterItem &item : cluster_->items)
    if (const auto *out = item.as<ast::HostOut>()) declare_out(*out);
  for (const ast::UpgradeItem &item : program_.upgrades[program_.head.upgrade.index].ast->items)
    if (const auto *out = item.as<ast::HostOut>()) declare_out(*out);
  for (std::size_t i = 0; i < program_.site.hosts.size(); ++i) {
    Host &host = program_.site.hosts[i];
    if (host.user.empty()) host.user = default_user_;
    settle_attributes(host.attributes);
  }
  check_addresses();
  check_bastions();
  fill_roles();
  check_guests();
}

void SiteBuilder::fill_roles() {
  std::vector<bool> bastion(program_.site.hosts.size(), false);
  const bool read =  // all that was written: what could not be may well say its roles
      std::all_of(program_.trees.begin(), program_.trees.end(), [](const auto &t) { return t->complete; });
  for (const auto &hops : via_)
    for (const auto &hop : hops) bastion[hop.first.index] = true;
  for (std::size_t i = 0; i < program_.site.hosts.size(); ++i) {
    Host &host = program_.site.hosts[i];
    if (read && host.roles.empty() && !bastion[i] && !host.out_reason && !origins_[i].names_roles) {
      auto report =
          sink_.report(Kind::host_without_role, host.range, fmt::format("host `{}` carries no role", host.name));
      report.note("nothing about it is checked or upgraded");
      for (const Attribute &attribute : host.attributes) {
        if (diagnostics::did_you_mean(attribute.key, std::array<std::string_view, 1>{"roles"}).empty()) continue;
        report.label(attribute.range, "an attribute of the host");
        report.help("write `roles NAME, NAME`");
      }
    }
    if (program_.alive.valid()) add_role(HostId(i), program_.alive, host.range, false);
    for (const RoleId role : host.roles) program_.roles[role.index].hosts.emplace_back(i);
  }
}

}  // namespace upg::sema
