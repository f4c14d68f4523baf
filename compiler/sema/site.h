#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/sema/evaluate.h"
#include "compiler/sema/inventory.h"

namespace upg::sema {

/// Builds the site of the chosen upgrade: first the names of its hosts, then, when parameters have values, all the
/// rest.
class SiteBuilder {
 public:
  SiteBuilder(Resolver &resolver, Sources &sources)
      : resolver_(resolver), program_(resolver.program()), sink_(resolver.sink()), sources_(sources) {}

  /// Finds the cluster, reads its inventories, enters every host.
  void collect();
  /// Roles, attributes, bastions, guests, hosts declared out; fills Role::hosts.
  void complete();

 private:
  struct Inline {
    HostId host;
    const ast::HostDecl *decl;
    const ast::HostHead *head;
  };
  struct Imported {
    HostId host;
    const ImportedHost *from;
  };
  struct Import {
    const ast::InventoryImport *decl = nullptr;
    FileId file;
    Inventory inventory;
    std::vector<HostId> hosts;  // of each host of the inventory; invalid: refused
  };

  bool find_cluster();
  void import(const ast::InventoryImport &decl);
  /// A host block without an address adds to the host of that name that an inventory gives; anything else twice is an
  /// error.
  HostId add_host(const std::string &name, Range range, bool imported, bool addressed);
  void set_address(HostId host, std::string_view text, Range range, std::uint32_t port);
  void set_user(HostId host, const std::string &user, Range range);
  void complete_inline(const Inline &entry);
  void complete_imported(const Imported &entry);
  ProbeId guest_probe(const ast::Ref &ref);
  void map_groups(const Import &import);
  void add_role(HostId host, RoleId role, Range range, bool repeated_is_wrong);
  void add_attribute(HostId host, const ast::Attribute &attribute);
  void store(HostId host, std::string key, Value value, Range range);
  void cluster_attributes();
  void settle_attributes(std::vector<Attribute> &attributes);
  Value attribute_value(const ast::Expr &expr);
  void declare_out(const ast::HostOut &out);
  void check_bastions();
  void check_guests();
  void check_addresses();
  void fill_roles();
  ModuleId module() const;

  Resolver &resolver_;
  Program &program_;
  Sink &sink_;
  Sources &sources_;
  const ast::ClusterDecl *cluster_ = nullptr;
  std::string default_user_;
  std::vector<Inline> inline_;
  std::vector<std::unique_ptr<Import>> imports_;
  std::vector<std::vector<std::pair<HostId, Range>>> via_;  // as written, of each host
  struct Origin {
    bool imported = false, written = false, addressed = false;  // addressed: by a host block
    bool names_roles = false;                                   // known or not
  };
  std::vector<Origin> origins_;        // of each host
  std::vector<Range> address_ranges_;  // of each host; of its name if none is written
  std::unordered_map<std::string, std::pair<Type, Range>> attribute_types_;
};

/// SHA-256 over the site in a canonical text.
std::string fingerprint(const Program &program);

}  // namespace upg::sema
