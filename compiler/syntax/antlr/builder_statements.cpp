#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/builder.h"

namespace upg::syntax {

using P = UpgParser;

// ---- plans and procedures
// --------------------------------------------------------------------------------------------

ast::Block Builder::block(Context *context) {
  ast::Block result;
  result.range = range(context);
  each_item(context, P::RuleStmt, [&](Context *item) {
    if (std::optional<ast::Statement> built = statement(item)) result.statements.push_back(std::move(*built));
  });
  return result;
}

std::optional<ast::Statement> Builder::statement(Context *context) {
  ast::Statement result{statement_node(context), range(context), doc_above(first(context))};
  return result;
}

ast::ExprPtr Builder::at_most(Cursor &cursor) {
  if (!cursor.accept(P::AT)) return nullptr;
  cursor.take(P::MOST);
  return expr(cursor.take_rule(P::RuleOperand));
}

ast::Let Builder::let(Context *context) {
  Cursor cursor(context);
  cursor.take(P::LET);
  ast::Let result;
  result.name = name(cursor.take_rule(P::RuleName));
  cursor.take(P::ASSIGN);
  result.value = expr(cursor.take_rule(P::RuleExpr));
  return result;
}

ast::Takes Builder::takes(Context *context) {
  Cursor cursor(context);
  cursor.take(P::TAKES);
  ast::Takes result;
  result.range = range(context);
  result.typical = expr(cursor.take_rule(P::RuleOperand));
  cursor.take(P::RANGE);
  result.worst = expr(cursor.take_rule(P::RuleOperand));
  return result;
}

ast::RollingOption Builder::rolling_option(Context *context) {
  Cursor cursor(context);
  ast::RollingOption result{ast::TolerantOption{}, range(context)};
  if (cursor.accept(P::BATCH)) {
    ast::BatchOption batch;
    batch.size = expr(cursor.take_rule());
    if (cursor.accept(P::PER)) batch.per = expr(cursor.take_rule());
    result.option = std::move(batch);
  } else if (cursor.accept(P::CANARY)) {
    ast::CanaryOption canary;
    canary.count = expr(cursor.take_rule());
    if (cursor.accept(P::SOAK)) canary.soak = expr(cursor.take_rule());
    result.option = std::move(canary);
  } else if (ast::ExprPtr limit = at_most(cursor)) {
    result.option = ast::AtMostOption{std::move(limit)};
  }
  return result;
}

ast::IfStatement Builder::if_statement(Cursor &cursor) {
  ast::IfStatement result;
  cursor.take(P::IF);
  ast::ExprPtr condition = expr(cursor.take_rule(P::RuleExpr));
  result.branches.push_back({std::move(condition), block(cursor.take_rule(P::RuleBlock))});
  while (cursor.accept(P::ELSE)) {
    if (!cursor.accept(P::IF)) {
      result.otherwise = block(cursor.take_rule(P::RuleBlock));
      break;
    }
    condition = expr(cursor.take_rule(P::RuleExpr));
    result.branches.push_back({std::move(condition), block(cursor.take_rule(P::RuleBlock))});
  }
  return result;
}

ast::AttemptStatement Builder::attempt(Cursor &cursor) {
  ast::AttemptStatement result;
  cursor.take(P::ATTEMPT);
  result.times = expr(cursor.take_rule(P::RuleOperand));
  result.body = block(cursor.take_rule(P::RuleBlock));
  while (cursor.rule() == P::RuleRecovery) {
    Context *context = cursor.take_rule();
    Cursor parts(context);
    parts.take(P::RECOVER);
    parts.take(P::WHEN);
    ast::ExprPtr condition = expr(parts.take_rule(P::RuleExpr));
    result.recover.push_back({std::move(condition), block(parts.take_rule(P::RuleBlock)), range(context)});
  }
  if (cursor.accept(P::OTHERWISE)) result.otherwise = block(cursor.take_rule(P::RuleBlock));
  return result;
}

ast::AcceptStatement Builder::accept(Cursor &cursor) {
  ast::AcceptStatement result;
  cursor.take(P::ACCEPT);
  result.rule = name(cursor.take_rule(P::RuleName));
  if (cursor.accept(P::OF)) result.of = ref(cursor.take_rule(P::RuleRef));
  if (cursor.accept(P::FOR)) result.at_most = at_most(cursor);
  cursor.take(P::REASON);
  result.reason = string(cursor.take_rule(P::RuleString));
  if (cursor.accept(P::UNTIL)) {
    const std::size_t lexeme = cursor.take(P::DATE);
    result.until = date(lexeme);
    result.until_range = lexemes_.range(lexeme);
  }
  if (cursor.rule() == P::RuleBlock) result.body = block(cursor.take_rule());
  return result;
}

ast::Statement::Node Builder::statement_node(Context *context) {
  Cursor cursor(context);
  switch (cursor.token()) {
    case P::AWAIT:
      cursor.take_token();
      return ast::AwaitStatement{ref(cursor.take_rule(P::RuleRef))};
    case P::EXPECT:
      cursor.take_token();
      return ast::ExpectStatement{expr(cursor.take_rule())};
    case P::WITH: {
      ast::WithStatement with;
      do {
        cursor.take_token();  // `with` or a comma
        with.holds.push_back(ref(cursor.take_rule(P::RuleRef)));
      } while (cursor.token() == P::COMMA);
      with.body = block(cursor.take_rule(P::RuleBlock));
      return with;
    }
    case P::ROLLING: {
      cursor.take_token();
      ast::RollingStatement rolling;
      rolling.binder = binder(cursor.take_rule(P::RuleBinder));
      while (cursor.rule() == P::RuleRollOption) rolling.options.push_back(rolling_option(cursor.take_rule()));
      rolling.body = block(cursor.take_rule(P::RuleBlock));
      return rolling;
    }
    case P::FOR: {
      cursor.take_token();
      ast::ForStatement loop;
      loop.binder = binder(cursor.take_rule(P::RuleBinder));
      loop.at_most = at_most(cursor);
      loop.body = block(cursor.take_rule(P::RuleBlock));
      return loop;
    }
    case P::AT: {
      ast::DeadlineStatement deadline;
      deadline.limit = at_most(cursor);
      deadline.body = block(cursor.take_rule(P::RuleBlock));
      return deadline;
    }
    case P::PHASE: {
      cursor.take_token();
      ast::PhaseStatement phase;
      phase.name = name(cursor.take_rule(P::RuleName));
      if (cursor.accept(P::AFTER)) {
        do phase.after.push_back(name(cursor.take_rule(P::RuleName)));
        while (cursor.accept(P::COMMA));
      }
      phase.body = block(cursor.take_rule(P::RuleBlock));
      return phase;
    }
    case P::PARALLEL: {
      ast::ParallelStatement parallel;
      while (!cursor.done()) {
        cursor.take_token();  // `parallel` or `and`
        parallel.branches.push_back(block(cursor.take_rule(P::RuleBlock)));
      }
      return parallel;
    }
    case P::IF:
      return if_statement(cursor);
    case P::UNLESS: {
      cursor.take_token();
      ast::UnlessStatement unless;
      unless.condition = expr(cursor.take_rule());
      unless.body = block(cursor.take_rule(P::RuleBlock));
      return unless;
    }
    case P::ATTEMPT:
      return attempt(cursor);
    case P::POINT:
      cursor.take_token();
      cursor.take(P::OF);
      cursor.take(P::NO);
      cursor.take(P::RETURN);
      return ast::PointOfNoReturnStatement{string(cursor.take_rule(P::RuleString))};
    case P::ACCEPT:
      return accept(cursor);
    case P::ADMIT:
      cursor.take_token();
      return ast::AdmitStatement{block(cursor.take_rule(P::RuleBlock))};
    case P::OPERATOR: {
      cursor.take_token();
      ast::OperatorStatement manual{string(cursor.take_rule(P::RuleString)), std::nullopt};
      if (cursor.rule() == P::RuleTakes) manual.takes = takes(cursor.take_rule());
      return manual;
    }
    case P::ASK:
      cursor.take_token();
      return ast::AskStatement{string(cursor.take_rule(P::RuleString))};
    default:
      break;
  }
  if (cursor.rule() == P::RuleLetStmt) return ast::LetStatement{let(cursor.take_rule())};
  ast::Ref callee;
  callee.range = range(context);
  callee.name = qname(cursor.take_rule(P::RuleQname));
  callee.arguments = arguments(cursor.take_rule(P::RuleArgs));
  return ast::CallStatement{std::move(callee)};
}

// ---- probes
// ----------------------------------------------------------------------------------------------------------

ast::ProbeBlock Builder::probe_block(Context *context) {
  ast::ProbeBlock result;
  result.range = range(context);
  each_item(context, P::RuleAskStmt, [&](Context *item) { result.statements.push_back(probe_statement(item)); });
  return result;
}

ast::ProbeStatement Builder::probe_statement(Context *context) {
  Cursor cursor(context);
  if (cursor.rule() == P::RuleLetStmt) return {let(cursor.take_rule()), range(context)};
  if (cursor.accept(P::RETURN)) return {ast::ReturnStatement{expr(cursor.take_rule(P::RuleExpr))}, range(context)};
  ast::ProbeIf choice;
  cursor.take(P::IF);
  ast::ExprPtr condition = expr(cursor.take_rule(P::RuleExpr));
  choice.branches.push_back({std::move(condition), probe_block(cursor.take_rule(P::RuleAskBlock))});
  while (cursor.accept(P::ELSE)) {
    if (!cursor.accept(P::IF)) {
      choice.otherwise = probe_block(cursor.take_rule(P::RuleAskBlock));
      break;
    }
    condition = expr(cursor.take_rule(P::RuleExpr));
    choice.branches.push_back({std::move(condition), probe_block(cursor.take_rule(P::RuleAskBlock))});
  }
  return {std::move(choice), range(context)};
}

// ---- clauses of actions and holds
// ------------------------------------------------------------------------------------

ast::ActionBody Builder::action_body(Context *context) {
  ast::ActionBody result;
  result.range = range(context);
  each_item(context, P::RuleActionItem, [&](Context *item) { result.clauses.push_back(action_clause(item)); });
  return result;
}

ast::RoleEffect Builder::role_effect(Cursor &cursor) {
  ast::RoleEffect result;
  result.kind = cursor.token() == P::CHANGES ? ast::EffectKind::changes : ast::EffectKind::disrupts;
  cursor.take_token();
  result.roles = refs(cursor.take_rule(P::RuleRefs));
  result.on = target(cursor.take_rule(P::RuleOnTarget));
  return result;
}

ast::Requires Builder::requires_clause(Cursor &cursor) {
  ast::Requires result;
  cursor.take(P::REQUIRES);
  do {
    Context *context = cursor.take_rule(P::RuleNeed);
    Cursor parts(context);
    ast::Requirement need;
    need.range = range(context);
    const bool negated = parts.accept(P::NOT);
    if (parts.accept(P::HELD)) {
      need.kind = negated ? ast::Requirement::Kind::not_held : ast::Requirement::Kind::held;
      need.hold = ref(parts.take_rule(P::RuleRef));
    } else if (parts.accept(P::FREE)) {
      need.kind = ast::Requirement::Kind::free;
      need.hold = ref(parts.take_rule(P::RuleRef));
    } else {
      need.condition = expr(parts.take_rule(P::RuleComparison));
    }
    result.needs.push_back(std::move(need));
  } while (cursor.accept(P::COMMA));
  return result;
}

ast::Moves Builder::moves(Context *context) {
  Cursor cursor(context);
  cursor.take(P::MOVES);
  ast::Moves result;
  result.state = ref(cursor.take_rule(P::RuleRef));
  cursor.take(P::COLON);
  Cursor from(cursor.take_rule(P::RuleMoveFrom));
  result.from_any = from.accept(P::ANY);
  while (Context *value = from.find_rule(P::RuleName)) result.from.push_back(name(value));
  cursor.take(P::ARROW);
  result.to = name(cursor.take_rule(P::RuleName));
  if (cursor.accept(P::VIA)) {
    do result.via.push_back(name(cursor.take_rule(P::RuleName)));
    while (cursor.accept(P::COMMA));
  }
  if (cursor.accept(P::ELSE)) result.on_failure = name(cursor.take_rule(P::RuleName));
  return result;
}

ast::Undo Builder::undo(Cursor &cursor) {
  ast::Undo result;
  cursor.take(P::UNDO);
  if (cursor.accept(P::NOTHING)) {
    result.nothing = string(cursor.take_rule(P::RuleString));
  } else {
    result.body = action_body(cursor.take_rule(P::RuleActionBlock));
  }
  return result;
}

ast::ActionClause Builder::action_clause(Context *context) {
  Cursor cursor(context);
  const auto clause = [&](ast::ActionClause::Node node) { return ast::ActionClause{std::move(node), range(context)}; };
  switch (cursor.token()) {
    case P::REQUIRES:
      return clause(requires_clause(cursor));
    case P::CHANGES:
    case P::DISRUPTS:
      return clause(role_effect(cursor));
    case P::SPILLS:
      cursor.take_token();
      return clause(ast::Spills{refs(cursor.take_rule(P::RuleRefs))});
    case P::REACHES: {
      cursor.take_token();
      ast::Reaches reaches;
      reaches.items = refs_or_nothing(cursor.take_rule(P::RuleRefs), reaches.nothing);
      return clause(std::move(reaches));
    }
    case P::DESTROYS:
      cursor.take_token();
      return clause(ast::Destroys{string(cursor.take_rule(P::RuleString))});
    case P::REINSTALLS:
      cursor.take_token();
      return clause(ast::Reinstalls{expr(cursor.take_rule())});
    case P::DONE:
      cursor.take_token();
      cursor.take(P::WHEN);
      return clause(ast::DoneWhen{expr(cursor.take_rule(P::RuleExpr))});
    case P::RETRY: {
      cursor.take_token();
      ast::Retry retry;
      retry.times = expr(cursor.take_rule());
      cursor.take(P::EVERY);
      retry.interval = expr(cursor.take_rule());
      return clause(std::move(retry));
    }
    case P::IDEMPOTENT:
      return clause(ast::Idempotent{});
    case P::ONCE:
      return clause(ast::Once{});
    case P::AWAITS:
      cursor.take_token();
      if (!cursor.accept(P::BOOT)) return clause(ast::Awaits{expr(cursor.take_rule(P::RuleExpr))});
      cursor.take(P::OF);
      return clause(ast::AwaitsBoot{expr(cursor.take_rule(P::RuleSet))});
    case P::UNDO:
      return clause(undo(cursor));
    case P::OPERATOR:
      cursor.take_token();
      return clause(ast::OperatorClause{string(cursor.take_rule(P::RuleString))});
    case P::FOR: {
      cursor.take_token();
      ast::ForClause loop;
      loop.binder = binder(cursor.take_rule(P::RuleBinder));
      loop.at_most = at_most(cursor);
      loop.body = action_body(cursor.take_rule(P::RuleActionBlock));
      return clause(std::move(loop));
    }
    default:
      break;
  }
  switch (cursor.rule()) {
    case P::RuleMoves:
      return clause(moves(cursor.take_rule()));
    case P::RuleTakes:
      return clause(takes(cursor.take_rule()));
    case P::RuleLetStmt:
      return clause(let(cursor.take_rule()));
    case P::RuleRunExpr:
      return clause(ast::RunClause{expr(cursor.take_rule())});
    default:
      throw Broken{};
  }
}

}  // namespace upg::syntax
