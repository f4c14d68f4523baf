#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/error_report.h"
#include "compiler/syntax/antlr/recovery.h"
#include "compiler/syntax/literals.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::syntax {
namespace {

using diagnostics::Kind;
using diagnostics::Range;
using diagnostics::Sink;
using P = UpgParser;

bool reserved(std::size_t type) { return type >= P::ACCEPT && type < P::ACTION; }
bool soft(std::size_t type) { return type >= P::ABORT && type <= P::WINDOW; }
bool comparison(std::size_t type) {
  return (type >= P::EQ && type <= P::GT) || type == P::IN || type == P::MATCHES || type == P::CONTAINS;
}

/// Words of other languages, and of earlier drafts of this one, with what to write here.
struct Hint {
  std::string_view word, text;
};
constexpr std::array<Hint, 10> hints = {{
    {"fresh", "there is no `fresh`: a gate that a destructive step relies on is asked again right at the step"},
    {"while", "there are no open loops: wait with a gate, repeat with `attempt N`"},
    {"reads", "a step without effects is a probe"},
    {"try", "write `attempt N { } recover when COND { }`"},
    {"return", "only probes return values"},
    {"foreach", "write `for x in LIST { }`"},
    {"var", "write `let`"},
    {"function", "write `procedure`, or `probe` for a question"},
    {"sleep", "wait with a gate: `await g`"},
    {"import", "`use` takes modules in; `import` stands in a cluster and names an inventory"},
}};

class Mistakes {
 public:
  Mistakes(const ErrorSite &site, const Lexemes &lexemes, Sink &sink)
      : site_(site),
        lexemes_(lexemes),
        sink_(sink),
        found_(site.found),
        previous_(lexemes.previous_code(site.found)),
        next_(lexemes.next_code(site.found)) {}

  bool report() {
    return broken_string() || broken_token() || foreign_character() || punctuation_after_word() || foreign_operator() ||
           blank_before_call() || chained_comparison() || missing_target() || lonely_expression() || bad_name() ||
           unclosed_brace() || stray_brace() || misplaced_declaration() || unknown_clause() || near_word() ||
           unclosed_parenthesis();
  }

 private:
  std::size_t type(std::size_t index) const { return index == Lexemes::none ? 0 : lexemes_[index].type; }
  std::string_view text(std::size_t index) const { return lexemes_.text(index); }
  Range range(std::size_t index) const { return lexemes_.range(index); }
  bool expects(std::size_t t) const { return syntax::expects(site_, t); }
  /// An operand ended right before the token found, on its line, and the parser had left the expression: the token was
  /// meant to go on with it.
  bool continues_operand() const;
  bool compared_before() const;
  bool at_end() const { return found_ + 1 >= lexemes_.size(); }
  /// `first` and `second` stand side by side and one of them is the token found: the two, else nothing.
  std::optional<std::pair<std::size_t, std::size_t>> pair(std::size_t first, std::size_t second) const {
    if (type(found_) == first && type(next_) == second && lexemes_.touches(found_, next_))
      return std::pair(found_, next_);
    if (type(found_) == second && type(previous_) == first && lexemes_.touches(previous_, found_))
      return std::pair(previous_, found_);
    return std::nullopt;
  }
  Sink::Builder error(Kind kind, Range where, std::string message) {
    return sink_.report(kind, where, std::move(message));
  }

  bool broken_string();
  bool bad_escape();
  bool broken_token();
  bool foreign_character();
  bool single_quotes();
  bool foreign_operator();
  bool punctuation_after_word();
  bool blank_before_call();
  bool chained_comparison();
  bool missing_target();
  bool lonely_expression();
  bool bad_name();
  bool unclosed_brace();
  bool stray_brace();
  bool misplaced_declaration();
  bool unknown_clause();
  bool near_word();
  bool unclosed_parenthesis();
  std::size_t suspicious_opener() const;

  const ErrorSite &site_;
  const Lexemes &lexemes_;
  Sink &sink_;
  std::size_t found_, previous_, next_;
};

bool Mistakes::continues_operand() const {
  if (previous_ == Lexemes::none || lexemes_[previous_].line != lexemes_[found_].line) return false;
  if (!is_body_rule(site_.rule) && !expects(P::RPAREN) && !expects(P::RBRACK) && !expects(P::LBRACE)) return false;
  const std::size_t t = type(previous_);
  return t == P::ID || soft(t) || (t >= P::HOSTNAME && t <= P::RAW) || t == P::CLOSE || t == P::RPAREN ||
         t == P::RBRACK || t == P::TRUE_ || t == P::FALSE_;
}

/// A comparison stands on the line before the token found, not inside brackets.
bool Mistakes::compared_before() const {
  std::size_t depth = 0;
  for (std::size_t i = previous_; i != Lexemes::none && lexemes_[i].line == lexemes_[found_].line;
       i = lexemes_.previous_code(i)) {
    const std::size_t t = type(i);
    if (t == P::RPAREN || t == P::RBRACK) ++depth;
    if ((t == P::LPAREN || t == P::CALL || t == P::LBRACK) && depth-- == 0) return false;
    if (t == P::LBRACE || t == P::RBRACE || t == P::WHEN || t == P::AND || t == P::OR || t == P::WHERE) return false;
    if (depth == 0 && comparison(t)) return true;
  }
  return false;
}

// ---- strings
// ---------------------------------------------------------------------------------------------------------

/// A string or `${` that its line ends before its end.
bool Mistakes::broken_string() {
  if (type(found_) == P::BAD_RAW) {
    error(Kind::unclosed_string, range(found_), "this string is not closed on its line")
        .fix("close it", lexemes_.bytes(lexemes_[found_].end, lexemes_[found_].end), "\"");
    return true;
  }
  const bool word = type(found_) == P::ID || reserved(type(found_)) || soft(type(found_));
  if (word && type(previous_) == P::CLOSE && lexemes_.touches(previous_, found_)) {
    std::size_t quote = previous_;
    while (quote != Lexemes::none && type(quote) != P::QUOTE) quote = lexemes_.previous_code(quote);
    if (quote == Lexemes::none) return false;
    error(Kind::unclosed_string, lexemes_.range(quote, previous_),
          fmt::format("this string ends right before `{}`: a quote is missing in or before it", text(found_)));
    return true;
  }
  if (type(found_) == P::QUOTE && expects(P::INTERP_CLOSE)) {
    std::size_t hole = found_;
    while (hole != Lexemes::none && type(hole) != P::INTERP) hole = lexemes_.previous_code(hole);
    if (hole == Lexemes::none) return false;
    error(Kind::unclosed_string, range(hole), "this `${` is not closed before the string ends")
        .fix("close it", lexemes_.bytes(lexemes_[found_].begin, lexemes_[found_].begin), "}");
    return true;
  }
  const bool end_inside = at_end() && (expects(P::CLOSE) || expects(P::INTERP_CLOSE));
  if (type(found_) != P::BAD_STR && !end_inside) return false;
  // Unmatched openers before the line end, innermost first.
  std::vector<std::size_t> open;
  std::size_t strings = 0, holes = 0;
  for (std::size_t i = previous_; i != Lexemes::none; i = lexemes_.previous_code(i)) {
    if (lexemes_[i].line != lexemes_[previous_].line) break;
    if (type(i) == P::CLOSE) ++strings;
    if (type(i) == P::INTERP_CLOSE) ++holes;
    if (type(i) == P::QUOTE && strings-- == 0) {
      open.push_back(i);
      strings = 0;
    }
    if (type(i) == P::INTERP && holes-- == 0) {
      open.push_back(i);
      holes = 0;
    }
  }
  if (open.empty()) return false;
  const std::uint32_t line_end = lexemes_.line_end(open.back());
  const auto hole = std::find_if(open.begin(), open.end(), [&](std::size_t i) { return type(i) == P::INTERP; });
  if (hole != open.end()) {
    auto report = error(Kind::unclosed_string, range(*hole), "this `${` is not closed on its line");
    if (hole != open.begin()) {
      const std::uint32_t at = lexemes_[*(hole - 1)].begin;
      report.fix("close it", lexemes_.bytes(at, at), "}");
    } else {
      report.help("write `}` after the expression; a `${` that is text is written `$${`");
    }
    return true;
  }
  // The quote was most likely forgotten before the `)`, `]` or `,` that follows.
  const std::uint32_t begin = lexemes_[open[0]].begin;
  const std::string_view rest = lexemes_.file_text().substr(begin + 1, line_end - begin - 1);
  const std::size_t stop = rest.find_first_of("),]");
  const std::uint32_t at = stop == std::string_view::npos ? line_end : begin + 1 + static_cast<std::uint32_t>(stop);
  error(Kind::unclosed_string, lexemes_.bytes(begin, line_end), "this string is not closed on its line")
      .fix("close it", lexemes_.bytes(at, at), "\"");
  return true;
}

bool Mistakes::bad_escape() {
  auto report =
      error(Kind::bad_escape, range(found_), fmt::format("unknown escape `{}`", diagnostics::printable(text(found_))));
  report.note("escapes are \\n \\r \\t \\\" \\\\ and \\x41; patterns are raw strings, r\"\\d+\", without escapes");
  std::size_t quote = found_;
  while (quote != Lexemes::none && type(quote) != P::QUOTE) quote = lexemes_.previous_code(quote);
  bool plain = quote != Lexemes::none;
  std::size_t i = quote;
  while (plain && i != Lexemes::none && type(i) != P::CLOSE) {
    i = lexemes_.next_code(i);
    plain = i != Lexemes::none && (type(i) == P::TEXT || type(i) == P::BAD_ESC || type(i) == P::CLOSE);
  }
  if (plain) report.fix("make it a raw string", lexemes_.bytes(lexemes_[quote].begin, lexemes_[quote].begin), "r");
  return true;
}

/// Tokens that the lexer keeps in one piece so that they can be named here.
bool Mistakes::broken_token() {
  switch (type(found_)) {
    case P::BAD_ESC:
      return bad_escape();
    case P::BAD_NUM: {
      const std::string repaired = repaired_number(text(found_));
      const bool grouped = text(found_).find('_') != std::string_view::npos;
      auto report = error(Kind::bad_number, range(found_),
                          fmt::format("`{}` is no number: {}", text(found_).substr(0, 40),
                                      grouped ? "digits take no `_`" : "its unit is not known"));
      if (repaired.empty()) {
        report.note("durations are whole, like `90s`, `15m`, `1h30m`, `2d`; sizes are like `512MiB`, `5GB`");
      } else {
        report.fix(fmt::format("write `{}`", repaired), range(found_), repaired);
      }
      return true;
    }
    case P::BAD_FIELD: {
      const std::string_view field = text(found_).substr(1);
      const std::size_t hyphen = field.find('-');
      error(Kind::hyphen_in_field, range(found_), fmt::format("`.{}` could be a field or a subtraction", field))
          .note("a key of JSON cannot be checked before the run, so this is never guessed")
          .fix("subtract", range(found_), fmt::format(".{} - {}", field.substr(0, hyphen), field.substr(hyphen + 1)))
          .fix("name the key", range(found_), fmt::format("[\"{}\"]", field));
      return true;
    }
    default:
      return false;
  }
}

// ---- marks of other languages
// ----------------------------------------------------------------------------------------

bool Mistakes::single_quotes() {
  auto report = error(Kind::foreign_operator, range(found_), "strings stand in double quotes");
  const std::uint32_t begin = lexemes_[found_].begin;
  const std::string_view line = lexemes_.file_text().substr(begin + 1, lexemes_.line_end(found_) - begin - 1);
  const std::size_t close = line.find('\'');
  if (close != std::string_view::npos && line.substr(0, close).find_first_of("\"\\$") == std::string_view::npos) {
    report.sure_fix("use double quotes", lexemes_.bytes(begin, begin + 2 + static_cast<std::uint32_t>(close)),
                    fmt::format("\"{}\"", line.substr(0, close)));
  }
  return true;
}

bool Mistakes::foreign_character() {
  if (type(found_) != P::BAD) return false;
  const std::string_view mark = text(found_);
  const auto replace = [&](std::string message, std::string title, std::string with) {
    error(Kind::foreign_operator, range(found_), std::move(message))
        .sure_fix(std::move(title), range(found_), std::move(with));
    return true;
  };
  if (mark == "'") return single_quotes();
  if (mark == ";") return replace("no `;` ends a statement here: each begins with its own word", "remove it", "");
  if (mark == "!") return replace("`!` is written `not`", "write `not`", "not ");
  if (mark == "#") return replace("comments begin with `//`", "write `//`", "//");
  if (mark == "\\") return replace("a line end needs no `\\`: it is a blank anyway", "remove it", "");
  if (mark == "$") return replace("names take no `$`; `${...}` stands in strings only", "remove it", "");
  if (mark == "\r") return replace("a carriage return without a line feed", "remove it", "");
  if (mark == "\xc2\xa0") return replace("this blank is a no-break space", "write a plain blank", " ");
  if (mark == "\xe2\x80\x9c" || mark == "\xe2\x80\x9d" || mark == "\xe2\x80\x9e")
    return replace("strings stand in plain double quotes", "write `\"`", "\"");
  if (static_cast<unsigned char>(mark[0]) >= 0x80) {
    error(Kind::bad_name, range(found_),
          fmt::format("`{}` cannot stand outside strings and comments", diagnostics::printable(mark)))
        .note("names are made of ASCII letters, digits and `_`");
    return true;
  }
  error(Kind::foreign_operator, range(found_),
        fmt::format("`{}` has no meaning outside strings", diagnostics::printable(mark)));
  return true;
}

bool Mistakes::foreign_operator() {
  struct Pair {
    std::size_t first, second;
    std::string_view message, replacement;
  };
  static constexpr std::array<Pair, 7> pairs = {{
      {P::AMP, P::AMP, "`&&` is written `and`", "and"},
      {P::PIPE, P::PIPE, "`||` is written `or`", "or"},
      {P::COLON, P::ASSIGN, "`:=` is written `=`", "="},
      {P::EQ, P::ASSIGN, "`===` is written `==`", "=="},
      {P::LT, P::GT, "`<>` is written `!=`", "!="},
      {P::ASSIGN, P::LT, "`=<` is written `<=`", "<="},
      {P::SLASH, P::STAR, "comments begin with `//` and end with their line", "//"},
  }};
  for (const Pair &p : pairs) {
    if (const auto both = pair(p.first, p.second)) {
      const Range where = lexemes_.range(both->first, both->second);
      auto report = error(Kind::foreign_operator, where, std::string(p.message));
      const std::string title = fmt::format("write `{}`", p.replacement);
      if (p.first == P::SLASH)  // a comment of several lines needs more than its first mark
        report.fix(title, where, std::string(p.replacement));
      else
        report.sure_fix(title, where, std::string(p.replacement));
      return true;
    }
  }
  if (const auto arrow = pair(P::ASSIGN, P::GT)) {
    const Range where = lexemes_.range(arrow->first, arrow->second);
    const std::string with = expects(P::GE) || continues_operand() ? ">=" : "->";
    error(Kind::foreign_operator, where, fmt::format("`=>` is written `{}`", with))
        .sure_fix(fmt::format("write `{}`", with), where, with);
    return true;
  }
  auto change = pair(P::PLUS, P::ASSIGN);
  if (!change) change = pair(P::MINUS, P::ASSIGN);
  if (change) {
    error(Kind::foreign_operator, lexemes_.range(change->first, change->second),
          "values do not change: there is no assignment")
        .help("give the new value a name of its own with `let`");
    return true;
  }
  if (type(found_) == P::ASSIGN && site_.rule == P::RuleArgs && type(previous_) == P::ID) {
    error(Kind::foreign_operator, range(found_), "a named argument is written with `:`")
        .sure_fix("write `:`", lexemes_.bytes(lexemes_[previous_].end, lexemes_[found_].end), ":");
    return true;
  }
  if (type(found_) == P::ASSIGN && (expects(P::EQ) || continues_operand())) {
    error(Kind::foreign_operator, range(found_), "`=` names a value; `==` compares")
        .sure_fix("write `==`", range(found_), "==");
    return true;
  }
  if (type(found_) == P::EQ && expects(P::ASSIGN)) {
    error(Kind::foreign_operator, range(found_), "`==` compares; `=` names a value")
        .sure_fix("write `=`", range(found_), "=");
    return true;
  }
  return false;
}

/// `takes: 3m..15m`, `user = "root"`: habits of configuration files.
bool Mistakes::punctuation_after_word() {
  if ((type(found_) != P::COLON && type(found_) != P::ASSIGN) || previous_ == Lexemes::none || expects(type(found_)))
    return false;
  if (next_ != Lexemes::none && lexemes_.touches(found_, next_) && (type(next_) == P::ASSIGN || type(next_) == P::GT))
    return false;  // `:=`, `=>`
  const bool attribute = site_.rule == P::RuleAttribute;
  const bool clause = previous_ == site_.item_start && (reserved(type(previous_)) || soft(type(previous_)));
  if (!attribute && !clause) return false;
  error(Kind::foreign_operator, range(found_),
        fmt::format("no `{}` stands between `{}` and its value", text(found_), text(previous_)))
      .sure_fix("remove it", lexemes_.bytes(lexemes_[previous_].end, lexemes_[found_].end), "");
  return true;
}

// ---- calls, comparisons, commands
// ------------------------------------------------------------------------------------

bool Mistakes::blank_before_call() {
  if (type(found_) != P::LPAREN || previous_ == Lexemes::none) return false;
  const bool name = type(previous_) == P::ID || type(previous_) == P::FIELD || soft(type(previous_));
  if (!expects(P::CALL) && !(name && continues_operand())) return false;
  error(Kind::blank_before_call, range(found_),
        fmt::format("the `(` of a call touches its name: `{}(`", text(previous_)))
      .label(range(previous_), "this is called")
      .sure_fix("remove the blank", lexemes_.bytes(lexemes_[previous_].end, lexemes_[found_].begin), "");
  return true;
}

bool Mistakes::chained_comparison() {
  if (!comparison(type(found_)) || expects(type(found_))) return false;
  const std::size_t before = lexemes_.previous_code(previous_ == Lexemes::none ? 0 : previous_);
  if (continues_operand() && type(before) == P::AWAIT) {
    error(Kind::unexpected_token, range(found_),
          fmt::format("`await` takes a gate, not a comparison: found `{}`", text(found_)))
        .help("ask a state with `expect S == v`, or wait for a gate over it");
    return true;
  }
  if (!expects(P::AND) && !(continues_operand() && compared_before())) return false;
  error(Kind::chained_comparison, range(found_),
        fmt::format("comparisons do not chain: this `{}` compares a comparison", text(found_)))
      .help("write `a < b and b < c`");
  return true;
}

bool Mistakes::missing_target() {
  if (site_.rule != P::RuleOnTarget || !expects(P::ON)) return false;
  // The word that needs the target: the one before the matching `(` of a command, else the clause's own.
  std::size_t owner = site_.item_start;
  if (type(previous_) == P::RPAREN) {
    std::size_t depth = 0;
    for (std::size_t i = previous_; i != Lexemes::none; i = lexemes_.previous_code(i)) {
      if (type(i) == P::RPAREN) ++depth;
      if ((type(i) == P::CALL || type(i) == P::LPAREN) && --depth == 0) {
        const std::size_t before = lexemes_.previous_code(i);
        if (type(before) == P::RUN || type(before) == P::SH) owner = before;
        break;
      }
    }
  }
  if (owner == Lexemes::none) return false;
  auto report =
      error(Kind::missing_target, range(owner), fmt::format("`{}` does not say where: it needs `on`", text(owner)));
  report.label(lexemes_.bytes(lexemes_[previous_].end, lexemes_[previous_].end), "`on ...` is missing here");
  report.help("write `on h`, `on any ROLE`, `on each ROLE` or `on local`: there is no default host");
  return true;
}

/// `every`, `run` or `ask` as an operand: what follows could belong to it or not.
bool Mistakes::lonely_expression() {
  const std::size_t t = type(found_);
  if (t != P::EVERY && t != P::SOME && t != P::RUN && t != P::SH && t != P::ASK) return false;
  if (!expects_operand(site_)) return false;
  const bool quantifier = t == P::EVERY || t == P::SOME;
  error(Kind::unexpected_token, range(found_),
        fmt::format("`{}` cannot be an operand here: write it in parentheses, `({} ...)`", text(found_), text(found_)))
      .note(quantifier ? "without parentheses it may only lead a condition, or an operand of `and` or `or`"
                       : "without parentheses it may only stand alone");
  return true;
}

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
  error(Kind::bad_name, range(found_), fmt::format("`{}` is a reserved word: it cannot be a name", text(found_)))
      .help("choose another name, for example with a suffix");
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
  const auto hint = std::find_if(hints.begin(), hints.end(), [&](const Hint &h) { return h.word == text(word); });
  const std::string_view near =
      type(word) == P::ID && hint == hints.end() ? nearest_word(text(word), site_.starters) : std::string_view();
  // A name that may begin an item is only suspicious if it looks like a key word.
  if (word != found_ && near.empty() && hint == hints.end() && !expects(P::CALL)) return false;

  auto report = error(Kind::unknown_clause, range(word),
                      fmt::format("`{}` does not begin {}", text(word), item_of_body(site_.body_rule)));
  if (!near.empty()) report.fix(fmt::format("write `{}`", near), range(word), std::string(near));
  if (hint != hints.end()) report.help(std::string(hint->text));
  for (const std::size_t home : site_.homes) {
    if (word == found_ && near.empty()) report.note(fmt::format("`{}` begins {}", text(word), item_of_body(home)));
  }
  if (near.empty() && hint == hints.end() && word != found_ && expects(P::CALL))
    report.help(fmt::format("a call is written `{}(...)`", text(word)));
  return true;
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

}  // namespace

bool report_known_mistake(const ErrorSite &site, const Lexemes &lexemes, Sink &sink) {
  return Mistakes(site, lexemes, sink).report();
}

}  // namespace upg::syntax
