#include "compiler/sema/inventory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "compiler/sema/address.h"
#include "compiler/sema/json_reader.h"
#include "compiler/sema/values.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

bool is_identifier(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && text.size() <= 128 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// A number, a text, a bool or a list of them; nothing for the rest.
std::optional<Value> plain(const json::Value &value, unsigned depth = 0) {
  if (const bool *b = value.as<bool>()) return values::boolean(*b);
  if (const auto *text = value.as<std::string>()) return values::string(*text);
  if (const auto *number = value.as<json::Number>())
    return values::parse(number->text, Type::of(number->whole() ? Base::integer : Base::decimal));
  const auto *array = value.as<json::Array>();
  if (!array || depth >= 4) return std::nullopt;
  std::vector<Value> items;
  for (const json::Value &item : *array) {
    auto one = plain(item, depth + 1);
    if (!one) return std::nullopt;
    items.push_back(std::move(*one));
  }
  return values::list(std::move(items));
}

/// Hosts of a group and of those below it, in the order in which they are met; each once.
std::optional<std::vector<std::size_t>> walk(const Inventory &inventory, std::string_view from) {
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < inventory.groups.size(); ++i) index.emplace(inventory.groups[i].name, i);
  const auto start = index.find(from);
  if (start == index.end()) return std::nullopt;
  std::vector<bool> seen(inventory.groups.size(), false);
  std::unordered_set<std::size_t> taken;
  std::vector<std::size_t> out, pending{start->second};
  seen[start->second] = true;
  while (!pending.empty()) {
    const ImportedGroup &group = inventory.groups[pending.back()];
    pending.pop_back();
    for (const std::size_t host : group.hosts)
      if (taken.insert(host).second) out.push_back(host);
    for (auto child = group.children.rbegin(); child != group.children.rend(); ++child) {
      const auto at = index.find(*child);
      if (at == index.end() || seen[at->second]) continue;
      seen[at->second] = true;
      pending.push_back(at->second);
    }
  }
  return out;
}

class Reader {
 public:
  Reader(FileId file, Sink &sink) : file_(file), sink_(sink) {}

  std::optional<Inventory> run(const json::Value &root) {
    const auto *object = root.as<json::Object>();
    if (!object) {
      bad(root, fmt::format("an inventory is an object, this is {}", json::kind_of(root)));
      return std::nullopt;
    }
    const json::Value *hosts = root.member("hosts");
    if (hosts && hosts->as<json::Array>())
      own_form(*object);
    else if (root.member("_meta") || root.member("all"))
      ansible_form(*object);
    else
      bad(root, "this is no inventory")
          .note("an inventory has a list `hosts`, or is what `ansible-inventory --list` prints (with `_meta`)");
    if (failed_) return std::nullopt;
    return std::move(out_);
  }

 private:
  Range range(const json::Value &value) const { return {file_, value.begin, value.end}; }
  Sink::Builder bad_at(Range where, std::string message) {
    failed_ = true;
    return sink_.report(Kind::bad_inventory, where, std::move(message));
  }
  /// The whole of a large value is no useful place: its first byte is.
  Sink::Builder bad(const json::Value &value, std::string message) {
    const bool large = value.as<json::Object>() || value.as<json::Array>();
    return bad_at({file_, value.begin, large ? value.begin + 1 : value.end}, std::move(message));
  }

  std::optional<Located> text(const json::Value &value, std::string_view what) {
    if (const auto *s = value.as<std::string>()) return Located{*s, range(value)};
    bad(value, fmt::format("{} is a string, this is {}", what, json::kind_of(value)));
    return std::nullopt;
  }
  void texts(const json::Value &value, std::string_view what, std::vector<Located> &out) {
    const auto *array = value.as<json::Array>();
    if (!array) {
      bad(value, fmt::format("{} is a list of strings, this is {}", what, json::kind_of(value)));
      return;
    }
    for (const json::Value &item : *array)
      if (auto one = text(item, fmt::format("an entry of {}", what))) out.push_back(std::move(*one));
  }
  std::optional<std::uint32_t> port(const json::Value &value) {
    std::optional<Value> number;
    if (const auto *n = value.as<json::Number>()) number = values::parse(n->text, Type::of(Base::integer));
    if (const auto *s = value.as<std::string>()) number = values::parse(*s, Type::of(Base::integer));
    if (number && number->integer() >= 1 && number->integer() <= 65'535)
      return static_cast<std::uint32_t>(number->integer());
    bad(value, "a port is a number from 1 to 65535");
    return std::nullopt;
  }

  // ---- {"hosts": [{"name", "address", "port", "user", "roles", "via", "attributes"}]}

  void own_form(const json::Object &root) {
    for (const json::Member &member : root) {
      if (member.key != "hosts") {
        bad_at({file_, member.begin, member.end},
               fmt::format("an inventory has no `{}`, only `hosts`", printable(member.key)));
        continue;
      }
      for (const json::Value &host : *member.value.as<json::Array>()) own_host(host);
    }
  }

  void own_host(const json::Value &value) {
    constexpr std::array<std::string_view, 7> keys{"name", "address", "port", "user", "roles", "via", "attributes"};
    const auto *object = value.as<json::Object>();
    if (!object) {
      bad(value, fmt::format("a host is an object, this is {}", json::kind_of(value)));
      return;
    }
    ImportedHost host;
    const json::Value *name = value.member("name");
    if (!name) {
      bad(value, "a host has no `name`");
      return;
    }
    if (auto written = text(*name, "a host's name")) host.name = std::move(*written);
    for (const json::Member &member : *object) {
      if (member.key == "address") host.address = text(member.value, "an address");
      if (member.key == "user") host.user = text(member.value, "a user");
      if (member.key == "port") host.port = port(member.value);
      if (member.key == "roles") texts(member.value, "`roles`", host.roles);
      if (member.key == "via" && member.value.as<std::string>()) {
        if (auto one = text(member.value, "`via`")) host.via.push_back(std::move(*one));
      } else if (member.key == "via") {
        texts(member.value, "`via`", host.via);
      }
      if (member.key == "attributes") own_attributes(member.value, host);
      if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
      const Range where{file_, member.begin, member.end};
      const std::string meant(diagnostics::did_you_mean(member.key, keys));
      auto report = bad_at(where, fmt::format("a host has no `{}`", printable(member.key)));
      if (!meant.empty())
        report.fix(fmt::format("did you mean `{}`?", meant), where, fmt::format("\"{}\"", meant));
      else
        report.help("what only the plan knows stands in `attributes`");
    }
    out_.hosts.push_back(std::move(host));
  }

  void own_attributes(const json::Value &value, ImportedHost &host) {
    const auto *object = value.as<json::Object>();
    if (!object) {
      bad(value, fmt::format("`attributes` is an object, this is {}", json::kind_of(value)));
      return;
    }
    for (const json::Member &member : *object) {
      const Range where{file_, member.begin, member.end};
      if (!is_identifier(member.key)) {
        bad_at(where, fmt::format("`{}` cannot be the name of an attribute", printable(member.key)))
            .note("letters, digits and `_`, not beginning with a digit");
        continue;
      }
      if (auto constant = plain(member.value))
        host.attributes.push_back({member.key, std::move(*constant), where});
      else
        bad(member.value, fmt::format("attribute `{}` is {}", member.key, json::kind_of(member.value)))
            .note("an attribute is a string, a number that fits, a bool or a list of these");
    }
  }

  // ---- ansible-inventory --list

  void ansible_form(const json::Object &root) {
    out_.grouped = true;
    const json::Object *variables = nullptr;
    for (const json::Member &member : root) {
      if (member.key == "_meta") {
        variables = hostvars(member.value);
        continue;
      }
      out_.groups.push_back({});
      out_.groups.back().name = member.key;
      read_group(member.value, out_.groups.back());
    }
    if (failed_) return;
    // `all` first: its order is the order of the inventory
    for (const std::size_t host : below_all()) take(host);
    for (const ImportedGroup &group : out_.groups)
      for (const std::size_t host : group.hosts) take(host);
    if (variables)
      for (const json::Member &member : *variables) {
        const std::size_t known = names_.size();
        const std::size_t index = intern({member.key, {file_, member.begin, member.end}});
        if (index == known) take(index);
        read_variables(member, out_.hosts[place_[index]]);
      }
    for (ImportedGroup &group : out_.groups)
      for (std::size_t &host : group.hosts) host = place_[host];
  }

  const json::Object *hostvars(const json::Value &meta) {
    const json::Value *variables = meta.member("hostvars");
    if (!variables) return nullptr;
    if (const auto *object = variables->as<json::Object>()) return object;
    bad(*variables, fmt::format("`hostvars` is an object, this is {}", json::kind_of(*variables)));
    return nullptr;
  }

  void read_group(const json::Value &value, ImportedGroup &group) {
    std::vector<Located> hosts, children;
    if (value.as<json::Array>()) {
      texts(value, "a group", hosts);
    } else if (const auto *object = value.as<json::Object>()) {
      for (const json::Member &member : *object) {
        if (member.key == "hosts") texts(member.value, "`hosts` of a group", hosts);
        if (member.key == "children") texts(member.value, "`children` of a group", children);
      }
    } else {
      bad(value, fmt::format("a group is an object, this is {}", json::kind_of(value)));
    }
    for (Located &host : hosts) group.hosts.push_back(intern(std::move(host)));
    for (const Located &child : children) group.children.push_back(child.text);
  }

  std::size_t intern(Located name) {
    const auto [at, fresh] = name_index_.emplace(name.text, names_.size());
    if (fresh) {
      names_.push_back(std::move(name));
      place_.push_back(SIZE_MAX);
    }
    return at->second;
  }

  std::vector<std::size_t> below_all() const { return walk(out_, "all").value_or(std::vector<std::size_t>()); }

  /// Gives the host its place in the inventory, once.
  void take(std::size_t index) {
    if (place_[index] != SIZE_MAX) return;
    place_[index] = out_.hosts.size();
    ImportedHost host;
    host.name = names_[index];
    out_.hosts.push_back(std::move(host));
  }

  void read_variables(const json::Member &member, ImportedHost &host) {
    constexpr std::array<std::string_view, 6> taken{"name", "address", "port", "user", "roles", "via"};
    const auto *object = member.value.as<json::Object>();
    if (!object) {
      bad(member.value, fmt::format("the variables of a host are an object, this is {}", json::kind_of(member.value)));
      return;
    }
    for (const json::Member &variable : *object) {
      if (variable.key == "ansible_host")
        host.address = text(variable.value, "`ansible_host`");
      else if (variable.key == "ansible_port")
        host.port = port(variable.value);
      else if (variable.key == "ansible_user")
        host.user = text(variable.value, "`ansible_user`");
      else if (variable.key.starts_with("ansible_") || !is_identifier(variable.key) ||
               std::find(taken.begin(), taken.end(), variable.key) != taken.end())
        continue;
      else if (auto constant = plain(variable.value))
        host.attributes.push_back({variable.key, std::move(*constant), {file_, variable.begin, variable.end}});
    }
  }

  FileId file_;
  Sink &sink_;
  Inventory out_;
  bool failed_ = false;
  std::vector<Located> names_;
  std::unordered_map<std::string, std::size_t> name_index_;
  std::vector<std::size_t> place_;  // of each name among out_.hosts
};

}  // namespace

std::optional<std::vector<std::size_t>> Inventory::members(std::string_view group) const {
  auto out = walk(*this, group);
  if (out) std::sort(out->begin(), out->end());
  return out;
}

std::optional<Inventory> read_inventory(std::string_view text, FileId file, Sink &sink) {
  json::Problem problem;
  const auto root = json::parse(text, problem);
  if (!root) {
    sink.report(Kind::malformed_inventory, {file, problem.begin, problem.end},
                fmt::format("this is not valid JSON: {}", problem.message));
    return std::nullopt;
  }
  return Reader(file, sink).run(*root);
}

}  // namespace upg::sema
