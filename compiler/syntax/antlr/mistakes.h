#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "UpgParser.h"
#include "compiler/syntax/antlr/error_report.h"
#include "runtime/diagnostics/diagnostic.h"

namespace upg::syntax {

using diagnostics::Kind;
using diagnostics::Range;
using diagnostics::Sink;
using P = UpgParser;

/// One error, looked at for each of the mistakes that people make.
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
    return module_path() || broken_string() || broken_token() || foreign_character() || punctuation_after_word() ||
           foreign_operator() || blank_before_call() || chained_comparison() || missing_target() ||
           lonely_expression() || bad_name() || unclosed_brace() || stray_brace() || misplaced_declaration() ||
           unknown_clause() || near_word() || unclosed_parenthesis();
  }

 private:
  static bool reserved(std::size_t type) { return type >= P::ACCEPT && type < P::ACTION; }
  static bool soft(std::size_t type) { return type >= P::ABORT && type <= P::WINDOW; }
  static bool comparison(std::size_t type) {
    return (type >= P::EQ && type <= P::GT) || type == P::IN || type == P::MATCHES || type == P::CONTAINS;
  }
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

  bool module_path();
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
  void explain_word(Sink::Builder &report, std::size_t word, Within place);
  bool near_word();
  bool unclosed_parenthesis();
  std::size_t suspicious_opener() const;

  const ErrorSite &site_;
  const Lexemes &lexemes_;
  Sink &sink_;
  std::size_t found_, previous_, next_;
};

}  // namespace upg::syntax
