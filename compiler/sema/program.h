#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/sema/types.h"
#include "compiler/syntax/parse.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"
#include "runtime/plan/plan.h"

/// What the source says, on the level of declarations: modules, symbols, types, the site, the plan's head.
/// Bodies (expressions, statements, contracts) stay in the syntax tree, which a Program owns; compiler/lower walks
/// them.
namespace upg::sema {

namespace ast = syntax::ast;
using diagnostics::FileId;
using diagnostics::Range;
using diagnostics::Sink;
using diagnostics::Sources;

// ---- constants -----------------------------------------------------------------------------------------------------

/// A value known at compile time. int, duration (ms), size (bytes), percent (millionths), time (seconds since 1970) are
/// integers; string, version and decimal (as written) are texts.
struct Value {
  Type type;
  std::variant<std::monostate, bool, std::int64_t, std::string, HostId, std::vector<Value>> data;
  bool operator==(const Value &) const = default;

  bool poisoned() const { return type.poisoned(); }
  std::int64_t integer() const { return std::get<std::int64_t>(data); }
  const std::string &text() const { return std::get<std::string>(data); }
  const std::vector<Value> &items() const { return std::get<std::vector<Value>>(data); }
};

// ---- symbols -------------------------------------------------------------------------------------------------------

enum class SymbolKind : std::uint8_t {
  role,
  state,
  probe,
  gate,
  action,
  hold,
  procedure,
  host_set,
  param,
  secret,
  host,
  versions,
  cluster,
  upgrade,
};
std::string_view spelling(SymbolKind kind);  // "role", "set of hosts", ...
std::string with_article(SymbolKind kind);   // "a role", "an action"

/// Names one entry of one table of a Program.
struct SymbolRef {
  SymbolKind kind = SymbolKind::role;
  std::uint32_t index = 0xffffffffu;
  bool operator==(const SymbolRef &) const = default;
};

/// What every declaration has. `name` is qualified: "db.replica"; in an entry file without `module` it is the bare
/// name.
struct Symbol {
  std::string name;
  std::string bare;
  ModuleId module;
  Range range;                    // of its name
  const ast::Doc *doc = nullptr;  // null if there is none
  bool used = false;              // set by the Resolver
};

struct Parameter {
  std::string name;
  Type type;
  const ast::Parameter *ast = nullptr;
};

/// One `available` line. amount: hosts, or millionths of the whole for at_least_percent.
struct Available {
  plan::AvailableKind kind = plan::AvailableKind::quorum;
  std::uint32_t amount = 0;
  std::string per;  // attribute of hosts; empty if not written
  std::string of;
  Range range;
};

struct Role {
  Symbol symbol;
  const ast::RoleDecl *ast = nullptr;
  std::vector<Available> available;
  bool serial = false;
  GateId health, stoppable;                     // invalid if not written
  std::optional<std::string> stoppable_always;  // the reason
  ProbeId roster, boot, identity;
  std::int64_t settles = 0;  // ms
  HoldId down_only_under;
  std::vector<HostId> hosts;           // that carry it, in inventory order, those declared out included
  std::vector<std::uint32_t> weights;  // votes, parallel to hosts; empty: 1 each
};
struct StateTaint {
  std::vector<std::uint32_t> values;
  std::vector<GateId> gates;
  Range range;
};
struct State {
  Symbol symbol;
  const ast::StateDecl *ast = nullptr;  // `observe` is lowered from here
  std::vector<Parameter> parameters;    // none, or one host
  std::vector<plan::BootMove> on_boot;
  std::vector<StateTaint> taints;
  /// Ordinal of a value, or nothing.
  std::optional<std::uint32_t> value(std::string_view value_name) const;
};
struct Probe {
  Symbol symbol;
  const ast::ProbeDecl *ast = nullptr;
  std::vector<Parameter> parameters;
  Type result;
};
struct Gate {
  Symbol symbol;
  const ast::GateDecl *ast = nullptr;
  std::vector<Parameter> parameters;
};
struct Action {
  Symbol symbol;
  const ast::ActionDecl *ast = nullptr;
  std::vector<Parameter> parameters;
};
struct Hold {
  Symbol symbol;
  const ast::HoldDecl *ast = nullptr;
  std::vector<Parameter> parameters;
};
struct Procedure {
  Symbol symbol;
  const ast::ProcedureDecl *ast = nullptr;
  std::vector<Parameter> parameters;
};
/// `hosts x = ...`. Static: `hosts` is the answer. Dynamic (its `where` asks a probe or a state): `hosts` are those
/// that it chooses from, and the condition is lowered from the syntax tree.
struct HostSet {
  Symbol symbol;
  const ast::HostsDecl *ast = nullptr;
  std::vector<HostId> hosts;
  bool dynamic = false;
  bool poisoned = false;
  bool settled = false;  // the above is known; false only while declarations are read
  Type type = Type::hosts();
};
struct Param {
  Symbol symbol;
  const ast::ParamDecl *ast = nullptr;
  Type type;
  Value value;           // from -D or its default; poisoned if there is none (an error was given)
  bool settled = false;  // as of HostSet
};
struct Secret {
  Symbol symbol;
  const ast::SecretDecl *ast = nullptr;
  plan::SecretSource source = plan::SecretSource::prompt;
  std::string argument;  // name of the variable, path of the file, text of the prompt
};
struct Versions {
  Symbol symbol;
  const ast::VersionsDecl *ast = nullptr;
};
struct Cluster {
  Symbol symbol;
  const ast::ClusterDecl *ast = nullptr;
};
struct Upgrade {
  Symbol symbol;
  const ast::UpgradeDecl *ast = nullptr;
};

// ---- rules of modules ----------------------------------------------------------------------------------------------

struct Order {
  std::vector<std::vector<RoleId>> groups;
  bool on_each_host = false;
  ModuleId module;
  Range range;
};
struct Rank {
  std::vector<RoleId> roles;  // least sensitive first
  ModuleId module;
  Range range;
};
struct Command {
  std::string pattern;
  std::vector<RoleId> changes, disrupts;
  bool changes_all = false, disrupts_all = false, destroys = false;
  ModuleId module;
  Range range;
};

// ---- the site ------------------------------------------------------------------------------------------------------

struct Attribute {
  std::string key;
  Value value;
  Range range;  // of the key
};
struct Host {
  std::string name;
  std::string address;        // as written or imported; empty: the name itself
  std::uint32_t port = 0;     // 0: not said
  std::string user;           // empty: not said by host or cluster
  std::vector<RoleId> roles;  // ascending; includes the role that every host carries
  std::vector<HostId> via;    // bastions in the order of the hops
  RoleId guest_of;            // `guest of R at PROBE`
  ProbeId guest_at;
  std::vector<Attribute> attributes;      // sorted by key; `user` and what else the cluster says is not repeated here
  std::optional<std::string> out_reason;  // declared dead
  Range range;                            // of its name; in a JSON file if imported

  const Attribute *attribute(std::string_view key) const;
  bool carries(RoleId role) const;
};
/// The cluster of the chosen upgrade.
struct Site {
  ClusterId cluster;                  // invalid: none (a module alone, or the cluster is unknown)
  bool complete = true;               // false: hosts may be missing, which was reported
  std::vector<Host> hosts;            // inventory order
  std::vector<Attribute> attributes;  // of the cluster, sorted by key
  std::string fingerprint;            // SHA-256, hex
  const Attribute *attribute(std::string_view key) const;
};

// ---- the plan's head -----------------------------------------------------------------------------------------------

struct Window {
  plan::WindowDay day = plan::WindowDay::daily;
  std::int64_t date = 0;     // days since 1970-01-01, for WindowDay::date
  std::uint32_t minute = 0;  // of the day, local time
  std::int64_t length = 0;   // ms
  std::string zone;
  Range range;
};
/// The upgrade that is compiled. initially, finally, tolerate and the blocks are lowered from the syntax tree.
struct Head {
  UpgradeId upgrade;     // invalid: none
  std::string from, to;  // empty if not written
  std::vector<Window> windows;
  std::vector<std::string> exclusive;
};

// ---- modules and the whole -----------------------------------------------------------------------------------------

struct ModuleUse {
  ModuleId module;
  Range range;
  bool used = false;  // set by the Resolver
};
struct Module {
  std::string name;  // empty: an entry file without `module`
  FileId file;
  const ast::File *ast = nullptr;
  std::vector<ModuleUse> uses;
  std::vector<std::string> missing;  // used but not found (reported)
  bool standard = false;             // comes from the standard library
};

struct Definition {
  std::string name, value;  // -D name=value
};
struct Options {
  std::string entry;  // path of the plan; "-": `text` is it
  std::string text;
  std::vector<std::pair<std::string, std::string>> drafts;  // path and text of files to be read so, not from the disk
  std::string shown;  // of "-": the path that messages print and whose folder holds the other modules; may be empty
  std::vector<std::string>
      library_paths;  // folders with `std/NAME.upg` or `NAME.upg`; see library_paths() in modules.h
  std::vector<Definition> definitions;
  std::string plan;           // --plan; empty: the only one
  std::string limit;          // --limit: a set as written, commas join; empty: all
  bool plan_required = true;  // false: a module alone is fine, without site and head
};

/// Pointers into the syntax trees stay valid while the Program lives, also when it is moved.
struct Program {
  std::vector<std::unique_ptr<syntax::SyntaxTree>> trees;  // parallel to modules; further ones hold what --limit says
  std::vector<Module> modules;     // 0 is the entry; then in order of first use, as the files are in Sources
  std::uint32_t source_files = 0;  // files 0 .. source_files-1 of Sources are .upg; imported inventories follow

  std::vector<Role> roles;
  std::vector<State> states;
  std::vector<Probe> probes;
  std::vector<Gate> gates;
  std::vector<Action> actions;
  std::vector<Hold> holds;
  std::vector<Procedure> procedures;
  std::vector<HostSet> host_sets;
  std::vector<Param> params;  // of modules and of the chosen upgrade
  std::vector<Secret> secrets;
  std::vector<Versions> versions;
  std::vector<Cluster> clusters;
  std::vector<Upgrade> upgrades;
  std::vector<Order> orders;
  std::vector<Rank> ranks;
  std::vector<Command> commands;

  Site site;
  Head head;
  RoleId alive;                              // the role with a `boot` item, which every host carries; may be invalid
  std::optional<std::vector<HostId>> limit;  // ascending; rollouts visit only these
  std::string limit_written;                 // as --limit said it
  std::vector<std::uint32_t> rank_levels;    // parallel to roles; 0: in no rank

  /// Names of one module: bare name -> symbol. Clusters, upgrades and versions have tables of their own.
  std::vector<std::unordered_map<std::string, SymbolRef>> names;  // parallel to modules
  std::unordered_map<std::string, HostId> host_names;

  /// Not of a host: hosts stand in `site`.
  Symbol &symbol(SymbolRef ref);
  const Symbol &symbol(SymbolRef ref) const;
  /// Of probes, gates, actions, holds, procedures, states; empty for others.
  std::span<const Parameter> parameters(SymbolRef ref) const;
  const Module &module(ModuleId id) const { return modules[id.index]; }
};

/// Loads the modules, declares every name, resolves roles, site and head. Everything wrong is reported; what is wrong
/// is missing or poisoned in the result. Nothing only if the entry file cannot be read.
std::optional<Program> analyse(Sources &sources, const Options &options, Sink &sink);

/// `controller` for RoleId, "list<host>": as a reader writes it.
std::string to_string(const Type &type, const Program &program);
/// "an int", "a list<string>", "a host with role `base.db`".
std::string with_article(const Type &type, const Program &program);
/// As a reader writes it: `"lab"`, 5GB, [105].
std::string to_string(const Value &value, const Program &program);
/// The order in which a rollout visits hosts: rank classes from the least sensitive up, inventory order inside.
std::vector<HostId> in_visit_order(const Program &program, std::vector<HostId> hosts);
/// Without the hosts that --limit leaves out.
std::vector<HostId> limited(const Program &program, std::vector<HostId> hosts);

}  // namespace upg::sema
