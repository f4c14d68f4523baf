#include "compiler/syntax/antlr/error_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "UpgLexer.h"
#include "UpgParser.h"
#include "compiler/syntax/antlr/recovery.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::syntax {

using diagnostics::Kind;
using P = UpgParser;

namespace {

bool reserved(std::size_t type) { return type >= P::ACCEPT && type < P::ACTION; }
bool soft(std::size_t type) { return type >= P::ABORT && type <= P::WINDOW; }

using Types = std::vector<std::size_t>;

bool has(const Types &types, std::size_t type) { return std::find(types.begin(), types.end(), type) != types.end(); }

/// Takes `what` out of `types` if all of it is there.
bool take_all(Types &types, std::initializer_list<std::size_t> what) {
  for (const std::size_t type : what) {
    if (!has(types, type)) return false;
  }
  types.erase(std::remove_if(types.begin(), types.end(),
                             [&](std::size_t t) { return std::find(what.begin(), what.end(), t) != what.end(); }),
              types.end());
  return true;
}

/// Takes every name-like word out if all of them may stand here.
bool take_names(Types &types) {
  for (std::size_t type = P::ABORT; type <= P::WINDOW; ++type) {
    if (!has(types, type)) return false;
  }
  types.erase(std::remove_if(types.begin(), types.end(), [](std::size_t t) { return t == P::ID || soft(t); }),
              types.end());
  return true;
}

/// What only continues an expression or a name: worth saying only where nothing else may come.
bool continues(std::size_t type) {
  switch (type) {
    case P::FIELD:
    case P::CALL:
    case P::LBRACK:
    case P::DEFAULT:
    case P::STAR:
    case P::SLASH:
    case P::AMP:
    case P::PLUS:
    case P::MINUS:
    case P::EXCEPT:
    case P::EQ:
    case P::NE:
    case P::LT:
    case P::LE:
    case P::GT:
    case P::GE:
    case P::IN:
    case P::MATCHES:
    case P::CONTAINS:
    case P::AND:
    case P::OR:
    case P::WHERE:
      return true;
    default:
      return false;
  }
}

/// Nothing stands before the token found that an operator could go on with.
bool begins_operand(const ErrorSite &site, const Lexemes &lexemes) {
  const std::size_t before = lexemes.previous_code(site.found);
  return before == Lexemes::none || reserved(lexemes[before].type) || lexemes[before].type == P::LBRACE;
}

/// "a, b or c" for what was expected, in the words of a person.
std::string expectation(const ErrorSite &site, const Lexemes &lexemes) {
  Types types = site.expected;
  std::vector<std::string> parts;
  // At the end of an item the next one may begin: its many words are one thing.
  const std::size_t verbs = static_cast<std::size_t>(
      std::count_if(types.begin(), types.end(), [](std::size_t t) { return reserved(t) && !continues(t); }));
  const bool operand = expects_operand(site);
  if (is_body_rule(site.rule) || (!operand && (verbs > 4 || (site.body_rule == P::RuleFile && has(types, P::GATE))))) {
    parts.emplace_back(item_of_body(site.body_rule));
    const bool close = has(types, P::RBRACE);
    types.clear();
    if (close) types.push_back(P::RBRACE);
  } else if (operand) {
    parts.emplace_back("an expression");
    take_names(types);
    types.erase(std::remove_if(types.begin(), types.end(),
                               [](std::size_t t) {
                                 return (t >= P::DATE && t <= P::QUOTE) || t == P::LPAREN || t == P::LBRACK ||
                                        t == P::HOSTNAME || t == P::COUNT || t == P::MINUS || t == P::NOT ||
                                        t == P::TRUE_ || t == P::FALSE_ || t == P::RUN || t == P::SH || t == P::ASK ||
                                        t == P::EVERY || t == P::SOME || t == P::ANY || t == P::HELD;
                               }),
                types.end());
  } else if (take_names(types)) {
    parts.emplace_back(take_all(types, {P::HOSTNAME}) ? "a host" : "a name");
  }
  if (take_all(types, {P::RAW, P::QUOTE})) parts.emplace_back("a string");
  Types closing;
  const bool begins = begins_operand(site, lexemes) && !operand;
  std::copy_if(types.begin(), types.end(), std::back_inserter(closing),
               [&](std::size_t t) { return begins || !continues(t); });
  if (parts.empty() && closing.empty()) {
    closing = types;
  }
  for (const std::size_t type : closing) parts.push_back(spelled_type(type));
  constexpr std::size_t most = 6;
  if (parts.size() > most) parts.resize(most);
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " or " : ", ";
    text += parts[i];
  }
  return text.empty() ? "something else" : text;
}

}  // namespace

std::string_view fixed_text(std::size_t type) {
  if (type == P::CALL) return "(";
  if (type == P::INTERP_CLOSE) return "}";
  if (type == P::CLOSE) return "\"";
  if (type == P::BAD_STR) return {};
  // Any lexer of the grammar knows the spellings; this one never reads a byte.
  static const std::vector<std::string> texts = [] {
    antlr4::ANTLRInputStream nothing;
    UpgLexer lexer(&nothing);
    const antlr4::dfa::Vocabulary &vocabulary = lexer.getVocabulary();
    std::vector<std::string> all;
    for (std::size_t t = 0; t <= vocabulary.getMaxTokenType(); ++t) {
      const std::string quoted = vocabulary.getLiteralName(t);
      all.push_back(quoted.size() > 2 ? quoted.substr(1, quoted.size() - 2) : std::string());
    }
    return all;
  }();
  return type < texts.size() ? std::string_view(texts[type]) : std::string_view();
}

std::string spelled_type(std::size_t type) {
  switch (type) {
    case antlr4::Token::EOF:
      return "the end of the file";
    case P::ID:
      return "a name";
    case P::HOSTNAME:
      return "a host";
    case P::INT:
      return "a whole number";
    case P::DATE:
      return "a date like `2026-12-31`";
    case P::RAW:
    case P::QUOTE:
      return "a string";
    case P::TEXT:
    case P::ESC:
    case P::DOLLAR:
    case P::INTERP:
      return "more text";
    case P::FIELD:
      return "a field";
    default:
      break;
  }
  const std::string_view text = fixed_text(type);
  return text.empty() ? "something else" : fmt::format("`{}`", text);
}

std::string spelled_found(const Lexemes &lexemes, std::size_t index) {
  if (index + 1 >= lexemes.size()) return "the end of the file";
  switch (lexemes[index].type) {
    case P::QUOTE:
    case P::RAW:
    case P::BAD_RAW:
      return "a string";
    default:
      break;
  }
  constexpr std::size_t most = 40;
  const std::string shown = diagnostics::printable(lexemes.text(index));
  return shown.size() <= most ? fmt::format("`{}`", shown)
                              : fmt::format("`{}...`", diagnostics::printable(lexemes.text(index).substr(0, most)));
}

std::string_view item_of_body(std::size_t body_rule) {
  switch (body_rule) {
    case P::RuleFile:
      return "a declaration";
    case P::RuleClusterBody:
      return "an item of a cluster";
    case P::RuleImportBody:
      return "`group`";
    case P::RuleHostBody:
      return "an item of a host";
    case P::RuleRoleBody:
      return "a clause of a role";
    case P::RuleAskBlock:
      return "a statement of a probe";
    case P::RuleGateBody:
      return "a clause of a gate";
    case P::RuleActionBlock:
      return "a clause of an action";
    case P::RuleHoldBody:
      return "a clause of a hold";
    case P::RuleUpgradeBody:
      return "an item of the plan";
    default:
      return "a statement";
  }
}

Within within_of(const ErrorSite &site) {
  switch (site.body_rule) {
    case P::RuleFile:
      return site.item_rule == P::RuleStateItem ? Within::state : Within::file;
    case P::RuleClusterBody:
      return Within::cluster;
    case P::RuleImportBody:
      return Within::import;
    case P::RuleHostBody:
      return Within::host;
    case P::RuleRoleBody:
      return Within::role;
    case P::RuleAskBlock:
      return Within::question;
    case P::RuleGateBody:
      return Within::gate;
    case P::RuleActionBlock:
      return Within::action;
    case P::RuleHoldBody:
      return Within::hold;
    case P::RuleUpgradeBody:
      return Within::upgrade;
    default:
      return Within::block;
  }
}

std::size_t line_start(const Lexemes &lexemes, std::size_t index) {
  while (!lexemes.first_on_line(index)) {
    const std::size_t before = lexemes.previous_code(index);
    if (before == Lexemes::none || lexemes[before].line != lexemes[index].line) break;
    index = before;
  }
  return index;
}

std::string how_written(const ErrorSite &site, const Lexemes &lexemes) {
  const std::size_t start = site.item_start == Lexemes::none ? line_start(lexemes, site.found) : site.item_start;
  for (std::size_t i = site.found; i != Lexemes::none && i >= start; i = lexemes.previous_code(i)) {
    if (lexemes[i].type == P::RUN || lexemes[i].type == P::SH) return written(Within::action, lexemes.text(i));
  }
  if (start >= site.found) return {};
  return written(within_of(site), lexemes.text(start));
}

std::string_view nearest_word(std::string_view word, const std::vector<std::size_t> &types) {
  if (word.size() < 3) return {};
  std::vector<std::string_view> words;
  for (const std::size_t type : types) {
    const std::string_view text = fixed_text(type);
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') words.push_back(text);
  }
  return diagnostics::did_you_mean(word, words);
}

bool expects(const ErrorSite &site, std::size_t type) { return has(site.expected, type); }

bool expects_operand(const ErrorSite &site) {
  return expects(site, P::QUOTE) && expects(site, P::INT) && expects(site, P::LPAREN);
}

void ErrorReporter::report(const ErrorSite &site) {
  const std::size_t before = lexemes_.previous_code(site.found);
  if (is_body_rule(site.rule) && before != Lexemes::none && !lexemes_.first_on_line(site.found) &&
      lexemes_[before].type != P::LBRACE && lexemes_[before].type != P::RBRACE) {
    cut_short_.insert(before);
  }
  if (site.body_rule == P::RuleFile && is_body_rule(site.rule) && lexemes_.column(site.found) == 0) {
    const std::size_t next = lexemes_.next_code(site.found);
    if (next != Lexemes::none && (lexemes_[next].type == P::ID || soft(lexemes_[next].type))) meant_.push_back(next);
  }
  if (report_known_mistake(site, lexemes_, sink_)) return;
  auto report = sink_.report(
      Kind::unexpected_token, lexemes_.range(site.found),
      fmt::format("expected {}, found {}", expectation(site, lexemes_), spelled_found(lexemes_, site.found)));
  const std::string form = how_written(site, lexemes_);
  if (!form.empty()) report.help(form);
  // `hosts db1 "10.0.0.1"`: the item before it begins with a word that is nearly another one.
  const std::size_t start = line_start(lexemes_, site.found);
  if (form.empty() && is_body_rule(site.rule) && start < site.found && lexemes_[start].type == P::ID) {
    const std::string_view near = nearest_word(lexemes_.text(start), site.starters);
    if (!written(within_of(site), near).empty())
      report.fix(fmt::format("write `{}`", near), lexemes_.range(start), std::string(near));
  }
  if (lexemes_[site.found].type == P::ID) {
    if (const std::string_view near = nearest_word(lexemes_.text(site.found), site.expected); !near.empty()) {
      report.fix(fmt::format("write `{}`", near), lexemes_.range(site.found), std::string(near));
    }
  }
  const bool far = site.item_start != Lexemes::none && lexemes_[site.item_start].line != lexemes_[site.found].line;
  if (far) report.label(lexemes_.range(site.item_start), "while reading this");
  if (reserved(lexemes_[site.found].type) && expects(site, P::ID) && expects(site, P::QUOTE)) {
    report.note(fmt::format("`{}` is a reserved word", lexemes_.text(site.found)));
  }
}

}  // namespace upg::syntax
