#pragma once
#include <string>
#include <vector>

#include "compiler/lower/context.h"
#include "compiler/lower/expressions.h"

namespace upg::lower {

/// What is done, and its contract: actions, holds (two actions each) and undo blocks (an action of their own).
class Actions {
 public:
  Actions(Context &context, Expressions &expressions) : context_(&context), expressions_(&expressions) {}

  void all();
  /// A manual step of a plan, as an action without parameters.
  plan::ActionId operator_step(const ast::OperatorStatement &written, Range range, const ast::Doc *doc, Body &body);

 private:
  /// Contract words of a hold: they stand in both of its actions.
  struct Shared {
    const ast::Requires *requires_ = nullptr;
    const ast::RoleEffect *role_effect = nullptr;
    const ast::Spills *spills = nullptr;
    const ast::Reaches *reaches = nullptr;
    const ast::Moves *moves = nullptr;
    Range range;
  };
  enum class Part : std::uint8_t { action, undo, acquire, release };

  void action(std::size_t index);
  void hold(std::size_t index);
  /// The clauses of one body. `takes` may come from outside (a hold, the action that is undone).
  plan::Action lower(const ast::ActionBody &written, Part part, Body &body, std::string_view name, Range where);
  void clause(const ast::ActionClause &clause, Part part, Body &body, plan::Action &action, std::string_view name);
  void steps(const ast::ActionBody &written, Part part, Body &body, plan::Action &action, std::string_view name);
  std::vector<NodeId> step_list(const std::vector<ast::ActionClause> &clauses, Body &body, plan::Action *action,
                                bool nested);
  NodeId loop(const ast::ForClause &written, Range range, Body &body);
  void takes(const ast::Takes &written, Body &body, plan::Action &action);
  void undo(const ast::Undo &written, Range range, Body &body, plan::Action &action, std::string_view name);
  void shared(const Shared &item, Body &body, plan::Action &action, bool release);
  void finish(plan::Action &action, Part part, std::string_view name, Range where, const ast::ActionBody &written,
              sema::ModuleId module);

  // contracts.cpp
  void requirements(const ast::Requires &written, Body &body, plan::Action &action);
  NodeId requirement(const ast::Expr &condition, Body &body);
  NodeId counted(const ast::BinaryExpr &comparison, Range range, Body &body);
  bool provable(const ast::Expr &condition, Body &body);
  void role_effect(const ast::RoleEffect &written, Range range, Body &body, plan::Action &action);
  void spills(const ast::Spills &written, Body &body, plan::Action &action);
  void reaches(const ast::Reaches &written, Range range, Body &body, plan::Action &action);
  NodeId moves(const ast::Moves &written, Range range, Body &body, bool reversed);
  void awaited(const ast::Expr &condition, Range range, Body &body, plan::Action &action);

  plan::ActionId add(plan::Action action) {
    return plan::Builder::add<plan::ActionId>(context_->build.plan.actions, std::move(action));
  }

  Context *context_;
  Expressions *expressions_;
};

/// A bounded loop over run-time data: list, condition and body under one slot. Without `if any` an empty list is no
/// answer.
NodeId data_loop(Context &context, const Expressions::Bound &bound, std::uint32_t at_most, Range range, NodeId block,
                 Body &body);

}  // namespace upg::lower
