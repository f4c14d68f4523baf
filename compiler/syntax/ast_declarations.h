#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/syntax/ast_statements.h"

/// Declarations: what stands at the left margin of a file.
namespace upg::syntax::ast {

struct Parameter {
  Name name;
  Type type;
  ExprPtr default_value;  // null if not written
  Range range;
};

struct UseDecl {
  std::vector<Name> modules;
};
/// `param iso: string = "x"`; at the margin or inside an upgrade.
struct ParamDecl {
  Name name;
  Type type;
  ExprPtr default_value;  // null if not written
};
/// `secret become from prompt`, `secret token from env "TOKEN"`
struct SecretDecl {
  Name name;
  Name source;
  std::optional<StringLiteral> detail;
};

// ---- the site ------------------------------------------------------------------------------------------------------

/// `user "root"`, `pinned [105]`, `rack r1`: a literal, a list, or a name (NameExpr).
struct Attribute {
  Name name;
  ExprPtr value;
};
/// `group "db_nodes" as db.primary, db.replica`
struct GroupMapping {
  StringLiteral group;
  std::vector<Ref> roles;
  Range range;
};
struct InventoryImport {
  StringLiteral path;
  std::vector<GroupMapping> groups;  // empty: the inventory names roles itself
};
struct HostHead {
  Name name;
  std::optional<StringLiteral> address;  // "10.1.0.11", "10.1.0.11:2222"
};
struct HostRoles {
  std::vector<Ref> roles;
};
struct HostVia {
  Name bastion;
};
struct HostGuest {
  QName of;  // `guest of db.carrier at PROBE`
  std::optional<Ref> at;
};
struct HostItem {
  std::variant<HostRoles, HostVia, HostGuest, Attribute> node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
/// One or more hosts that share a body.
struct HostDecl {
  std::vector<HostHead> hosts;
  std::vector<HostItem> items;
};
/// `host node2 out "power supply dead"`
struct HostOut {
  Name host;
  StringLiteral reason;
};
struct ClusterItem {
  std::variant<InventoryImport, HostDecl, HostOut, Attribute> node;
  Range range;
  std::optional<Doc> doc;  // of hosts
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
struct ClusterDecl {
  Name name;
  std::vector<ClusterItem> items;
};
/// `hosts active = c in controller where activity(c) == active`
struct HostsDecl {
  Name name;
  Selection value;
};

// ---- roles and states ----------------------------------------------------------------------------------------------

struct AvailableQuorum {};
struct AvailableAtLeast {
  ExprPtr amount;
};  // an int or a percent
struct AvailableAllBut {
  enum class Grouping : std::uint8_t {
    none,
    per,
    of
  };               // `per host.rack`: so many in each; `of host.rack`: so many racks
  ExprPtr amount;  // 1, cluster.spare_workers
  Grouping grouping = Grouping::none;
  ExprPtr group;  // null if none
};
struct AvailableMayBeDown {};
struct Available {
  std::variant<AvailableQuorum, AvailableAtLeast, AvailableAllBut, AvailableMayBeDown> policy;
};
struct Serial {};
struct Health {
  Ref gate;
};
struct Stoppable {
  std::variant<Ref, StringLiteral> by;
};  // a gate, or `always "reason"`
struct Roster {
  Ref probe;
};
struct Votes {
  ExprPtr value;
};
struct Settles {
  ExprPtr duration;
};
struct BootProbe {
  Ref probe;
};  // `boot boot_id`: makes it the role that every host carries
struct IdentityProbe {
  Ref probe;
};
struct DownOnlyUnder {
  Ref hold;
};
struct RoleItem {
  std::variant<Available, Serial, Health, Stoppable, Roster, Votes, Settles, BootProbe, IdentityProbe, DownOnlyUnder>
      node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
struct RoleDecl {
  Name name;
  std::vector<RoleItem> items;
};

struct StateValue {
  Name name;
  bool transient = false;
};
struct BootMove {
  Name from, to;
};  // `on boot armed -> new`
/// `while locked taints g`, `while a..c taints g`, `while a | b taints g`
struct WhileTaints {
  std::vector<Name> values;
  bool range_of_values = false;  // two values: from, to, in the order of the declaration
  std::vector<Ref> gates;
};
struct StateItem {
  std::variant<BootMove, WhileTaints> node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
struct StateDecl {
  Name name;
  std::vector<Parameter> parameters;
  std::vector<StateValue> values;
  ExprPtr observe;
  std::vector<StateItem> items;
};

// ---- questions -----------------------------------------------------------------------------------------------------

struct ProbeDecl {
  Name name;
  std::vector<Parameter> parameters;
  Type type;
  ProbeBlock body;
};
struct PassWhen {
  ExprPtr condition;
};
struct FailWhen {
  ExprPtr condition;
};
struct Poll {
  ExprPtr interval, deadline;
};
struct Stable {
  ExprPtr count;
};
/// As Reaches: `watches nothing` is an empty list with `nothing` set.
struct Watches {
  std::vector<Ref> items;
  bool nothing = false;
};
struct Clears {
  std::vector<Ref> roles;
  Target on;
};
struct GateItem {
  std::variant<Let, PassWhen, FailWhen, Poll, Stable, Watches, Clears> node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
struct GateDecl {
  Name name;
  std::vector<Parameter> parameters;
  std::vector<GateItem> items;
};

// ---- actions, holds, procedures ------------------------------------------------------------------------------------

struct ActionDecl {
  Name name;
  std::vector<Parameter> parameters;
  ActionBody body;
};
struct Observe {
  ExprPtr value;
};
struct Acquire {
  ActionBody body;
};
struct Release {
  ActionBody body;
};
enum class KeepOrRelease : std::uint8_t { keep, release };
struct OnHalt {
  KeepOrRelease choice;
};
struct OnWait {
  KeepOrRelease choice;
};
struct HoldItem {
  std::variant<Observe, Acquire, Release, Taints, OnHalt, OnWait, Requires, RoleEffect, Spills, Reaches, Takes, Moves>
      node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
struct HoldDecl {
  Name name;
  std::vector<Parameter> parameters;
  std::vector<HoldItem> items;
};
struct ProcedureDecl {
  Name name;
  std::vector<Parameter> parameters;
  Block body;
};

// ---- rules of a module ---------------------------------------------------------------------------------------------

/// `order mon before mgr before osd`, `order a before b on each host`
struct OrderDecl {
  std::vector<std::vector<Ref>> steps;  // two or more
  bool on_each_host = false;
};
struct RankDecl {
  std::vector<QName> roles;
};  // least sensitive first
struct VersionChain {
  std::vector<StringLiteral> versions;
};
struct VersionsDecl {
  Name name;
  std::vector<VersionChain> chains;
};
/// An effect that a command is known to have: `implies changes all`, `implies destroys "x"`.
struct ImpliedEffect {
  enum class Kind : std::uint8_t { changes, disrupts, destroys };
  Kind kind;
  std::vector<Ref> roles;             // not for destroys
  std::optional<StringLiteral> what;  // of destroys
  Range range;
};
struct CommandDecl {
  StringLiteral pattern;
  std::vector<ImpliedEffect> effects;
};

// ---- plans ---------------------------------------------------------------------------------------------------------

/// `from platform "8" to "9"`
struct FromTo {
  std::optional<QName> versions;
  StringLiteral from, to;
};
/// `window every "Sat 20:00" for 10h tz "Europe/Berlin"`
struct Window {
  bool every = false;
  StringLiteral start;
  ExprPtr length;
  StringLiteral time_zone;
};
struct Exclusive {
  std::vector<StringLiteral> names;
};
/// `initially every n in R: S(n) == v`, `finally upgrade == none, activity(c) == active`
struct Initially {
  std::vector<ExprPtr> conditions;
};
struct Finally {
  std::vector<ExprPtr> conditions;
};
struct Tolerate {
  ExprPtr hosts;
};
struct Preflight {
  Block body;
};
struct Postflight {
  Block body;
};
struct OnAbort {
  Block body;
};
struct UpgradeItem {
  using Node = std::variant<FromTo, Window, Exclusive, Initially, Finally, Tolerate, HostOut, Preflight, Postflight,
                            OnAbort, ParamDecl, SecretDecl, Statement>;
  Node node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};
struct UpgradeDecl {
  bool repair = false;  // `repair` instead of `upgrade`
  Name name;
  Name cluster;
  std::vector<UpgradeItem> items;  // statements among them are the plan, in order
};

// ---- files ---------------------------------------------------------------------------------------------------------

struct Declaration {
  using Node =
      std::variant<UseDecl, ParamDecl, SecretDecl, ClusterDecl, HostsDecl, RoleDecl, StateDecl, ProbeDecl, GateDecl,
                   ActionDecl, HoldDecl, ProcedureDecl, OrderDecl, RankDecl, VersionsDecl, CommandDecl, UpgradeDecl>;
  Node node;
  Range range;
  std::optional<Doc> doc;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};

struct File {
  diagnostics::FileId id;
  std::optional<Name> module;  // `module apt`
  std::optional<Doc> module_doc;
  std::vector<Declaration> declarations;
  std::vector<Name> broken;  // names of declarations that a syntax error kept out: uses of them are no second error
  std::uint32_t expressions = 0;  // number of expression ids used
  Range range;
};

}  // namespace upg::syntax::ast
