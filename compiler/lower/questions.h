#pragma once
#include <span>

#include "compiler/lower/context.h"
#include "compiler/lower/expressions.h"

namespace upg::lower {

/// What is only asked: probes, gates, what observes states and holds, conditions of sets of hosts.
class Questions {
 public:
  Questions(Context &context, Expressions &expressions) : context_(&context), expressions_(&expressions) {}

  void all();
  /// The `observe` of a hold, in a body with the hold's parameters.
  Typed observed(const ast::Expr &expr, Body &body) { return expressions_->value(expr, body); }

 private:
  /// What follows the statements of a block of a probe, up to the end of its body.
  struct Rest {
    std::span<const ast::ProbeStatement> statements;
    Rest *next = nullptr;
    bool taken = false;
  };

  void state(std::size_t index);
  void probe(std::size_t index);
  void gate(std::size_t index);
  void host_set(std::size_t index);
  NodeId answer(std::span<const ast::ProbeStatement> statements, Rest *rest, Range end, Body &body,
                const sema::Probe &probe);
  NodeId branches(const ast::ProbeIf &statement, std::size_t branch, Range whole, Rest *rest, Range end, Body &body,
                  const sema::Probe &probe);
  /// Whether it is the health or stoppable gate of a role.
  bool is_of_role(sema::GateId gate) const;
  void polling(const ast::GateDecl &declaration, const sema::Gate &declared, plan::Gate &gate, Body &body);
  void watches(const ast::Watches &written, plan::Gate &gate, Body &body);
  void clears(const ast::Clears &written, const sema::Gate &declared, plan::Gate &gate, Body &body);

  static constexpr std::uint32_t max_copies = 32;

  Context *context_;
  Expressions *expressions_;
  std::uint32_t copies_ = 0;  // of what follows an `if`, in the probe at hand
};

}  // namespace upg::lower
