#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/enums.h"
#include "runtime/plan/ids.h"

/// The plan: the only thing that compiler and runtime share. A value made of tables; procedures, rollouts and host tables stay folded.
/// Every record lists its fields once in `fields`; writer, reader, validator, digest and disassembler are made from that list.
namespace upg::plan {

enum class Op : std::uint8_t {
#define UPG_OP(name, category, a, b, children) name,
#include "runtime/plan/opcodes.def"
  count_
};
enum class Builtin : std::uint8_t {
#define UPG_BUILTIN(name, spelling, least, most, signature, text) name,
#include "runtime/plan/builtins.def"
  count_
};

/// Place in one of the plan's own source files, half-open byte range. `file` is an index into Plan::files.
struct Span {
  std::uint32_t file = 0xffffffffu;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool operator==(const Span &) const = default;
  bool valid() const { return file != 0xffffffffu; }
};

/// One node of code. `a` and `b` mean what the opcode's row says; children are Plan::children[first, first + count).
struct Node {
  Op op = Op::block;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// `element` is the base type of a list's elements; `role` narrows a host parameter (h: controller).
struct Type {
  BaseType base = BaseType::any;
  BaseType element = BaseType::any;
  RoleId role;
  bool operator==(const Type &) const = default;
  template <class S, class V> static void fields(S &s, V &&v) { v("base", s.base); v("element", s.element); v("role", s.role); }
};

struct Parameter {
  StringId name;
  Type type;
  template <class S, class V> static void fields(S &s, V &&v) { v("name", s.name); v("type", s.type); }
};

/// Slots of one body: parameters first, then lets and bound names. `slots` holds a name for each (for messages).
struct Frame {
  std::vector<Parameter> parameters;
  std::vector<StringId> slots;
  template <class S, class V> static void fields(S &s, V &&v) { v("parameters", s.parameters); v("slots", s.slots); }
};

/// Text of a source file, so that every message of the runtime can show its line.
struct File {
  StringId path;
  StringId text;
  template <class S, class V> static void fields(S &s, V &&v) { v("path", s.path); v("text", s.text); }
};

struct Attribute {
  StringId key;
  NodeId value;  // a constant expression
  template <class S, class V> static void fields(S &s, V &&v) { v("key", s.key); v("value", s.value); }
};

struct Host {
  StringId name;
  StringId address;         // host name or IP as written or imported; empty: the name itself
  std::uint32_t port = 0;   // 0: not said (ssh_config or 22)
  StringId user;            // may be absent
  std::vector<RoleId> roles;  // ascending; includes the role with a `boot` probe, which every host carries
  std::vector<HostId> via;    // bastions in order of the hops
  // guest of ROLE [at PROBE]: a guest of every host of the role unless cleared
  RoleId guest_of;
  ProbeId guest_at;
  std::vector<Attribute> attributes;
  StringId out_reason;      // valid: declared dead
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("address", s.address); v("port", s.port); v("user", s.user); v("roles", s.roles); v("via", s.via); v("guest_of", s.guest_of);
    v("guest_at", s.guest_at); v("attributes", s.attributes); v("out_reason", s.out_reason); v("where", s.where);
  }
};

/// A set of hosts. Static: `hosts` in inventory order, `condition` absent. Dynamic (`hosts x = c in R where P`): `hosts` is R and
/// `condition` is asked at run time with slot 0 bound to each host.
struct HostSet {
  StringId name;            // absent for sets without a name
  std::vector<HostId> hosts;
  NodeId condition;
  Frame frame;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("hosts", s.hosts); v("condition", s.condition); v("frame", s.frame); v("where", s.where);
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
  template <class S, class V> static void fields(S &s, V &&v) {
    v("kind", s.kind); v("amount", s.amount); v("per", s.per); v("of", s.of); v("where", s.where);
  }
};

struct Role {
  StringId name;            // qualified: "corosync.member"
  StringId doc;
  SetId hosts;              // all that carry it, declared out ones included
  std::vector<std::uint32_t> weights;  // votes, parallel to the set's hosts; empty: 1 each
  std::vector<Available> available;
  bool serial = false;
  GateId health;            // its only parameter, if any, is the host
  GateId stoppable;
  StringId stoppable_always;  // the reason, where there is no such question
  ProbeId roster;
  std::int64_t settles = 0; // ms
  HoldId down_only_under;
  ProbeId boot;             // valid in the one role that every host carries: gives the boot id
  ProbeId identity;         // gives the machine id
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("hosts", s.hosts); v("weights", s.weights); v("available", s.available); v("serial", s.serial);
    v("health", s.health); v("stoppable", s.stoppable); v("stoppable_always", s.stoppable_always); v("roster", s.roster); v("settles", s.settles);
    v("down_only_under", s.down_only_under); v("boot", s.boot); v("identity", s.identity); v("where", s.where);
  }
};

/// While the state has one of the values first..last, these gates are tainted.
struct StateTaint {
  std::vector<std::uint32_t> values;
  std::vector<GateId> gates;
  template <class S, class V> static void fields(S &s, V &&v) { v("values", s.values); v("gates", s.gates); }
};
struct BootMove {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  template <class S, class V> static void fields(S &s, V &&v) { v("from", s.from); v("to", s.to); }
};
struct StateValue {
  StringId name;
  bool transient = false;
  template <class S, class V> static void fields(S &s, V &&v) { v("name", s.name); v("transient", s.transient); }
};
/// A state machine of a host (one host parameter) or of the cluster (none).
struct State {
  StringId name;
  StringId doc;
  Frame frame;
  std::vector<StateValue> values;
  NodeId observe;           // gives the name of a value; anything else is unknown
  std::vector<BootMove> on_boot;
  std::vector<StateTaint> taints;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("frame", s.frame); v("values", s.values); v("observe", s.observe); v("on_boot", s.on_boot);
    v("taints", s.taints); v("where", s.where);
  }
};

struct Probe {
  StringId name;
  StringId doc;
  Frame frame;
  Type result;
  NodeId body;              // an expression
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("frame", s.frame); v("result", s.result); v("body", s.body); v("where", s.where);
  }
};

/// One thing a gate watches: a role (every host of it), a hold, or a state. `on` (arguments) narrows a hold or a state to one cell.
struct Watch {
  RoleId role;
  HoldId hold;
  StateId state;
  std::vector<NodeId> arguments;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("role", s.role); v("hold", s.hold); v("state", s.state); v("arguments", s.arguments);
  }
};
struct Gate {
  StringId name;
  StringId doc;
  Frame frame;
  NodeId pass;              // expression; its lets are `bind` nodes
  NodeId fail;              // may be absent: then only the deadline ends the wait
  std::int64_t poll = 0;    // ms between askings
  std::int64_t deadline = 0;  // ms; 0: asked once
  std::uint32_t stable = 1;
  WatchKind watch_kind = WatchKind::unwritten;
  std::vector<Watch> watches;
  std::vector<RoleId> clears;  // guests of the role's hosts that a pass proves gone from the gate's host
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("frame", s.frame); v("pass", s.pass); v("fail", s.fail); v("poll", s.poll); v("deadline", s.deadline);
    v("stable", s.stable); v("watch_kind", s.watch_kind); v("watches", s.watches); v("clears", s.clears); v("where", s.where);
  }
};

/// Something done, with its contract. Holds bring two of them (acquire, release).
struct Action {
  StringId name;
  StringId doc;
  Frame frame;
  std::vector<NodeId> needs;    // category need
  std::vector<NodeId> effects;  // category effect, awaits included
  NodeId done_when;             // expression; absent: none
  std::uint32_t retries = 0;
  std::int64_t retry_delay = 0; // ms
  bool idempotent = false;
  bool once = false;
  std::int64_t typical = 0;     // ms
  std::int64_t worst = 0;       // ms; also the deadline
  UndoKind undo_kind = UndoKind::none;
  ActionId undo;                // an action with the same parameters
  StringId undo_reason;         // for `undo nothing`
  StringId operator_text;       // valid: a person does it
  NodeId body;                  // block of let, command, for_data
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("frame", s.frame); v("needs", s.needs); v("effects", s.effects); v("done_when", s.done_when);
    v("retries", s.retries); v("retry_delay", s.retry_delay); v("idempotent", s.idempotent); v("once", s.once); v("typical", s.typical);
    v("worst", s.worst); v("undo_kind", s.undo_kind); v("undo", s.undo); v("undo_reason", s.undo_reason); v("operator_text", s.operator_text);
    v("body", s.body); v("where", s.where);
  }
};

/// A cell {off, on} with two actions. Acquire and release have the hold's parameters; effects written on the hold stand in both actions.
struct Hold {
  StringId name;
  StringId doc;
  Frame frame;
  NodeId observe;           // its value at acquire is what release restores (`was`); false or absent there means "was off"
  ActionId acquire;
  ActionId release;
  std::vector<GateId> taints;
  std::vector<NodeId> moves;  // effects `moves` that the hold owns
  Afterwards on_halt = Afterwards::unwritten;
  Afterwards on_wait = Afterwards::unwritten;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("frame", s.frame); v("observe", s.observe); v("acquire", s.acquire); v("release", s.release);
    v("taints", s.taints); v("moves", s.moves); v("on_halt", s.on_halt); v("on_wait", s.on_wait); v("where", s.where);
  }
};

struct Procedure {
  StringId name;
  StringId doc;
  Frame frame;
  NodeId body;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("name", s.name); v("doc", s.doc); v("frame", s.frame); v("body", s.body); v("where", s.where);
  }
};

/// A roll or visit over hosts known at compile time; referenced by exactly one `roll` or `visit` node.
struct Rollout {
  SetId hosts;              // static, in visit order: rank classes from the least sensitive up, inventory order inside
  std::uint32_t slot = 0;   // of the enclosing body
  std::uint32_t batch = 1;
  StringId per;             // batch limited for each value of the attribute
  std::uint32_t per_batch = 0;  // 0: no such limit
  std::uint32_t canary = 0; // the first hosts, one batch of their own
  std::int64_t soak = 0;    // ms after the canary
  bool tolerant = false;
  std::int64_t at_most = 0; // ms for one iteration; 0: not written
  bool if_any = false;      // an empty set is meant
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("hosts", s.hosts); v("slot", s.slot); v("batch", s.batch); v("per", s.per); v("per_batch", s.per_batch); v("canary", s.canary);
    v("soak", s.soak); v("tolerant", s.tolerant); v("at_most", s.at_most); v("if_any", s.if_any); v("where", s.where);
  }
};

struct Phase {
  StringId name;
  std::vector<std::uint32_t> after;  // ordinals of earlier children of the same dag, as written
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) { v("name", s.name); v("after", s.after); v("where", s.where); }
};

/// accept RULE [of ROLE] reason "..." [until DATE]: scoped to its node's block, printed in every review and report.
struct Waiver {
  StringId rule;            // name of a rule of the checker, lower case ("serial", "starve", ...)
  RoleId role;              // absent: every role
  HoldId hold;
  StringId reason;
  std::int64_t until = 0;   // seconds since 1970, end of that day UTC; 0: no end
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("rule", s.rule); v("role", s.role); v("hold", s.hold); v("reason", s.reason); v("until", s.until); v("where", s.where);
  }
};

/// order A, B before C [on each host]: every change to a role of an earlier group ends before a change to one of a later group starts.
struct RoleGroup {
  std::vector<RoleId> roles;
  template <class S, class V> static void fields(S &s, V &&v) { v("roles", s.roles); }
};
struct Order {
  std::vector<RoleGroup> groups;
  bool on_each_host = false;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) { v("groups", s.groups); v("on_each_host", s.on_each_host); v("where", s.where); }
};
/// From the least to the most sensitive.
struct Rank {
  std::vector<RoleId> roles;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) { v("roles", s.roles); v("where", s.where); }
};
/// command "pattern" implies effects: what a command line that matches the glob does at least.
struct CommandRule {
  StringId pattern;
  std::vector<RoleId> changes;
  std::vector<RoleId> disrupts;
  bool disrupts_all = false;
  bool changes_all = false;
  bool destroys = false;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("pattern", s.pattern); v("changes", s.changes); v("disrupts", s.disrupts); v("disrupts_all", s.disrupts_all);
    v("changes_all", s.changes_all); v("destroys", s.destroys); v("where", s.where);
  }
};

struct Secret {
  StringId name;
  SecretSource source = SecretSource::prompt;
  StringId argument;        // name of the variable, path of the file, or the prompt's text
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) { v("name", s.name); v("source", s.source); v("argument", s.argument); v("where", s.where); }
};

/// window [every] "Sat 20:00" for 10h tz "Europe/Berlin". `date`: seconds since 1970 of local midnight of that date, read in the zone.
struct Window {
  WindowDay day = WindowDay::daily;
  std::int64_t date = 0;    // days since 1970-01-01, for WindowDay::date
  std::uint32_t minute = 0; // of the day, local time
  std::int64_t length = 0;  // ms
  StringId zone;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) {
    v("day", s.day); v("date", s.date); v("minute", s.minute); v("length", s.length); v("zone", s.zone); v("where", s.where);
  }
};

/// initially / finally: state == value for each host of a set (or the cluster: no set).
struct CellClaim {
  StateId state;
  SetId hosts;              // absent: a cluster state
  std::uint32_t value = 0;
  Span where;
  template <class S, class V> static void fields(S &s, V &&v) { v("state", s.state); v("hosts", s.hosts); v("value", s.value); v("where", s.where); }
};

/// A parameter of the plan with the value it was built with (part of the digest).
struct PlanParameter {
  StringId name;
  NodeId value;
  template <class S, class V> static void fields(S &s, V &&v) { v("name", s.name); v("value", s.value); }
};

/// Who is upgraded, what happens, in what order: everything a run needs except keys and secrets.
struct Plan {
  // ---- identity
  PlanKind kind = PlanKind::upgrade;
  StringId name;
  StringId cluster;
  StringId from;
  StringId to;
  StringId compiler;        // version of the compiler that built it
  StringId inventory_fingerprint;  // SHA-256 (hex) over the site as resolved: names, addresses, users, roles, attributes
  // ---- pools
  std::vector<std::string> strings;
  std::vector<std::int64_t> integers;
  std::vector<Node> nodes;
  std::vector<NodeId> children;
  std::vector<Span> spans;  // parallel to nodes
  std::vector<File> files;
  // ---- site
  std::vector<Host> hosts;
  std::vector<Attribute> cluster_attributes;  // `become "root"` and what else the cluster block says
  std::vector<HostSet> sets;
  // ---- declarations
  std::vector<Role> roles;
  std::vector<State> states;
  std::vector<Probe> probes;
  std::vector<Gate> gates;
  std::vector<Action> actions;
  std::vector<Hold> holds;
  std::vector<Procedure> procedures;
  std::vector<Order> orders;
  std::vector<Rank> ranks;
  std::vector<CommandRule> commands;
  std::vector<Secret> secrets;
  std::vector<PlanParameter> parameters;
  // ---- the plan itself
  std::vector<Rollout> rollouts;
  std::vector<Phase> phases;
  std::vector<Waiver> waivers;
  std::vector<Window> windows;
  std::vector<StringId> exclusive;
  std::vector<CellClaim> initially;
  std::vector<CellClaim> finally;
  Frame frame;              // slots of the blocks below
  NodeId preflight;         // blocks; preflight and postflight may be absent
  NodeId body;
  NodeId postflight;
  Span where;

  /// All tables but the pools, in the order of the file's sections.
  template <class S, class V> static void tables(S &s, V &&v) {
    v("files", s.files); v("hosts", s.hosts); v("cluster_attributes", s.cluster_attributes); v("sets", s.sets); v("roles", s.roles);
    v("states", s.states); v("probes", s.probes); v("gates", s.gates); v("actions", s.actions); v("holds", s.holds);
    v("procedures", s.procedures); v("orders", s.orders); v("ranks", s.ranks); v("commands", s.commands); v("secrets", s.secrets);
    v("parameters", s.parameters); v("rollouts", s.rollouts); v("phases", s.phases); v("waivers", s.waivers); v("windows", s.windows);
    v("exclusive", s.exclusive); v("initially", s.initially); v("finally", s.finally);
  }
  /// The scalar fields.
  template <class S, class V> static void fields(S &s, V &&v) {
    v("kind", s.kind); v("name", s.name); v("cluster", s.cluster); v("from", s.from); v("to", s.to); v("compiler", s.compiler);
    v("inventory_fingerprint", s.inventory_fingerprint); v("frame", s.frame); v("preflight", s.preflight); v("body", s.body);
    v("postflight", s.postflight); v("where", s.where);
  }

  // ---- access. Ids must be valid in this plan (the validator has seen to that).
  std::string_view text(StringId id) const { return id.valid() ? std::string_view(strings[id.index]) : std::string_view(); }
  std::int64_t integer(IntegerId id) const { return integers[id.index]; }
  const Node &node(NodeId id) const { return nodes[id.index]; }
  const Span &span(NodeId id) const { return spans[id.index]; }
  std::span<const NodeId> kids(NodeId id) const {
    const Node &n = nodes[id.index];
    return std::span<const NodeId>(children).subspan(n.first, n.count);
  }
  NodeId kid(NodeId id, std::size_t i) const { return children[nodes[id.index].first + i]; }
};

}  // namespace upg::plan
