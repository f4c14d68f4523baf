#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/lower/context.h"

namespace upg::lower {

/// Expressions -> nodes, typed in the same walk. A mistake is reported once and gives a poisoned value.
class Expressions {
 public:
  explicit Expressions(Context &context) : context_(&context) {}

  /// Any value but a secret.
  Typed value(const ast::Expr &expr, Body &body);
  /// A value that may stand where `wanted` is. `what` names the place: "the body of probe `free`".
  Typed value_as(const ast::Expr &expr, Body &body, const Type &wanted, std::string_view what);
  NodeId condition(const ast::Expr &expr, Body &body, std::string_view what);
  Typed text_value(const ast::StringLiteral &string, Body &body) { return text(string, body); }

  /// What a person types, as text, and then as the type that was asked for. A question stands in a `let` of a plan
  /// only.
  Typed asked_person(const ast::AskExpr &expr, Range range, Body &body);
  Typed answer_as(const Type &type, std::uint32_t slot, Range range);

  /// A bound name, in scope until `close`.
  struct Bound {
    std::size_t outer = 0;  // locals before it
    Typed set;
    NodeId where;  // `true` if not written
    std::uint32_t slot = 0;
    bool if_any = false;
  };
  Bound open(const ast::Binder &binder, Body &body);
  void close(Body &body, const Bound &bound) { context_->leave(body, bound.outer); }
  /// A selection as a value: a set, or those elements of it for which `where` holds.
  Typed selection(const ast::Selection &selection, Body &body);

  /// `on h`, `on any mon`, ... In an effect there is no `any` and no `local`.
  NodeId target(const ast::Target &target, Body &body, bool effect);
  /// A host or a set of hosts.
  Typed hosts(const ast::Expr &expr, Body &body, std::string_view what);

  /// Arguments in the order of the parameters, defaults filled in.
  std::vector<NodeId> arguments(sema::SymbolRef callee, std::span<const ast::Argument> arguments, Range call,
                                Body &body);
  std::vector<NodeId> arguments(sema::SymbolRef callee, const ast::Ref &ref, Body &body);

  /// The cell that an expression names (`sources(h)`, `upgrade`), or nothing, silently.
  std::optional<sema::StateId> state_named(const ast::Expr &expr, Body &body);
  NodeId cell(sema::StateId state, const ast::Expr &expr, Body &body);
  NodeId cell(sema::StateId state, const ast::Ref &ref, Body &body);
  /// `S == v` and its parts, if the expression is that.
  struct CellTest {
    sema::StateId state;
    const ast::Expr *cell = nullptr;
    std::uint32_t value = 0;
    bool poisoned = false;
  };
  std::optional<CellTest> cell_test(const ast::Expr &expr, Body &body);
  /// Whether the expression is `NAME` or `NAME(..)` of a gate, `in_service(..)` or `stoppable(..)`.
  bool names_gate(const ast::Expr &expr, Body &body);
  /// A gate node; nothing (reported) if it is none.
  NodeId gate(const ast::Expr &expr, Body &body);
  NodeId gate(const ast::Ref &ref, Body &body);
  NodeId held(const ast::Ref &ref, Body &body);

  /// A dotted name that is one symbol of these kinds and nothing more, silently.
  std::optional<sema::SymbolRef> symbol_named(const ast::Expr &expr, Body &body) const;

 private:
  Typed any_value(const ast::Expr &expr, Body &body);
  Typed literal(const ast::Expr &expr, Body &body);
  Typed text(const ast::StringLiteral &string, Body &body);
  Typed interpolated(const ast::Expr &expr, Body &body, bool shell);
  Typed list(const ast::ListExpr &expr, Range range, Body &body);
  Typed comprehension(const ast::ComprehensionExpr &expr, Range range, Body &body);
  Typed quantified(const ast::QuantifiedExpr &expr, Range range, Body &body);
  Typed count(const ast::CountExpr &expr, Range range, Body &body);
  Typed any_of(const ast::AnyExpr &expr, Range range, Body &body);
  Typed ask(const ast::AskExpr &expr, Range range, Body &body);

  // names.cpp
  Typed named(const ast::Expr &expr, Body &body);
  Typed special_name(std::span<const ast::Name *const> parts, Range range, Body &body, std::size_t &consumed,
                     bool &known);
  Typed symbol_value(sema::SymbolRef symbol, Range range, Body &body);
  Typed set_of_role(sema::RoleId role, Range range, const Body &body);
  Typed members(Typed base, std::span<const ast::Name *const> fields);
  // members.cpp
  /// `where`: the whole expression, brackets around `base` included.
  Typed member(Typed base, const ast::Name &field, Range where);
  Typed host_member(const Typed &base, const ast::Name &field, Range where);
  Typed index(const ast::IndexExpr &expr, Range range, Body &body);
  Typed call(const ast::CallExpr &expr, Range range, Body &body);
  Typed method(Typed base, const ast::Name &name, std::span<const ast::Argument> arguments, Range range, Body &body);
  Typed function(const ast::Name &name, std::span<const ast::Argument> arguments, Range range, Body &body);
  Typed symbol_call(sema::SymbolRef symbol, const ast::Expr &callee, std::span<const ast::Argument> arguments,
                    Range range, Body &body);
  void check_carries(const Typed &host, sema::RoleId role, Range range);
  void check_pattern(const ast::Expr &pattern);
  // operators.cpp
  Typed unary(const ast::UnaryExpr &expr, Range range, Body &body);
  Typed binary(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed logical(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed comparison(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed membership(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed pattern(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed arithmetic(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed sets(const ast::BinaryExpr &expr, Range range, Body &body);
  Typed fallback(const ast::DefaultExpr &expr, Range range, Body &body);
  Typed value_of_state(const ast::Expr &expr, sema::StateId state, Body &body);
  void mismatch(const ast::BinaryExpr &expr, const Typed &left, const Typed &right, Range range, std::string_view note);
  // commands.cpp
  Typed command(const ast::RunExpr &expr, Range range, Body &body);
  void run_arguments(const ast::RunExpr &expr, Body &body, std::vector<NodeId> &children);
  void shell_text(const ast::RunExpr &expr, Range range, Body &body, std::vector<NodeId> &children);
  Typed secret_or_value(const ast::Expr &expr, Body &body, std::string_view what);

  Typed make(Op op, Range range, std::initializer_list<NodeId> children, Type type) {
    return {context_->node(op, range, children), type, nullptr};
  }
  Typed builtin(plan::Builtin which, Range range, const std::vector<NodeId> &arguments, Type type);
  /// An empty static set where one host at least is needed: an error if the plan gets to `at`.
  void need_some(const Typed &set, NodeId at, Range range);

  Context *context_;
};

/// Names of `a.b.c`, if the expression is that and nothing else.
bool dotted(const ast::Expr &expr, std::vector<const ast::Name *> &parts);

}  // namespace upg::lower
