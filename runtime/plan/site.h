#pragma once
#include <cstdint>
#include <vector>

#include "runtime/plan/nodes.h"

/// Records about types, files, hosts and roles. Part of plan.h.
namespace upg::plan {

/// `element` is the base type of a list's elements; `role` narrows a host parameter (h: controller).
struct Type {
  BaseType base = BaseType::any;
  BaseType element = BaseType::any;
  RoleId role;
  bool operator==(const Type &) const = default;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("base", s.base);
    v("element", s.element);
    v("role", s.role);
  }
};

struct Parameter {
  StringId name;
  Type type;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("type", s.type);
  }
};

/// Slots of one body: parameters first, then lets and bound names. `slots` holds a name for each (for messages).
struct Frame {
  std::vector<Parameter> parameters;
  std::vector<StringId> slots;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("parameters", s.parameters);
    v("slots", s.slots);
  }
};

/// Text of a source file, so that every message of the runtime can show its line.
struct File {
  StringId path;
  StringId text;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("path", s.path);
    v("text", s.text);
  }
};

struct Attribute {
  StringId key;
  NodeId value;  // a constant expression
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("key", s.key);
    v("value", s.value);
  }
};

struct Host {
  StringId name;
  StringId address;           // host name or IP as written or imported; empty: the name itself
  std::uint32_t port = 0;     // 0: not said (ssh_config or 22)
  StringId user;              // may be absent
  std::vector<RoleId> roles;  // ascending; includes the role with a `boot` probe, which every host carries
  std::vector<HostId> via;    // bastions in order of the hops
  // guest of ROLE [at PROBE]: a guest of every host of the role unless cleared
  RoleId guest_of;
  ProbeId guest_at;
  std::vector<Attribute> attributes;
  StringId out_reason;  // valid: declared dead
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("address", s.address);
    v("port", s.port);
    v("user", s.user);
    v("roles", s.roles);
    v("via", s.via);
    v("guest_of", s.guest_of);
    v("guest_at", s.guest_at);
    v("attributes", s.attributes);
    v("out_reason", s.out_reason);
    v("where", s.where);
  }
};

/// A set of hosts. Static: `hosts` in inventory order, `condition` absent. Dynamic (`hosts x = c in R where P`):
/// `hosts` is R and `condition` is asked at run time with slot 0 bound to each host.
struct HostSet {
  StringId name;  // absent for sets without a name
  std::vector<HostId> hosts;
  NodeId condition;
  Frame frame;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("hosts", s.hosts);
    v("condition", s.condition);
    v("frame", s.frame);
    v("where", s.where);
  }
};

/// One `available` line. amount: hosts, or millionths of the whole for at_least_percent.
/// `per`: the budget holds for each value of the attribute. `of`: all_but counts distinct values of the attribute.
struct Available {
  AvailableKind kind = AvailableKind::quorum;
  std::uint32_t amount = 0;
  StringId per;
  StringId of;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("kind", s.kind);
    v("amount", s.amount);
    v("per", s.per);
    v("of", s.of);
    v("where", s.where);
  }
};

struct Role {
  StringId name;  // qualified: "db.replica"
  StringId doc;
  SetId hosts;                         // all that carry it, declared out ones included
  std::vector<std::uint32_t> weights;  // votes, parallel to the set's hosts; empty: 1 each
  std::vector<Available> available;
  bool serial = false;
  GateId health;  // its only parameter, if any, is the host
  GateId stoppable;
  StringId stoppable_always;  // the reason, where there is no such question
  ProbeId roster;
  std::int64_t settles = 0;  // ms
  HoldId down_only_under;
  ProbeId boot;      // valid in the one role that every host carries: gives the boot id
  ProbeId identity;  // gives the machine id
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("hosts", s.hosts);
    v("weights", s.weights);
    v("available", s.available);
    v("serial", s.serial);
    v("health", s.health);
    v("stoppable", s.stoppable);
    v("stoppable_always", s.stoppable_always);
    v("roster", s.roster);
    v("settles", s.settles);
    v("down_only_under", s.down_only_under);
    v("boot", s.boot);
    v("identity", s.identity);
    v("where", s.where);
  }
};

}  // namespace upg::plan
