// Words and brackets that stand where they cannot.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "compiler/syntax/antlr/mistakes.h"
#include "compiler/syntax/antlr/recovery.h"

namespace upg::syntax {

// ---- words
// -----------------------------------------------------------------------------------------------------------

bool Mistakes::bad_name() {
  if (is_body_rule(site_.rule) || !expects(P::ID) || expects_operand(site_)) return false;
  if (type(found_) == P::HOSTNAME && !expects(P::HOSTNAME)) {
    std::string plain(text(found_));
    std::replace(plain.begin(), plain.end(), '-', '_');
    error(Kind::bad_name, range(found_),
          fmt::format("only hosts may have a hyphen in their name: `{}` has one", text(found_)))
        .fix(fmt::format("write `{}`", plain), range(found_), plain);
    return true;
  }
  if (!reserved(type(found_)) || lexemes_.first_on_line(found_)) return false;
  const std::string_view hint = habit(within_of(site_), text(found_));
  error(Kind::bad_name, range(found_), fmt::format("`{}` is a reserved word: it cannot be a name", text(found_)))
      .help(hint.empty() ? "choose another name, for example with a suffix" : std::string(hint));
  return true;
}

bool Mistakes::misplaced_declaration() {
  if (!is_body_rule(site_.rule) || type(found_) == 0) return false;
  if (type(found_) == P::MODULE) {
    error(Kind::bad_layout, range(found_), "`module` must be the first declaration of a file");
    return true;
  }
  if (type(found_) != P::ID || lexemes_.column(found_) == 0 || !lexemes_.first_on_line(found_)) return false;
  bool declares = false;
  for (std::size_t t = P::ACTION; t <= P::VERSIONS; ++t) declares = declares || fixed_text(t) == text(found_);
  const std::size_t t = type(next_);
  if (!declares || (t != P::ID && !soft(t) && t != P::QUOTE)) return false;
  auto report = error(Kind::bad_layout, range(found_),
                      fmt::format("the declaration word `{}` must stand at the left margin", text(found_)));
  report.note("declarations begin in column 1 and do not stand inside each other");
  if (site_.body_rule == P::RuleFile)
    report.sure_fix("move it to the margin",
                    lexemes_.bytes(lexemes_[found_].begin - lexemes_.column(found_), lexemes_[found_].begin), "");
  return true;
}

/// A word that begins nothing here: misspelt, from another body, or from another language.
bool Mistakes::unknown_clause() {
  std::size_t word = Lexemes::none;
  const std::size_t before = previous_ == Lexemes::none ? Lexemes::none : lexemes_.previous_code(previous_);
  if (type(found_) == P::COMMA && (site_.rule == P::RuleHostBody || site_.rule == P::RuleClusterBody) &&
      type(before) == P::ID) {
    word = before;  // `rols x, y` was read as an attribute with one value
    if (nearest_word(text(word), site_.starters).empty()) return false;
  } else if (is_body_rule(site_.rule)) {
    word = found_;
  } else if (site_.item_start != Lexemes::none && previous_ == site_.item_start &&
             (type(previous_) == P::ID || soft(type(previous_)))) {
    word = previous_;  // `stabel 3` was read as a name that a call or a value must follow
  }
  if (word == Lexemes::none) return false;
  const bool is_word = type(word) == P::ID || reserved(type(word)) || soft(type(word));
  if (!is_word) return false;
  const Within place = within_of(site_);
  const std::string_view hint = habit(place, text(word));
  std::string_view near =
      type(word) == P::ID && hint.empty() ? nearest_word(text(word), site_.starters) : std::string_view();
  if (written(place, near).empty()) near = {};  // a name that may begin a call
  // A name that may begin an item is only suspicious if it looks like a key word.
  if (word != found_ && near.empty() && hint.empty() && !expects(P::CALL)) return false;

  auto report = error(Kind::unknown_clause, range(word),
                      fmt::format("`{}` does not begin {}", text(word), item_of_body(site_.body_rule)));
  if (!near.empty()) {
    report.fix(fmt::format("write `{}`", near), range(word), std::string(near));
  } else if (!hint.empty()) {
    report.help(std::string(hint));
  } else {
    explain_word(report, word, place);
  }
  for (const std::size_t home : site_.homes) {
    if (word == found_ && near.empty()) report.note(fmt::format("`{}` begins {}", text(word), item_of_body(home)));
  }
  return true;
}

/// What the word could be there for, else what may stand in its place.
void Mistakes::explain_word(Sink::Builder &report, std::size_t word, Within place) {
  const std::size_t start = line_start(lexemes_, word);
  const std::string before = start < word ? written(place, text(start)) : std::string();
  const bool name = type(word) == P::ID || type(word) == P::HOSTNAME;
  const std::string_view inside = name ? std::string_view() : form_with(place, text(word));
  const std::size_t behind = lexemes_.next_code(word);
  if (!before.empty()) {
    report.help(before);
  } else if (!inside.empty()) {
    report.help(fmt::format("`{}` stands in `{}`", text(word), inside));
  } else if (behind != Lexemes::none && type(behind) == P::ASSIGN) {
    report.help(fmt::format("a value is named with `let {} = ...`", text(word)));
  } else if (word != found_ && expects(P::CALL)) {
    report.help(fmt::format("a call is written `{}(...)`", text(word)));
  } else {
    std::vector<std::string> words;
    for (const std::size_t t : site_.starters) {
      if (!written(place, fixed_text(t)).empty()) words.push_back(fmt::format("`{}`", fixed_text(t)));
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    if (!words.empty())
      report.note(fmt::format("{} begins with {}", item_of_body(site_.body_rule), fmt::join(words, ", ")));
  }
}

bool Mistakes::near_word() {
  if (type(found_) != P::ID) return false;
  const std::string_view near = nearest_word(text(found_), site_.expected);
  if (near.empty() || expects_operand(site_)) return false;
  error(Kind::unexpected_token, range(found_), fmt::format("expected `{}`, found `{}`", near, text(found_)))
      .fix(fmt::format("write `{}`", near), range(found_), std::string(near));
  return true;
}

// ---- brackets
// --------------------------------------------------------------------------------------------------------

/// Where braces and indentation disagree first: a `}` that stands further left than the line of the `{` it closes shows
/// that this `{` was left open.
std::size_t Mistakes::suspicious_opener() const {
  std::vector<std::size_t> open;
  for (std::size_t i = site_.opener; i != Lexemes::none && i < found_; i = lexemes_.next_code(i)) {
    if (type(i) == P::LBRACE) open.push_back(i);
    if (type(i) != P::RBRACE || open.empty()) continue;
    if (lexemes_.first_on_line(i) && lexemes_.column(i) < lexemes_.indentation(open.back())) return open.back();
    open.pop_back();
  }
  return site_.opener;
}

bool Mistakes::unclosed_brace() {
  if (!expects(P::RBRACE) || site_.opener == Lexemes::none) return false;
  const bool declaration =
      lexemes_.column(found_) == 0 && ((type(found_) >= P::ACTION && type(found_) <= P::VERSIONS) ||
                                       type(found_) == P::PARAM || type(found_) == P::SECRET);
  const bool outside =
      site_.expected.size() == 1;  // nothing but the brace: the parser saw that the item belongs further out
  if (!at_end() && !declaration && !outside) return false;
  error(Kind::unclosed_bracket, range(suspicious_opener()), "this `{` is not closed")
      .label(range(found_), at_end()      ? "the file ends here"
                            : declaration ? "the next declaration begins here"
                                          : "this belongs further out")
      .help("write the missing `}`");
  return true;
}

bool Mistakes::stray_brace() {
  const std::size_t t = type(found_);
  if (t != P::RBRACE && t != P::RPAREN && t != P::RBRACK) return false;
  if (!is_body_rule(site_.rule)) return false;
  error(Kind::unclosed_bracket, range(found_), fmt::format("this `{}` closes nothing", text(found_)));
  return true;
}

bool Mistakes::unclosed_parenthesis() {
  if (!expects(P::RPAREN) && !expects(P::RBRACK)) return false;
  const std::size_t t = type(found_);
  if (!lexemes_.first_on_line(found_) && t != P::LBRACE && t != P::RBRACE && !at_end()) return false;
  std::size_t depth = 0;
  for (std::size_t i = previous_; i != Lexemes::none && i + 1 > site_.item_start; i = lexemes_.previous_code(i)) {
    const std::size_t here = type(i);
    if (here == P::RPAREN || here == P::RBRACK) ++depth;
    if ((here == P::LPAREN || here == P::CALL || here == P::LBRACK) && depth-- == 0) {
      error(Kind::unclosed_bracket, range(i), fmt::format("this `{}` is not closed", text(i)))
          .label(range(found_), fmt::format("{} cannot stand inside it", spelled_found(lexemes_, found_)));
      return true;
    }
  }
  return false;
}

}  // namespace upg::syntax
