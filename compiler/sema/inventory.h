#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/program.h"

namespace upg::sema {

inline constexpr std::uint64_t max_inventory_bytes = 64u << 20;

/// A text of the inventory and where it stands.
struct Located {
  std::string text;
  Range range;
};
struct ImportedAttribute {
  std::string key;
  Value value;  // strings, numbers, bools and lists of them
  Range range;
};
/// A host as the inventory says it; nothing is resolved or checked yet but the shape.
struct ImportedHost {
  Located name;
  std::optional<Located> address;
  std::optional<std::uint32_t> port;
  std::optional<Located> user;
  std::vector<Located> roles;
  std::vector<Located> via;
  std::vector<ImportedAttribute> attributes;
};
struct ImportedGroup {
  std::string name;
  std::vector<std::size_t> hosts;     // indices of its own hosts
  std::vector<std::string> children;  // names of groups; those that are not printed are empty
};
struct Inventory {
  std::vector<ImportedHost> hosts;  // in the order of the file
  std::vector<ImportedGroup> groups;
  bool grouped = false;  // what `ansible-inventory --list` prints: roles come from groups

  /// Hosts of a group and of all groups below it, ascending; nothing if there is no such group.
  std::optional<std::vector<std::size_t>> members(std::string_view group) const;
};

/// Reads our own form and what `ansible-inventory --list` prints. Nothing, and one or more reports, if it is neither.
std::optional<Inventory> read_inventory(std::string_view text, FileId file, Sink &sink);

}  // namespace upg::sema
