#include "compiler/syntax/antlr/places.h"

#include <algorithm>
#include <cstdint>

#include "compiler/syntax/antlr/recovery.h"

namespace upg::syntax {
namespace {

using P = UpgParser;

constexpr std::uint32_t outside = 0xffffffffu;  // of any item: one less than 0

bool is_item(std::size_t rule) {
  return rule == P::RuleModuleDecl || rule == P::RuleStateValue || rule == P::RuleVersionChain ||
         (rule != P::RuleFile && is_item_rule(rule));
}

/// Braces of these rules hold items.
bool holds_items(std::size_t rule) {
  return rule == P::RuleStateDecl || rule == P::RuleVersionsDecl || (rule != P::RuleFile && is_body_rule(rule));
}

class Walk {
 public:
  explicit Walk(std::size_t tokens) : places(tokens), rules(tokens, 0) {}

  /// `item`: the depth of the item around, `start`: its first token.
  void rule(antlr4::ParserRuleContext *context, std::uint32_t item, std::size_t start) {
    const std::size_t rule_index = context->getRuleIndex();
    if (is_item(rule_index)) {
      // A statement of an upgrade is an item of it and a statement: one item.
      const std::size_t first = context->getStart()->getTokenIndex();
      if (item == outside || first != start) ++item;
      start = first;
      places[first].begins_item = true;
    }
    for (antlr4::tree::ParseTree *child : context->children) {
      if (auto *terminal = dynamic_cast<antlr4::tree::TerminalNode *>(child)) {
        token(*terminal->getSymbol(), rule_index, item);
      } else {
        rule(static_cast<antlr4::ParserRuleContext *>(child), item, start);
      }
    }
  }

  std::vector<Place> places;
  std::vector<std::size_t> rules;  // the rule that each token stands in

 private:
  void token(const antlr4::Token &symbol, std::size_t rule_index, std::uint32_t item) {
    const std::size_t index = symbol.getTokenIndex();
    if (index >= places.size()) return;  // the end of the file
    Place &place = places[index];
    rules[index] = rule_index;
    place.depth = item == outside ? 0 : item;
    place.opens_body = symbol.getType() == P::LBRACE && holds_items(rule_index);
    place.closes_body = symbol.getType() == P::RBRACE && holds_items(rule_index);
  }
};

bool closes_or_joins(std::size_t type) {
  switch (type) {
    case P::COMMA:
    case P::COLON:
    case P::RPAREN:
    case P::RBRACK:
    case P::FIELD:
    case P::RANGE:
    case P::CALL:
      return true;
    default:
      return false;
  }
}

bool opens(std::size_t type) { return type == P::LPAREN || type == P::CALL || type == P::LBRACK || type == P::RANGE; }

/// Between two tokens outside of strings.
Gap gap_between(std::size_t left, std::size_t left_rule, std::size_t right, std::size_t right_rule) {
  const auto of_type = [](std::size_t type, std::size_t rule) {
    return rule == P::RuleType && (type == P::LT || type == P::GT);
  };
  if (opens(left) || closes_or_joins(right)) return Gap::none;
  if (right == P::LBRACK && right_rule == P::RuleOperand) return Gap::none;  // x[0]
  if (left == P::MINUS && left_rule == P::RuleUnary) return Gap::none;
  if (of_type(right, right_rule) || (left == P::LT && left_rule == P::RuleType)) return Gap::none;  // list<string>
  if (left == P::LBRACE && right == P::RBRACE) return Gap::none;
  return Gap::blank;
}

bool resumes(std::size_t type) {
  return type == P::ELSE || type == P::AND || type == P::RECOVER || type == P::OTHERWISE;
}

}  // namespace

std::vector<Place> places_of(UpgParser::FileContext *tree, const Lexemes &lexemes) {
  const std::size_t tokens = lexemes.size() - 1;  // the last one is the end of the file
  Walk walk(tokens);
  walk.rule(tree, outside, Lexemes::none);

  std::size_t strings = 0;  // open ones: `"${f("x")}"` has two
  std::size_t before = Lexemes::none;
  for (std::size_t i = 0; i < tokens; ++i) {
    if (lexemes[i].channel != Lexeme::Channel::code) continue;
    Place &place = walk.places[i];
    const std::size_t type = lexemes[i].type;
    if (strings > 0) {
      place.gap = Gap::verbatim;
    } else if (before != Lexemes::none) {
      place.gap = gap_between(lexemes[before].type, walk.rules[before], type, walk.rules[i]);
      place.resumes_item = resumes(type) && walk.places[before].closes_body;
    }
    if (type == P::QUOTE) ++strings;
    if (type == P::CLOSE) --strings;
    before = i;
  }
  return std::move(walk.places);
}

}  // namespace upg::syntax
