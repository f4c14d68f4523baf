#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/address.h"
#include "compiler/sema/site.h"
#include "runtime/plan/bytecode.h"

namespace upg::sema {

using diagnostics::Kind;

void SiteBuilder::check_addresses() {
  std::unordered_map<std::string, HostId> seen;
  for (std::size_t i = 0; i < program_.site.hosts.size(); ++i) {
    const Host &host = program_.site.hosts[i];
    const auto [at, fresh] =
        seen.emplace(address_key(host.address.empty() ? host.name : host.address, host.port), HostId(i));
    if (fresh) continue;
    const Host &other = program_.site.hosts[at->second.index];
    sink_
        .report(Kind::duplicate_address, address_ranges_[i],
                fmt::format("hosts `{}` and `{}` have one address", other.name, host.name))
        .label(address_ranges_[at->second.index], fmt::format("the address of `{}`", other.name))
        .note("one machine under two names would be upgraded twice at once");
  }
}

void SiteBuilder::check_bastions() {
  // Hosts in an order in which every bastion comes before those behind it; what is left hangs in a circle.
  auto &hosts = program_.site.hosts;
  std::vector<std::size_t> waiting(hosts.size());
  std::vector<std::vector<std::size_t>> behind(hosts.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    waiting[i] = via_[i].size();
    for (const auto &hop : via_[i]) behind[hop.first.index].push_back(i);
    if (waiting[i] == 0) ready.push_back(i);
  }
  constexpr std::size_t most_hops = 8;
  std::vector<bool> done(hosts.size(), false);
  for (std::size_t at = 0; at < ready.size(); ++at) {
    const std::size_t i = ready[at];
    done[i] = true;
    std::vector<HostId> &chain = hosts[i].via;
    for (const auto &hop : via_[i]) {
      for (const HostId before : hosts[hop.first.index].via)
        if (std::find(chain.begin(), chain.end(), before) == chain.end()) chain.push_back(before);
      if (std::find(chain.begin(), chain.end(), hop.first) == chain.end()) chain.push_back(hop.first);
    }
    if (chain.size() > most_hops) {
      sink_.report(Kind::value_out_of_range, hosts[i].range,
                   fmt::format("host `{}` is behind {} bastions, at most {} are possible", hosts[i].name, chain.size(),
                               most_hops));
      chain.resize(most_hops);
    }
    for (const std::size_t next : behind[i])
      if (--waiting[next] == 0) ready.push_back(next);
  }
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (done[i]) continue;
    // follow what is left until a host repeats, or until a circle that was reported
    std::vector<std::size_t> path;
    std::size_t here = i;
    bool circle = true;
    while (circle && std::find(path.begin(), path.end(), here) == path.end()) {
      path.push_back(here);
      const auto next =
          std::find_if(via_[here].begin(), via_[here].end(), [&](const auto &hop) { return !done[hop.first.index]; });
      circle = next != via_[here].end();
      if (circle) here = next->first.index;
    }
    if (circle) {
      std::string names;
      for (auto it = std::find(path.begin(), path.end(), here); it != path.end(); ++it)
        names += fmt::format("`{}` via ", hosts[*it].name);
      sink_
          .report(Kind::bastion_cycle, via_[here].front().second,
                  fmt::format("hosts are reached through each other: {}`{}`", names, hosts[here].name))
          .note("a bastion is reached without the hosts behind it");
    }
    for (const std::size_t p : path) done[p] = true;
  }
}

void SiteBuilder::check_guests() {
  // A guest waits for its role, a role for the hosts that carry it; whatever never becomes free is a guest of itself.
  const auto &hosts = program_.site.hosts;
  const std::size_t count = hosts.size();
  std::vector<std::size_t> waiting(count + program_.roles.size(), 0);
  std::vector<std::vector<std::size_t>> frees(waiting.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!hosts[i].guest_of.valid()) continue;
    ++waiting[i];
    frees[count + hosts[i].guest_of.index].push_back(i);
  }
  for (std::size_t r = 0; r < program_.roles.size(); ++r) {
    if (frees[count + r].empty()) continue;  // nobody is a guest of it
    waiting[count + r] = program_.roles[r].hosts.size();
    for (const HostId host : program_.roles[r].hosts) frees[host.index].push_back(count + r);
  }
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (waiting[i] == 0) ready.push_back(i);
  for (std::size_t at = 0; at < ready.size(); ++at)
    for (const std::size_t next : frees[ready[at]])
      if (--waiting[next] == 0) ready.push_back(next);
  for (std::size_t i = 0; i < count; ++i) {
    if (waiting[i] == 0 || !hosts[i].guest_of.valid()) continue;
    const Role &role = program_.roles[hosts[i].guest_of.index];
    sink_
        .report(Kind::bad_guest, hosts[i].range,
                fmt::format("host `{}` is a guest of `{}` and carries it, itself or through others", hosts[i].name,
                            role.symbol.name))
        .label(role.symbol.range, "the role")
        .note("what takes a carrier down takes its guests down: that needs an end");
    break;
  }
  for (const Host &host : hosts)
    if (host.guest_of.valid() && program_.roles[host.guest_of.index].hosts.empty())
      sink_.report(Kind::empty_set, host.range,
                   fmt::format("host `{}` is a guest of `{}`, which no host carries", host.name,
                               program_.roles[host.guest_of.index].symbol.name));
}

namespace {

/// Every text with its length, so that no two sites give one text.
void put(std::string &out, std::string_view text) { out += fmt::format("{}:{}\n", text.size(), text); }

void put(std::string &out, const Value &value, const Program &program) {
  if (const auto *items = std::get_if<std::vector<Value>>(&value.data)) {
    put(out, fmt::format("list {}", items->size()));
    for (const Value &item : *items) put(out, item, program);
    return;
  }
  put(out, spelling(value.type.base));
  put(out, to_string(value, program));
}

void put(std::string &out, const std::vector<Attribute> &attributes, const Program &program) {
  put(out, fmt::format("attributes {}", attributes.size()));
  for (const Attribute &attribute : attributes) {
    put(out, attribute.key);
    put(out, attribute.value, program);
  }
}

}  // namespace

std::string fingerprint(const Program &program) {
  const Site &site = program.site;
  if (!site.cluster.valid()) return {};
  std::string text;
  put(text, "upg site 1");
  put(text, program.clusters[site.cluster.index].symbol.bare);
  put(text, site.attributes, program);
  put(text, fmt::format("hosts {}", site.hosts.size()));
  for (const Host &host : site.hosts) {
    put(text, host.name);
    put(text, host.address);
    put(text, fmt::format("{}", host.port));
    put(text, host.user);
    std::vector<std::string_view> roles;
    for (const RoleId role : host.roles) roles.push_back(program.roles[role.index].symbol.name);
    std::sort(roles.begin(), roles.end());
    put(text, fmt::format("roles {}", roles.size()));
    for (const std::string_view role : roles) put(text, role);
    put(text, fmt::format("via {}", host.via.size()));
    for (const HostId hop : host.via) put(text, site.hosts[hop.index].name);
    put(text, host.guest_of.valid() ? program.roles[host.guest_of.index].symbol.name : "");
    put(text, host.guest_at.valid() ? program.probes[host.guest_at.index].symbol.name : "");
    put(text, host.out_reason ? "out" : "");
    put(text, host.out_reason.value_or(""));
    put(text, host.attributes, program);
  }
  return plan::sha256_hex(text);
}

}  // namespace upg::sema
