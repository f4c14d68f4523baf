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
    bool taken = false;  // a node has one parent: only one way may lead here
  };

  void state(std::size_t index);
  void probe(std::size_t index);
  void gate(std::size_t index);
  void host_set(std::size_t index);
  NodeId answer(std::span<const ast::ProbeStatement> statements, Rest *rest, Range end, Body &body, const sema::Probe &probe);
  NodeId branches(const ast::ProbeIf &statement, std::size_t branch, Range whole, Rest *rest, Range end, Body &body, const sema::Probe &probe);
  void polling(const ast::GateDecl &declaration, const sema::Gate &declared, plan::Gate &gate, Body &body);
  void watches(const ast::Watches &written, plan::Gate &gate, Body &body);
  void clears(const ast::Clears &written, const sema::Gate &declared, plan::Gate &gate, Body &body);

  Context *context_;
  Expressions *expressions_;
};

}  // namespace upg::lower
