#include "compiler/syntax/antlr/recovery.h"

#include <algorithm>
#include <array>
#include <utility>

#include "UpgParser.h"

namespace upg::syntax {

using P = UpgParser;

bool is_item_rule(std::size_t rule) {
  switch (rule) {
    case P::RuleFile:
    case P::RuleDecl:
    case P::RuleClusterItem:
    case P::RuleImportItem:
    case P::RuleHostItem:
    case P::RuleRoleItem:
    case P::RuleStateItem:
    case P::RuleAskStmt:
    case P::RuleGateItem:
    case P::RuleActionItem:
    case P::RuleHoldItem:
    case P::RuleUpgradeItem:
    case P::RuleStmt:
      return true;
    default:
      return false;
  }
}

namespace {

struct Body {
  std::size_t body, item;
};
constexpr std::array<Body, 11> bodies = {{{P::RuleFile, P::RuleDecl},
                                          {P::RuleClusterBody, P::RuleClusterItem},
                                          {P::RuleImportBody, P::RuleImportItem},
                                          {P::RuleHostBody, P::RuleHostItem},
                                          {P::RuleRoleBody, P::RuleRoleItem},
                                          {P::RuleAskBlock, P::RuleAskStmt},
                                          {P::RuleGateBody, P::RuleGateItem},
                                          {P::RuleActionBlock, P::RuleActionItem},
                                          {P::RuleHoldBody, P::RuleHoldItem},
                                          {P::RuleUpgradeBody, P::RuleUpgradeItem},
                                          {P::RuleBlock, P::RuleStmt}}};

std::vector<std::size_t> members(const antlr4::misc::IntervalSet &set) {
  std::vector<std::size_t> types;
  for (const antlr4::misc::Interval &interval : set.getIntervals()) {
    for (ssize_t type = interval.a; type <= interval.b; ++type) types.push_back(static_cast<std::size_t>(type));
  }
  return types;
}

}  // namespace

bool is_body_rule(std::size_t rule) {
  return std::any_of(bodies.begin(), bodies.end(), [&](const Body &b) { return b.body == rule; });
}

namespace {

bool reserved_verb(std::size_t type) { return type >= P::ACCEPT && type < P::ACTION; }
bool soft_word(std::size_t type) { return type >= P::ABORT && type <= P::WINDOW; }

const antlr4::misc::IntervalSet &first_of(antlr4::Parser *parser, std::size_t rule) {
  const antlr4::atn::ATN &atn = parser->getATN();
  return atn.nextTokens(atn.ruleToStartState[rule]);
}

/// An item cannot end in one of these: what follows on the next line still belongs to it.
bool leaves_open(std::size_t type) {
  switch (type) {
    case P::COMMA:
    case P::CALL:
    case P::LPAREN:
    case P::LBRACK:
    case P::AND:
    case P::OR:
    case P::NOT:
    case P::EQ:
    case P::ASSIGN:
    case P::PIPE:
    case P::ARROW:
    case P::PLUS:
    case P::MINUS:
      return true;
    default:
      return false;
  }
}

std::size_t index_of_next(antlr4::Parser *parser) { return parser->getTokenStream()->LT(1)->getTokenIndex(); }

}  // namespace

bool Recovery::at_declaration(antlr4::Parser *parser) const {
  antlr4::Token *next = parser->getTokenStream()->LT(1);
  if (next->getType() == antlr4::Token::EOF) return true;
  if (next->getCharPositionInLine() != 0) return false;
  return next->getType() == P::MODULE || first_of(parser, P::RuleDecl).contains(next->getType());
}

/// Words that lead an item and nothing else resume anywhere; names, soft words, `for` and `on` also do, as they may
/// lead one.
bool Recovery::begins_item(antlr4::Parser *parser, bool resumed_here_before) const {
  if (resumed_here_before) return false;
  antlr4::TokenStream *tokens = parser->getTokenStream();
  const std::size_t index = index_of_next(parser);
  if (!lexemes_.first_on_line(index)) return false;
  if (const std::size_t before = lexemes_.previous_code(index);
      before != Lexemes::none && leaves_open(lexemes_[before].type))
    return false;
  const std::size_t type = tokens->LA(1);
  if (type == P::ID || soft_word(type)) return true;
  if (!reserved_verb(type)) return false;
  return first_of(parser, P::RuleStateItem).contains(type) ||
         std::any_of(bodies.begin(), bodies.end(),
                     [&](const Body &body) { return first_of(parser, body.item).contains(type); });
}

/// With its `{` missing, an item still ends at its `}`: on its own line, or first on a line as far left as the item.
bool Recovery::closes_item(std::size_t index, std::size_t item) const {
  if (lexemes_[index].line == lexemes_[item].line) return true;
  return lexemes_.first_on_line(index) && lexemes_.column(index) == lexemes_.indentation(item);
}

void Recovery::skip(antlr4::Parser *parser, bool resumed_here_before) {
  antlr4::TokenStream *tokens = parser->getTokenStream();
  const std::size_t item = parser->getContext()->start->getTokenIndex();
  const bool brace_missing = std::exchange(brace_missing_, false);
  int depth = 0;
  for (bool first = true;; first = false) {
    if (at_declaration(parser)) return;
    const std::size_t type = tokens->LA(1);
    if (depth == 0 && brace_missing && type == P::RBRACE && closes_item(index_of_next(parser), item)) {
      parser->consume();
      return;
    }
    const bool inside = brace_missing && lexemes_.column(index_of_next(parser)) > lexemes_.indentation(item);
    if (depth == 0 && !inside && begins_item(parser, first && resumed_here_before)) return;
    if (type == P::RBRACE && depth == 0) return;
    parser->consume();
    if (type == P::LBRACE) ++depth;
    if (type == P::RBRACE && --depth == 0 && !brace_missing) return;
  }
}

void Recovery::recover(antlr4::Parser *parser, std::exception_ptr error) {
  const std::size_t rule = parser->getContext()->getRuleIndex();
  if (!is_item_rule(rule)) std::rethrow_exception(error);
  const std::size_t index = index_of_next(parser);
  const bool again = index == std::exchange(last_index_, index) && rule == std::exchange(last_rule_, rule);
  if (rule != P::RuleDecl && rule != P::RuleFile && at_declaration(parser)) return;  // closes everything that is open
  skip(parser, again);
  skipped_to_ = index_of_next(parser);
  if (rule == P::RuleDecl && parser->getTokenStream()->LA(1) == P::RBRACE && index_of_next(parser) == index)
    parser->consume();
}

antlr4::Token *Recovery::recoverInline(antlr4::Parser *parser) { throw antlr4::InputMismatchException(parser); }

/// Where a body asks for its next item, a token that begins none is one error, and skipped with what belongs to it.
/// Before any other choice, a token that fits no way is an error here already: further on it would be blamed on the
/// last way alone.
void Recovery::sync(antlr4::Parser *parser) {
  const std::size_t rule = parser->getContext()->getRuleIndex();
  antlr4::atn::ATNState *state = parser->getATN().states[parser->getState()];
  const auto type = state->getStateType();
  const antlr4::misc::IntervalSet &next = parser->getATN().nextTokens(state);
  antlr4::TokenStream *tokens = parser->getTokenStream();
  // After an error only the margin is trusted to be outside of everything.
  const bool margin_only = rule == P::RuleFile && inErrorRecoveryMode(parser);
  const auto fits = [&] {
    return margin_only ? at_declaration(parser) : next.contains(tokens->LA(1)) || next.contains(antlr4::Token::EPSILON);
  };
  if (fits()) return;
  if (!is_body_rule(rule)) throw antlr4::InputMismatchException(parser);
  if (type != antlr4::atn::ATNState::STAR_LOOP_ENTRY && type != antlr4::atn::ATNState::STAR_LOOP_BACK) return;
  while (!fits() && !at_declaration(parser)) {
    if (left_body(parser)) return;  // as at a declaration: the missing brace is reported where it should stand
    if (inErrorRecoveryMode(parser) && rule != P::RuleFile && wrong_item(parser, next)) endErrorCondition(parser);
    reportError(parser, antlr4::InputMismatchException(parser));
    const std::size_t index = index_of_next(parser);
    skip(parser, true);
    skipped_to_ = index_of_next(parser);
    if (skipped_to_ != index) continue;
    if (tokens->LA(1) == antlr4::Token::EOF) return;
    parser->consume();
  }
}

/// The next token begins no item here, but one of a body further out, and stands no further right than the line that
/// opened this body: its `}` is missing.
bool Recovery::left_body(antlr4::Parser *parser) const {
  const std::size_t index = index_of_next(parser);
  const antlr4::ParserRuleContext *body = parser->getContext();
  if (!lexemes_.first_on_line(index) || body->start->getType() != P::LBRACE) return false;
  if (lexemes_.column(index) > lexemes_.indentation(body->start->getTokenIndex())) return false;
  for (const auto *outer = body->parent; outer != nullptr; outer = outer->parent) {
    const std::size_t rule = static_cast<const antlr4::ParserRuleContext *>(outer)->getRuleIndex();
    for (const Body &b : bodies) {
      if (b.body == rule && rule != P::RuleFile && first_of(parser, b.item).contains(std::size_t{lexemes_[index].type}))
        return true;
    }
  }
  return false;
}

/// After an error, where the parser resumed: a word that is nearly one that may stand here, or that begins an item
/// elsewhere, is a mistake of its own.
bool Recovery::wrong_item(antlr4::Parser *parser, const antlr4::misc::IntervalSet &next) const {
  const std::size_t index = index_of_next(parser);
  if (!lexemes_.first_on_line(index)) return false;
  if (lexemes_[index].type == P::ID) return !nearest_word(lexemes_.text(index), members(next)).empty();
  return reserved_verb(lexemes_[index].type) && begins_item(parser, false);
}

void Recovery::reportError(antlr4::Parser *parser, const antlr4::RecognitionException &error) {
  if (inErrorRecoveryMode(parser)) return;  // still the same mistake
  beginErrorCondition(parser);
  const ErrorSite site = site_of(parser, error);
  // What follows on the line of what was skipped belongs to it: `try { } catch { }`.
  if (site.found == skipped_to_ && is_body_rule(site.rule) && !lexemes_.first_on_line(site.found) &&
      lexemes_[site.found].type != P::RBRACE && site.found + 1 < lexemes_.size())
    return;
  // Also where the list before it could go on: nothing but the brace fits the next line.
  brace_missing_ = expects(site, P::LBRACE) && (site.expected.size() == 1 || lexemes_.first_on_line(site.found));
  reporter_.report(site);
  if (++errors_ >= max_errors_) throw antlr4::ParseCancellationException("too many errors");
}

ErrorSite Recovery::site_of(antlr4::Parser *parser, const antlr4::RecognitionException &error) const {
  ErrorSite site;
  site.found = error.getOffendingToken()->getTokenIndex();

  antlr4::misc::IntervalSet expected;
  if (const auto *no_way = dynamic_cast<const antlr4::NoViableAltException *>(&error);
      no_way && no_way->getDeadEndConfigs()) {
    // What could have come at the place where every alternative had died.
    for (const auto &config : no_way->getDeadEndConfigs()->configs) {
      for (antlr4::atn::Transition *transition : config->state->transitions) {
        if (!transition->isEpsilon()) expected.addAll(transition->label());
      }
    }
  } else {
    expected = error.getExpectedTokens();
  }
  site.expected = members(expected);

  const antlr4::RuleContext *context = parser->getContext();
  // A body whose brace is missing was not entered.
  if (is_body_rule(context->getRuleIndex()) && context->getRuleIndex() != P::RuleFile &&
      parser->getContext()->start->getType() != P::LBRACE) {
    context = static_cast<const antlr4::RuleContext *>(context->parent);
  }
  site.rule = context->getRuleIndex();
  for (; context != nullptr; context = static_cast<const antlr4::RuleContext *>(context->parent)) {
    const auto *here = static_cast<const antlr4::ParserRuleContext *>(context);
    const std::size_t rule = here->getRuleIndex();
    if (site.item_rule == Lexemes::none && is_item_rule(rule) && rule != P::RuleFile) {
      site.item_rule = rule;
      site.item_start = here->start->getTokenIndex();
    }
    if (is_body_rule(rule)) {
      site.body_rule = rule;
      if (rule != P::RuleFile && here->start->getType() == P::LBRACE) site.opener = here->start->getTokenIndex();
      break;
    }
  }
  const std::size_t found_type = error.getOffendingToken()->getType();
  for (const Body &body : bodies) {
    const antlr4::misc::IntervalSet &first = first_of(parser, body.item);
    if (body.body == site.body_rule) {
      site.starters = members(first);
    } else if (reserved_verb(found_type) && first.contains(found_type)) {
      site.homes.push_back(body.body);
    }
  }
  return site;
}

}  // namespace upg::syntax
