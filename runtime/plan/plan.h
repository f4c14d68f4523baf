#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/declarations.h"
#include "runtime/plan/nodes.h"
#include "runtime/plan/schedule.h"
#include "runtime/plan/site.h"

/// The plan: the only thing that compiler and runtime share. A value made of tables; procedures, rollouts and host
/// tables stay folded. Every record lists its fields once in `fields`; writer, reader, validator, digest and
/// disassembler are made from that list.
namespace upg::plan {

/// Who is upgraded, what happens, in what order: everything a run needs except keys and secrets.
struct Plan {
  // ---- identity
  PlanKind kind = PlanKind::upgrade;
  StringId name;
  StringId cluster;
  StringId from;
  StringId to;
  StringId compiler;  // version of the compiler that built it
  StringId
      inventory_fingerprint;  // SHA-256 (hex) over the site as resolved: names, addresses, users, roles, attributes
  StringId limit;  // what `--limit` said, as written; absent: rollouts visit every host. Roles keep all hosts
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
  Frame frame;       // slots of the blocks below
  NodeId preflight;  // blocks; preflight and postflight may be absent
  NodeId body;
  NodeId postflight;
  // What an abort does, instead of each action's `undo` in reverse; absent: by undo. It starts when nothing is in
  // flight any more, from any point before the first `no_return`, holds given back first; its slots are its own,
  // nothing that the body bound is seen. Not a part of a run that is not aborted.
  NodeId on_abort;
  std::uint32_t tolerate = 0;  // hosts that tolerant rollouts may lose, all together; 0: none
  Span where;

  /// All tables but the pools, in the order of the file's sections.
  template <class S, class V>
  static void tables(S &s, V &&v) {
    v("files", s.files);
    v("hosts", s.hosts);
    v("cluster_attributes", s.cluster_attributes);
    v("sets", s.sets);
    v("roles", s.roles);
    v("states", s.states);
    v("probes", s.probes);
    v("gates", s.gates);
    v("actions", s.actions);
    v("holds", s.holds);
    v("procedures", s.procedures);
    v("orders", s.orders);
    v("ranks", s.ranks);
    v("commands", s.commands);
    v("secrets", s.secrets);
    v("parameters", s.parameters);
    v("rollouts", s.rollouts);
    v("phases", s.phases);
    v("waivers", s.waivers);
    v("windows", s.windows);
    v("exclusive", s.exclusive);
    v("initially", s.initially);
    v("finally", s.finally);
  }
  /// The scalar fields.
  template <class S, class V>
  static void fields(S &s, V &&v) {
    v("kind", s.kind);
    v("name", s.name);
    v("cluster", s.cluster);
    v("from", s.from);
    v("to", s.to);
    v("compiler", s.compiler);
    v("inventory_fingerprint", s.inventory_fingerprint);
    v("limit", s.limit);
    v("frame", s.frame);
    v("preflight", s.preflight);
    v("body", s.body);
    v("postflight", s.postflight);
    v("on_abort", s.on_abort);
    v("tolerate", s.tolerate);
    v("where", s.where);
  }

  // ---- access. Ids must be valid in this plan (the validator has seen to that).
  std::string_view text(StringId id) const {
    return id.valid() ? std::string_view(strings[id.index]) : std::string_view();
  }
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
