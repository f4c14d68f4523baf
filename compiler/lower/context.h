#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/sema/evaluate.h"
#include "compiler/sema/program.h"
#include "compiler/sema/resolve.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/plan.h"

/// Syntax trees of bodies and the site's tables -> plan. Everything that was declared is lowered and type-checked, then
/// what the plan does not reach is dropped (prune.h). Ids of roles, states, probes, gates, holds, procedures and hosts
/// are those of the Program until then.
namespace upg::lower {

namespace ast = syntax::ast;
using diagnostics::Kind;
using diagnostics::Range;
using plan::NodeId;
using plan::Op;
using sema::Base;
using sema::Type;

using Hosts = std::shared_ptr<const std::vector<sema::HostId>>;

/// The plan's id of an entry of a Program's table.
template <class PlanId, class SemaId>
PlanId plan_id(SemaId id) {
  return id.valid() ? PlanId(id.index) : PlanId();
}
inline plan::RoleId plan_id(sema::RoleId id) { return plan_id<plan::RoleId>(id); }
inline plan::StateId plan_id(sema::StateId id) { return plan_id<plan::StateId>(id); }
inline plan::ProbeId plan_id(sema::ProbeId id) { return plan_id<plan::ProbeId>(id); }
inline plan::GateId plan_id(sema::GateId id) { return plan_id<plan::GateId>(id); }
inline plan::HoldId plan_id(sema::HoldId id) { return plan_id<plan::HoldId>(id); }
inline plan::HostId plan_id(sema::HostId id) { return plan_id<plan::HostId>(id); }

/// A lowered expression. `among`: the hosts that a host can be, if that is known.
struct Typed {
  NodeId node;
  Type type = Type::of(Base::poison);
  Hosts among;
  bool poisoned() const { return type.poisoned(); }
};

/// A name of a body.
struct LocalName {
  enum class Kind : std::uint8_t { parameter, let, binder };
  Kind kind = Kind::let;
  std::string name;
  std::uint32_t slot = 0;
  Type type;
  Range range;
  Hosts among;
  bool used = false;
  std::size_t errors = 0;  // reported before it was bound: after a mistake nobody knows what would be used
};

enum class Place : std::uint8_t {
  probe,
  gate,
  observe,
  host_set,
  action,
  procedure,
  plan,
  preflight,
  postflight,
  on_abort,
  claim
};

/// What is being lowered: one frame of slots and the names in sight.
struct Body {
  Place place = Place::plan;
  sema::ModuleId module;
  bool asking = false;  // a role's name means its hosts that the plan has not taken down
  plan::Frame frame;
  std::vector<LocalName> locals;
  std::optional<Type> was;  // in the release of a hold: type of its `observe`
  bool acts = false;        // something with an effect was lowered
  bool spine = true;        // sequence, `with`, phases only around this place
  bool spine_only = false;  // holds phases or a point of no return
  bool no_return = false;   // holds a point of no return
  bool admits = false;      // the next statement may be `admit`

  bool only_asks() const { return place == Place::preflight || place == Place::postflight; }
};

/// A message about code that matters only if the plan reaches `node`.
struct Deferred {
  NodeId node;
  diagnostics::Diagnostic diagnostic;
};

/// What every part of the lowering works on.
class Context {
 public:
  Context(sema::Program &the_program, sema::Resolver &the_resolver, diagnostics::Sink &the_sink)
      : program(the_program), resolver(the_resolver), evaluator(the_resolver), sink(the_sink) {}

  sema::Program &program;
  sema::Resolver &resolver;
  sema::Evaluator evaluator;
  diagnostics::Sink &sink;
  plan::Builder build;
  std::vector<Deferred> deferred;
  plan::SetId all_hosts;                   // every host that is not declared out
  std::vector<plan::SetId> present_hosts;  // parallel to roles: its hosts that are not declared out
  std::vector<bool> procedure_acts;        // parallel to procedures
  std::vector<bool> procedure_spine_only;
  std::vector<bool> procedure_no_return;  // holds a point of no return
  bool tolerant_seen = false;             // a tolerant rollout was lowered, reached or not

  /// Whether the chosen upgrade says `tolerate`.
  bool tolerates() const;

  /// Absent for places outside the .upg files (an imported inventory may hold passwords: its text is no part of the
  /// plan).
  plan::Span span(Range range) const {
    return range.file.index < program.source_files ? plan::Span{range.file.index, range.begin, range.end}
                                                   : plan::Span{};
  }
  NodeId node(Op op, Range where, std::uint32_t a, std::uint32_t b, std::initializer_list<NodeId> children) {
    return build.node(op, span(where), a, b, children);
  }
  NodeId node(Op op, Range where, std::uint32_t a, std::uint32_t b, const std::vector<NodeId> &children) {
    return build.node(op, span(where), a, b, std::span<const NodeId>(children));
  }
  NodeId node(Op op, Range where, std::initializer_list<NodeId> children) { return node(op, where, 0, 0, children); }
  NodeId text(std::string_view value, Range where) { return build.text(value, span(where)); }
  NodeId number(std::int64_t value, Range where) { return build.number(value, span(where)); }
  NodeId constant(const sema::Value &value, Range where);
  plan::StringId string(std::string_view value) { return build.string(value); }
  /// The doc comment of a declaration; absent if there is none.
  plan::StringId doc(const ast::Doc *doc) { return doc != nullptr ? string(doc->text) : plan::StringId(); }
  plan::Type type(const Type &type) const;

  diagnostics::Sink::Builder error(Kind kind, Range range, std::string message) {
    return sink.report(kind, range, std::move(message));
  }
  /// Where one host at least is needed; `role`: the role that nobody carries, if it is one.
  diagnostics::Diagnostic empty_set(Range range, sema::RoleId role) const;
  std::string show(const Type &type) const { return sema::to_string(type, program); }
  /// `a size`, `an int`, "nothing": for messages.
  std::string article(const Type &type) const;

  /// False: a syntax error kept clauses or statements out, so that what is missing may have been written.
  bool complete(sema::ModuleId module) const { return program.trees[module.index]->complete; }

  // ---- names of a body
  /// Binds a name: a new slot, the innermost local. Warns if it hides another.
  std::uint32_t bind(Body &body, LocalName::Kind kind, const ast::Name &name, Type type, Hosts among = nullptr);
  LocalName *find(Body &body, std::string_view name) const;
  /// Forgets the locals after the first `keep`, with a warning for those never used.
  void leave(Body &body, std::size_t keep);
  /// A body whose frame begins with these parameters.
  Body enter(Place place, sema::ModuleId module, const std::vector<sema::Parameter> &parameters);
  /// The same names for the compile-time evaluator.
  sema::Scope scope(const Body &body) const;
  std::vector<std::string_view> names(const Body &body) const;
  /// Hosts that a host of this type can be: those of its role, else all.
  Hosts hosts_of(const Type &type);
  /// A static set as the plan's own, without a name; the same hosts give the same set.
  plan::SetId host_set(const std::vector<sema::HostId> &hosts, Range where);

 private:
  std::vector<std::pair<std::vector<sema::HostId>, plan::SetId>> sets_;  // sorted by hosts
  std::vector<Hosts> carriers_;                                          // by role; the last: all hosts
};

inline Range join(Range a, Range b) { return {a.file, a.begin, b.end}; }
inline Range head(Range range, std::uint32_t bytes) {
  return {range.file, range.begin, range.begin + bytes < range.end ? range.begin + bytes : range.end};
}

}  // namespace upg::lower
