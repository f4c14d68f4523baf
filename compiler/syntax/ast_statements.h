#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/syntax/ast_expressions.h"

/// Statements of plans, procedures, probes, and the clauses of actions, gates and holds.
namespace upg::syntax::ast {

/// Text of the `///` lines right above, markers removed, lines joined with '\n'.
struct Doc {
  std::string text;
  Range range;
};

/// `let x = e`
struct Let {
  Name name;
  ExprPtr value;
};

/// Typical and worst duration: `takes 3m..15m`.
struct Takes {
  ExprPtr typical, worst;
  Range range;
};

/// One item of `requires a, S == v, held x, not held y, free z`.
struct Requirement {
  enum class Kind : std::uint8_t { condition, held, not_held, free };
  Kind kind = Kind::condition;
  ExprPtr condition;  // of `condition`: a gate, a comparison, a count; else null
  Ref hold;           // of the others
  Range range;
};
struct Requires {
  std::vector<Requirement> needs;
};

struct Statement;
struct Block {
  std::vector<Statement> statements;
  Range range;  // with its braces
};

// ---- statements of plans and procedures ----------------------------------------------------------------------------

struct AwaitStatement {
  Ref gate;
};
struct ExpectStatement {
  ExprPtr condition;
};  // a comparison
struct LetStatement {
  Let let;
};
struct WithStatement {
  std::vector<Ref> holds;  // first is outermost
  Block body;
};
/// `batch 2 per host.rack`
struct BatchOption {
  ExprPtr size;
  ExprPtr per;  // null if not written
};
struct CanaryOption {
  ExprPtr count;
  ExprPtr soak;  // null if not written
};
struct TolerantOption {};
struct AtMostOption {
  ExprPtr limit;
};
struct RollingOption {
  std::variant<BatchOption, CanaryOption, TolerantOption, AtMostOption> option;
  Range range;
};
struct RollingStatement {
  Binder binder;
  std::vector<RollingOption> options;  // as written; duplicates are for the checker
  Block body;
};
struct ForStatement {
  Binder binder;
  ExprPtr at_most;  // null if not written
  Block body;
};
/// `at most 2h { }`
struct DeadlineStatement {
  ExprPtr limit;
  Block body;
};
struct PhaseStatement {
  Name name;
  std::vector<Name> after;
  Block body;
};
struct ParallelStatement {
  std::vector<Block> branches;
};  // two or more
struct IfBranch {
  ExprPtr condition;
  Block body;
};
struct IfStatement {
  std::vector<IfBranch> branches;  // `if`, then each `else if`
  std::optional<Block> otherwise;  // `else`
};
struct UnlessStatement {
  ExprPtr condition;  // a comparison
  Block body;
};
struct RecoverBranch {
  ExprPtr condition;
  Block body;
  Range range;
};
struct AttemptStatement {
  ExprPtr times;
  Block body;
  std::vector<RecoverBranch> recover;
  std::optional<Block> otherwise;
};
struct PointOfNoReturnStatement {
  StringLiteral why;
};
/// `accept outage of R for at most D reason "..." until DATE { }`; `accept RULE of R ...`
struct AcceptStatement {
  Name rule;  // `outage`, or the name of a rule
  std::optional<Ref> of;
  ExprPtr at_most;  // null if not written
  StringLiteral reason;
  std::optional<DateLiteral> until;
  Range until_range;          // of the date, if written
  std::optional<Block> body;  // none: holds for the enclosing block
};
struct AdmitStatement {
  Block body;
};
struct OperatorStatement {
  StringLiteral text;
  std::optional<Takes> takes;
};
struct AskStatement {
  StringLiteral text;
};
struct CallStatement {
  Ref callee;
};  // arguments are present

struct Statement {
  using Node = std::variant<AwaitStatement, ExpectStatement, LetStatement, WithStatement, RollingStatement,
                            ForStatement, DeadlineStatement, PhaseStatement, ParallelStatement, IfStatement,
                            UnlessStatement, AttemptStatement, PointOfNoReturnStatement, AcceptStatement,
                            AdmitStatement, OperatorStatement, AskStatement, CallStatement>;
  Node node;
  Range range;
  std::optional<Doc> doc;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};

// ---- statements of probes ------------------------------------------------------------------------------------------

struct ProbeStatement;
struct ProbeBlock {
  std::vector<ProbeStatement> statements;
  Range range;
};
struct ReturnStatement {
  ExprPtr value;
};
struct ProbeIfBranch {
  ExprPtr condition;
  ProbeBlock body;
};
struct ProbeIf {
  std::vector<ProbeIfBranch> branches;
  std::optional<ProbeBlock> otherwise;
};
struct ProbeStatement {
  std::variant<Let, ReturnStatement, ProbeIf> node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};

// ---- clauses shared by actions and holds ---------------------------------------------------------------------------

enum class EffectKind : std::uint8_t { changes, disrupts };
/// `changes node, db.replica on h`; the role `all` is the QName "all".
struct RoleEffect {
  EffectKind kind;
  std::vector<Ref> roles;
  Target on;
};
struct Spills {
  std::vector<Ref> roles;
};
/// `reaches a, b`, `watches a, b`: roles, states, holds; `nothing` alone is an empty list with `nothing` set.
struct Reaches {
  std::vector<Ref> items;
  bool nothing = false;
};
struct Destroys {
  StringLiteral what;
};
struct Reinstalls {
  ExprPtr hosts;
};
/// `moves S: a | b -> c via m else f`
struct Moves {
  Ref state;
  bool from_any = false;   // `any -> c`
  std::vector<Name> from;  // empty if from_any
  Name to;
  std::vector<Name> via;
  std::optional<Name> on_failure;
};
struct Taints {
  std::vector<Ref> gates;
};

// ---- actions -------------------------------------------------------------------------------------------------------

struct DoneWhen {
  ExprPtr condition;
};
struct Retry {
  ExprPtr times, interval;
};
struct Idempotent {};
struct Once {};
struct AwaitsBoot {
  ExprPtr hosts;
};  // `awaits boot of h`
struct Awaits {
  ExprPtr condition;
};
struct OperatorClause {
  StringLiteral text;
};
struct RunClause {
  ExprPtr run;
};  // a RunExpr

struct ActionClause;
/// The body of an action, of `acquire`, `release` and `undo`. Clauses keep their order: let, run, awaits, operator and
/// for are steps.
struct ActionBody {
  std::vector<ActionClause> clauses;
  Range range;
};
struct Undo {
  std::optional<StringLiteral> nothing;  // `undo nothing "why"`
  ActionBody body;                       // else this
};
struct ForClause {
  Binder binder;
  ExprPtr at_most;  // null if not written
  ActionBody body;
};
struct ActionClause {
  using Node =
      std::variant<Requires, RoleEffect, Spills, Reaches, Destroys, Reinstalls, Moves, DoneWhen, Retry, Idempotent,
                   Once, Takes, AwaitsBoot, Awaits, Undo, OperatorClause, Let, RunClause, ForClause>;
  Node node;
  Range range;
  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
};

}  // namespace upg::syntax::ast
