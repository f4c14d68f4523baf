#include "compiler/syntax/antlr/mistakes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "compiler/syntax/antlr/recovery.h"
#include "compiler/syntax/literals.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::syntax {

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

/// `use std.linux`, `use "linux.upg"`: modules have no path.
bool Mistakes::module_path() {
  if (site_.body_rule != P::RuleFile) return false;
  const std::size_t start = line_start(lexemes_, found_);
  const std::size_t t = type(found_);
  if (type(start) != P::USE || (t != P::FIELD && t != P::SLASH && t != P::QUOTE && t != P::RAW)) return false;
  auto report = error(Kind::unexpected_token, range(found_),
                      fmt::format("a module is named by one word, found {}", spelled_found(lexemes_, found_)));
  std::size_t last = Lexemes::none;  // what may be the name: the last word on the line
  for (std::size_t i = found_; i != Lexemes::none && lexemes_[i].line == lexemes_[found_].line;
       i = lexemes_.next_code(i)) {
    if (type(i) == P::FIELD || type(i) == P::ID || type(i) == P::TEXT) last = i;
  }
  std::string_view name = last == Lexemes::none ? std::string_view() : text(last);
  name.remove_prefix(std::min(name.rfind('/') + 1, name.size()));
  if (name.ends_with(".upg")) name.remove_suffix(4);
  if (name.starts_with('.')) name.remove_prefix(1);
  if (last != Lexemes::none && type(last) == P::TEXT) last = lexemes_.next_code(last);  // its closing quote
  if (!name.empty() && last != Lexemes::none) {
    report.fix(fmt::format("write `{}`", name), lexemes_.range(lexemes_.next_code(start), last), std::string(name));
  } else {
    report.help(written(Within::file, "use"));
  }
  return true;
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
  if (type(found_) == P::QUOTE && type(previous_) == P::ID && lexemes_.touches(previous_, found_)) {
    error(Kind::unexpected_token, range(previous_),
          fmt::format("no `{}` stands before a string: `${{x}}` is a value in every one", text(previous_)))
        .note("the one prefix is `r`, of a pattern: without escapes and values")
        .sure_fix("remove it", range(previous_), "");
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
  auto report = error(Kind::foreign_operator, range(found_),
                      mark == "`" ? std::string("a backtick has no meaning outside strings")
                                  : fmt::format("`{}` has no meaning outside strings", diagnostics::printable(mark)));
  if (mark == "`") report.help(written(Within::action, "run"));
  if (mark == "~") report.help("patterns are written `x matches r\"...\"`");
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
  auto report = error(Kind::foreign_operator, range(found_),
                      fmt::format("no `{}` stands between `{}` and its value", text(found_), text(previous_)));
  const std::string form = clause ? written(within_of(site_), text(previous_)) : std::string();
  if (form.find(" {") != std::string::npos && type(next_) != P::LBRACE) {
    report.help(form);
  } else {
    report.sure_fix("remove it", lexemes_.bytes(lexemes_[previous_].end, lexemes_[found_].end), "");
  }
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
  if (quantifier && type(next_) != P::ID && !soft(type(next_))) return false;  // `poll every 5s`
  error(Kind::unexpected_token, range(found_),
        fmt::format("`{}` cannot be an operand here: write it in parentheses, `({} ...)`", text(found_), text(found_)))
      .note(quantifier ? "without parentheses it may only lead a condition, or an operand of `and` or `or`"
                       : "without parentheses it may only stand alone");
  return true;
}

bool report_known_mistake(const ErrorSite &site, const Lexemes &lexemes, Sink &sink) {
  return Mistakes(site, lexemes, sink).report();
}

}  // namespace upg::syntax
