#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/builder.h"

namespace upg::syntax {

using P = UpgParser;

std::optional<ast::Declaration> Builder::declaration(Context *context) {
  Cursor cursor(context);
  if (cursor.done()) return std::nullopt;
  try {
    return ast::Declaration{declaration_node(cursor.take_rule()), range(context), doc_above(first(context))};
  } catch (const Broken &) {
    return std::nullopt;
  }
}

ast::Declaration::Node Builder::declaration_node(Context *context) {
  switch (context->getRuleIndex()) {
    case P::RuleUseDecl: {
      Cursor cursor(context);
      ast::UseDecl use;
      if (cut_short_.count(last(context)) > 0) throw Broken{};  // `use a.b`
      while (Context *module = cursor.find_rule(P::RuleName)) {
        if (module->exception != nullptr) throw Broken{};
        use.modules.push_back(name(module));
      }
      return use;
    }
    case P::RuleParamDecl:
      return param_decl(context);
    case P::RuleSecretDecl:
      return secret_decl(context);
    case P::RuleClusterDecl:
      return cluster_decl(context);
    case P::RuleHostsDecl: {
      Cursor cursor(context);
      cursor.take(P::HOSTS);
      ast::HostsDecl hosts;
      hosts.name = name(cursor.take_rule(P::RuleName));
      cursor.take(P::ASSIGN);
      hosts.value = selection(cursor.take_rule(P::RuleSelection));
      return hosts;
    }
    case P::RuleRoleDecl:
      return role_decl(context);
    case P::RuleStateDecl:
      return state_decl(context);
    case P::RuleProbeDecl:
      return probe_decl(context);
    case P::RuleGateDecl:
      return gate_decl(context);
    case P::RuleActionDecl:
      return action_decl(context);
    case P::RuleHoldDecl:
      return hold_decl(context);
    case P::RuleProcedureDecl:
      return procedure_decl(context);
    case P::RuleOrderDecl:
      return order_decl(context);
    case P::RuleRankDecl: {
      Cursor cursor(context);
      ast::RankDecl rank;
      while (Context *role = cursor.find_rule(P::RuleQname)) rank.roles.push_back(qname(role));
      return rank;
    }
    case P::RuleVersionsDecl:
      return versions_decl(context);
    case P::RuleCommandDecl:
      return command_decl(context);
    case P::RuleUpgradeDecl:
      return upgrade_decl(context);
    default:
      throw Broken{};
  }
}

ast::ParamDecl Builder::param_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::PARAM);
  ast::ParamDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  cursor.take(P::COLON);
  result.type = type(cursor.take_rule(P::RuleType));
  if (cursor.accept(P::ASSIGN)) result.default_value = expr(cursor.take_rule());
  return result;
}

ast::SecretDecl Builder::secret_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::SECRET);
  ast::SecretDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  cursor.take(P::FROM);
  result.source = name(cursor.take_rule(P::RuleName));
  if (cursor.rule() == P::RuleString) result.detail = string(cursor.take_rule());
  return result;
}

std::vector<ast::Parameter> Builder::parameters(Cursor &cursor) {
  std::vector<ast::Parameter> result;
  if (cursor.rule() != P::RuleParams) return result;
  Cursor list(cursor.take_rule());
  while (Context *item = list.find_rule(P::RuleParam)) {
    Cursor parts(item);
    ast::Parameter parameter;
    parameter.range = range(item);
    parameter.name = name(parts.take_rule(P::RuleName));
    parts.take(P::COLON);
    parameter.type = type(parts.take_rule(P::RuleType));
    if (parts.accept(P::ASSIGN)) parameter.default_value = expr(parts.take_rule());
    result.push_back(std::move(parameter));
  }
  return result;
}

// ---- questions
// -------------------------------------------------------------------------------------------------------

ast::ProbeDecl Builder::probe_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::PROBE);
  ast::ProbeDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  result.parameters = parameters(cursor);
  cursor.take(P::ARROW);
  result.type = type(cursor.take_rule(P::RuleType));
  result.body = probe_block(cursor.take_rule(P::RuleAskBlock));
  return result;
}

ast::GateDecl Builder::gate_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::GATE);
  ast::GateDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  result.parameters = parameters(cursor);
  each_item(cursor.take_rule(P::RuleGateBody), P::RuleGateItem,
            [&](Context *item) { result.items.push_back(gate_item(item)); });
  return result;
}

ast::GateItem Builder::gate_item(Context *context) {
  Cursor cursor(context);
  if (cursor.rule() == P::RuleLetStmt) return {let(cursor.take_rule()), range(context)};
  switch (lexemes_[cursor.take_token()].type) {
    case P::PASS:
      cursor.take(P::WHEN);
      return {ast::PassWhen{expr(cursor.take_rule(P::RuleExpr))}, range(context)};
    case P::FAIL:
      cursor.take(P::WHEN);
      return {ast::FailWhen{expr(cursor.take_rule(P::RuleExpr))}, range(context)};
    case P::POLL: {
      ast::Poll poll;
      poll.interval = expr(cursor.take_rule());
      cursor.take(P::FOR);
      poll.deadline = expr(cursor.take_rule());
      return {std::move(poll), range(context)};
    }
    case P::STABLE:
      return {ast::Stable{expr(cursor.take_rule())}, range(context)};
    case P::WATCHES: {
      ast::Watches watches;
      watches.items = refs_or_nothing(cursor.take_rule(P::RuleRefs), watches.nothing);
      return {std::move(watches), range(context)};
    }
    default: {  // clears
      ast::Clears clears;
      clears.roles = refs(cursor.take_rule(P::RuleRefs));
      clears.on = target(cursor.take_rule(P::RuleOnTarget));
      return {std::move(clears), range(context)};
    }
  }
}

// ---- actions, holds, procedures
// --------------------------------------------------------------------------------------

ast::ActionDecl Builder::action_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::ACTION);
  ast::ActionDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  result.parameters = parameters(cursor);
  result.body = action_body(cursor.take_rule(P::RuleActionBlock));
  return result;
}

ast::HoldDecl Builder::hold_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::HOLD);
  ast::HoldDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  result.parameters = parameters(cursor);
  each_item(cursor.take_rule(P::RuleHoldBody), P::RuleHoldItem,
            [&](Context *item) { result.items.push_back(hold_item(item)); });
  return result;
}

ast::HoldItem Builder::hold_item(Context *context) {
  Cursor cursor(context);
  switch (cursor.token()) {
    case P::OBSERVE:
      cursor.take_token();
      return {ast::Observe{expr(cursor.take_rule(P::RuleExpr))}, range(context)};
    case P::ACQUIRE:
      cursor.take_token();
      return {ast::Acquire{action_body(cursor.take_rule(P::RuleActionBlock))}, range(context)};
    case P::RELEASE:
      cursor.take_token();
      return {ast::Release{action_body(cursor.take_rule(P::RuleActionBlock))}, range(context)};
    case P::TAINTS:
      cursor.take_token();
      return {ast::Taints{refs(cursor.take_rule(P::RuleRefs))}, range(context)};
    case P::REQUIRES:
      return {requires_clause(cursor), range(context)};
    case P::CHANGES:
    case P::DISRUPTS:
      return {role_effect(cursor), range(context)};
    case P::SPILLS:
      cursor.take_token();
      return {ast::Spills{refs(cursor.take_rule(P::RuleRefs))}, range(context)};
    case P::REACHES: {
      cursor.take_token();
      ast::Reaches reaches;
      reaches.items = refs_or_nothing(cursor.take_rule(P::RuleRefs), reaches.nothing);
      return {std::move(reaches), range(context)};
    }
    case P::ON: {
      cursor.take_token();
      const bool halt = cursor.accept(P::HALT);
      if (!halt) cursor.take(P::WAIT);
      const auto choice = cursor.accept(P::KEEP) ? ast::KeepOrRelease::keep : ast::KeepOrRelease::release;
      if (halt) return {ast::OnHalt{choice}, range(context)};
      return {ast::OnWait{choice}, range(context)};
    }
    default:
      break;
  }
  if (cursor.rule() == P::RuleTakes) return {takes(cursor.take_rule()), range(context)};
  return {moves(cursor.take_rule(P::RuleMoves)), range(context)};
}

ast::ProcedureDecl Builder::procedure_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::PROCEDURE);
  ast::ProcedureDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  result.parameters = parameters(cursor);
  result.body = block(cursor.take_rule(P::RuleBlock));
  return result;
}

// ---- rules of a module
// -----------------------------------------------------------------------------------------------

ast::OrderDecl Builder::order_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::ORDER);
  ast::OrderDecl result;
  do result.steps.push_back(refs(cursor.take_rule(P::RuleRefs)));
  while (cursor.accept(P::BEFORE));
  result.on_each_host = cursor.accept(P::ON);
  return result;
}

ast::VersionsDecl Builder::versions_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::VERSIONS);
  ast::VersionsDecl result;
  result.name = name(cursor.take_rule(P::RuleName));
  while (Context *item = cursor.find_rule(P::RuleVersionChain)) {
    Cursor parts(item);
    ast::VersionChain chain_of;
    while (Context *version = parts.find_rule(P::RuleString)) chain_of.versions.push_back(string(version));
    result.chains.push_back(std::move(chain_of));
  }
  return result;
}

ast::CommandDecl Builder::command_decl(Context *context) {
  Cursor cursor(context);
  cursor.take(P::COMMAND);
  ast::CommandDecl result;
  result.pattern = string(cursor.take_rule(P::RuleString));
  while (Context *item = cursor.find_rule(P::RuleEffect)) {
    Cursor parts(item);
    ast::ImpliedEffect effect;
    effect.range = range(item);
    switch (lexemes_[parts.take_token()].type) {
      case P::CHANGES:
        effect.kind = ast::ImpliedEffect::Kind::changes;
        break;
      case P::DISRUPTS:
        effect.kind = ast::ImpliedEffect::Kind::disrupts;
        break;
      default:
        effect.kind = ast::ImpliedEffect::Kind::destroys;
    }
    if (parts.rule() == P::RuleRefs) effect.roles = refs(parts.take_rule());
    if (parts.rule() == P::RuleString) effect.what = string(parts.take_rule());
    result.effects.push_back(std::move(effect));
  }
  return result;
}

// ---- plans
// -----------------------------------------------------------------------------------------------------------

ast::UpgradeDecl Builder::upgrade_decl(Context *context) {
  Cursor cursor(context);
  ast::UpgradeDecl result;
  result.repair = cursor.token() == P::REPAIR;
  cursor.take_token();
  result.name = name(cursor.take_rule(P::RuleName));
  cursor.take(P::OF);
  result.cluster = name(cursor.take_rule(P::RuleName));
  each_item(cursor.take_rule(P::RuleUpgradeBody), P::RuleUpgradeItem, [&](Context *item) {
    Cursor parts(item);
    // A statement has its own layout check and may be broken inside a sound item.
    if (parts.rule() != P::RuleStmt) {
      result.items.push_back(upgrade_item(item));
    } else if (Context *inner = parts.take_rule(); usable(inner)) {
      if (std::optional<ast::Statement> built = statement(inner))
        result.items.push_back({std::move(*built), range(item)});
    }
  });
  return result;
}

ast::UpgradeItem Builder::upgrade_item(Context *context) {
  Cursor cursor(context);
  const auto item = [&](ast::UpgradeItem::Node node) { return ast::UpgradeItem{std::move(node), range(context)}; };
  if (cursor.rule() == P::RuleParamDecl) return item(param_decl(cursor.take_rule()));
  if (cursor.rule() == P::RuleSecretDecl) return item(secret_decl(cursor.take_rule()));
  const auto goals = [&] {
    std::vector<ast::ExprPtr> conditions;
    while (Context *goal = cursor.find_rule(P::RuleGoal)) conditions.push_back(expr(goal));
    return conditions;
  };
  switch (lexemes_[cursor.take_token()].type) {
    case P::FROM: {
      ast::FromTo step;
      if (cursor.rule() == P::RuleQname) step.versions = qname(cursor.take_rule());
      step.from = string(cursor.take_rule(P::RuleString));
      cursor.take(P::TO);
      step.to = string(cursor.take_rule(P::RuleString));
      return item(std::move(step));
    }
    case P::WINDOW: {
      ast::Window window;
      window.every = cursor.accept(P::EVERY);
      window.start = string(cursor.take_rule(P::RuleString));
      cursor.take(P::FOR);
      window.length = expr(cursor.take_rule(P::RuleOperand));
      cursor.take(P::TZ);
      window.time_zone = string(cursor.take_rule(P::RuleString));
      return item(std::move(window));
    }
    case P::EXCLUSIVE: {
      ast::Exclusive exclusive;
      while (Context *lock = cursor.find_rule(P::RuleString)) exclusive.names.push_back(string(lock));
      return item(std::move(exclusive));
    }
    case P::INITIALLY:
      return item(ast::Initially{goals()});
    case P::FINALLY:
      return item(ast::Finally{goals()});
    case P::TOLERATE:
      return item(ast::Tolerate{expr(cursor.take_rule())});
    case P::HOST: {
      ast::HostOut out;
      out.host = name(cursor.take_rule(P::RuleHostName));
      cursor.take(P::OUT);
      out.reason = string(cursor.take_rule(P::RuleString));
      return item(std::move(out));
    }
    case P::PREFLIGHT:
      return item(ast::Preflight{block(cursor.take_rule(P::RuleBlock))});
    case P::POSTFLIGHT:
      return item(ast::Postflight{block(cursor.take_rule(P::RuleBlock))});
    default:
      cursor.take(P::ABORT);
      return item(ast::OnAbort{block(cursor.take_rule(P::RuleBlock))});
  }
}

}  // namespace upg::syntax
