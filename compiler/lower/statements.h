#pragma once
#include <span>
#include <vector>

#include "compiler/lower/actions.h"
#include "compiler/lower/context.h"
#include "compiler/lower/expressions.h"

namespace upg::lower {

/// Statements of plans and procedures.
class Statements {
 public:
  Statements(Context &context, Expressions &expressions, Actions &actions)
      : context_(&context),
        expressions_(&expressions),
        actions_(&actions),
        state_(context.program.procedures.size(), State::fresh) {}

  /// All procedures, callees first.
  void procedures();
  NodeId block(const ast::Block &written, Body &body);
  NodeId block(std::span<const ast::Statement *const> statements, Range range, Body &body);

 private:
  enum class State : std::uint8_t { fresh, open, done };

  /// Statements from `at` on, up to the end of the block.
  void sequence(std::span<const ast::Statement *const> statements, Range range, Body &body, std::vector<NodeId> &out);
  NodeId statement(const ast::Statement &statement, Body &body);
  /// A block that is entered by choice or by several: no phases, no point of no return.
  NodeId inner(const ast::Block &written, Body &body);

  NodeId expect(const ast::ExpectStatement &written, Range range, Body &body);
  NodeId let(const ast::LetStatement &written, Range range, Body &body);
  NodeId with(const ast::WithStatement &written, Range range, Body &body);
  NodeId dag(std::span<const ast::Statement *const> phases, Body &body);
  NodeId branch(const ast::IfStatement &written, std::size_t at, Range range, Body &body);
  NodeId unless(const ast::UnlessStatement &written, Range range, Body &body);
  NodeId accept(const ast::AcceptStatement &written, Range range, NodeId block, Body &body);
  NodeId call(const ast::CallStatement &written, Range range, Body &body);
  /// A step that names a host which --limit leaves out.
  void check_limit(std::span<const NodeId> arguments, std::string_view name, Range range);
  NodeId perform(sema::SymbolRef symbol, const ast::Ref &ref, Range range, Body &body);
  void procedure(std::size_t index);
  void report_cycle(std::size_t from, Range range);
  NodeId attempt(const ast::AttemptStatement &written, Range range, Body &body);
  void no_way_back(Range range);
  bool may_act(Range range, std::string_view what, Body &body);

  // rollouts.cpp
  NodeId rolling(const ast::RollingStatement &written, Range range, Body &body);
  NodeId for_each(const ast::ForStatement &written, Range range, Body &body);
  void options(const std::vector<ast::RollingOption> &written, plan::Rollout &rollout, std::size_t hosts, Body &body);
  void batch(const ast::BatchOption &written, Range range, plan::Rollout &rollout, std::size_t hosts, Body &body);
  /// In visit order, without those declared out; nothing if they are not known (reported).
  struct Visited {
    std::vector<sema::HostId> hosts;
    sema::RoleId role;
    bool empty = false;  // although one host at least is meant
  };
  std::optional<Visited> visited(const ast::Binder &binder, Body &body);
  NodeId roll_body(const ast::Block &written, Body &body);
  NodeId finish_roll(const ast::Binder &binder, const Visited &visited, plan::Rollout rollout, NodeId block, bool acts,
                     Range range);

  Context *context_;
  Expressions *expressions_;
  Actions *actions_;
  std::vector<State> state_;
  std::vector<NodeId> before_;  // what the statement at hand needs right before it
  struct Open {
    std::size_t procedure;
    Range call;
  };
  std::vector<Open> open_;  // procedures being lowered, outermost first
};

}  // namespace upg::lower
