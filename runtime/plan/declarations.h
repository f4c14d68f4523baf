#pragma once
#include <cstdint>
#include <vector>

#include "runtime/plan/site.h"

/// Records of states, probes, gates, actions, holds, procedures. Part of plan.h.
namespace upg::plan {

/// While the state has one of the values first..last, these gates are tainted.
struct StateTaint {
  std::vector<std::uint32_t> values;
  std::vector<GateId> gates;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("values", s.values);
    v("gates", s.gates);
  }
};
struct BootMove {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("from", s.from);
    v("to", s.to);
  }
};
struct StateValue {
  StringId name;
  bool transient = false;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("transient", s.transient);
  }
};
/// A state machine of a host (one host parameter) or of the cluster (none).
struct State {
  StringId name;
  StringId doc;
  Frame frame;
  std::vector<StateValue> values;
  NodeId observe;  // gives the name of a value; anything else is unknown
  std::vector<BootMove> on_boot;
  std::vector<StateTaint> taints;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("frame", s.frame);
    v("values", s.values);
    v("observe", s.observe);
    v("on_boot", s.on_boot);
    v("taints", s.taints);
    v("where", s.where);
  }
};

struct Probe {
  StringId name;
  StringId doc;
  Frame frame;
  Type result;
  NodeId body;  // an expression
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("frame", s.frame);
    v("result", s.result);
    v("body", s.body);
    v("where", s.where);
  }
};

/// One thing a gate watches: a role (every host of it), a hold, or a state. `on` (arguments) narrows a hold or a state
/// to one cell.
struct Watch {
  RoleId role;
  HoldId hold;
  StateId state;
  std::vector<NodeId> arguments;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("role", s.role);
    v("hold", s.hold);
    v("state", s.state);
    v("arguments", s.arguments);
  }
};
struct Gate {
  StringId name;
  StringId doc;
  Frame frame;
  NodeId pass;                // expression; its lets are `bind` nodes
  NodeId fail;                // may be absent: then only the deadline ends the wait
  std::int64_t poll = 0;      // ms between askings
  std::int64_t deadline = 0;  // ms; 0: asked once
  std::uint32_t stable = 1;
  WatchKind watch_kind = WatchKind::unwritten;
  std::vector<Watch> watches;
  std::vector<RoleId> clears;  // guests of the role's hosts that a pass proves gone from the gate's host
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("frame", s.frame);
    v("pass", s.pass);
    v("fail", s.fail);
    v("poll", s.poll);
    v("deadline", s.deadline);
    v("stable", s.stable);
    v("watch_kind", s.watch_kind);
    v("watches", s.watches);
    v("clears", s.clears);
    v("where", s.where);
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
  std::int64_t retry_delay = 0;  // ms
  bool idempotent = false;
  bool once = false;
  std::int64_t typical = 0;  // ms
  std::int64_t worst = 0;    // ms; also the deadline
  UndoKind undo_kind = UndoKind::none;
  ActionId undo;           // an action with the same parameters
  StringId undo_reason;    // for `undo nothing`
  StringId operator_text;  // valid: a person does it
  NodeId body;             // block of let, command, for_data
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("frame", s.frame);
    v("needs", s.needs);
    v("effects", s.effects);
    v("done_when", s.done_when);
    v("retries", s.retries);
    v("retry_delay", s.retry_delay);
    v("idempotent", s.idempotent);
    v("once", s.once);
    v("typical", s.typical);
    v("worst", s.worst);
    v("undo_kind", s.undo_kind);
    v("undo", s.undo);
    v("undo_reason", s.undo_reason);
    v("operator_text", s.operator_text);
    v("body", s.body);
    v("where", s.where);
  }
};

/// A cell {off, on} with two actions. Acquire and release have the hold's parameters; effects written on the hold stand
/// in both actions.
struct Hold {
  StringId name;
  StringId doc;
  Frame frame;
  NodeId observe;  // its value at acquire is what release restores (`was`); false or absent there means "was off"
  ActionId acquire;
  ActionId release;
  std::vector<GateId> taints;
  std::vector<NodeId> moves;  // effects `moves` that the hold owns
  Afterwards on_halt = Afterwards::unwritten;
  Afterwards on_wait = Afterwards::unwritten;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("frame", s.frame);
    v("observe", s.observe);
    v("acquire", s.acquire);
    v("release", s.release);
    v("taints", s.taints);
    v("moves", s.moves);
    v("on_halt", s.on_halt);
    v("on_wait", s.on_wait);
    v("where", s.where);
  }
};

struct Procedure {
  StringId name;
  StringId doc;
  Frame frame;
  NodeId body;
  Span where;
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("name", s.name);
    v("doc", s.doc);
    v("frame", s.frame);
    v("body", s.body);
    v("where", s.where);
  }
};

}  // namespace upg::plan
