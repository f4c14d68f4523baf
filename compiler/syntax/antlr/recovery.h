#pragma once
#include <cstddef>
#include <vector>

#include "antlr4-runtime.h"
#include "compiler/syntax/antlr/error_report.h"
#include "compiler/syntax/antlr/lexemes.h"

namespace upg::syntax {

/// Where the parser may resume after an error: at the next item (declaration, clause, statement).
bool is_item_rule(std::size_t rule);
/// Rules that are `{ item* }`, and the file.
bool is_body_rule(std::size_t rule);

/// One message for one mistake. No token is ever invented or dropped silently; every rule passes an error up to the
/// item around it, which skips to the next word that is first on its line, at the same depth of braces, and can begin
/// an item; or to a declaration word at the margin, which closes every open body.
class Recovery : public antlr4::DefaultErrorStrategy {
 public:
  /// Reading stops with ParseCancellationException after `max_errors`.
  Recovery(const Lexemes &lexemes, ErrorReporter &reporter, std::size_t max_errors)
      : lexemes_(lexemes), reporter_(reporter), max_errors_(max_errors) {}

  void reportError(antlr4::Parser *parser, const antlr4::RecognitionException &error) override;
  void recover(antlr4::Parser *parser, std::exception_ptr error) override;
  antlr4::Token *recoverInline(antlr4::Parser *parser) override;
  void sync(antlr4::Parser *parser) override;

 private:
  bool at_declaration(antlr4::Parser *parser) const;
  bool begins_item(antlr4::Parser *parser, bool resumed_here_before) const;
  void skip(antlr4::Parser *parser, bool resumed_here_before);
  bool closes_item(std::size_t index, std::size_t item) const;
  bool left_body(antlr4::Parser *parser) const;
  bool wrong_item(antlr4::Parser *parser, const antlr4::misc::IntervalSet &next) const;
  ErrorSite site_of(antlr4::Parser *parser, const antlr4::RecognitionException &error) const;

  const Lexemes &lexemes_;
  ErrorReporter &reporter_;
  std::size_t max_errors_;
  std::size_t errors_ = 0;
  bool brace_missing_ = false;              // the last error was a missing `{`
  std::size_t skipped_to_ = Lexemes::none;  // what stands behind the last item that was left out
  std::size_t last_index_ = Lexemes::none, last_rule_ = Lexemes::none;
};

}  // namespace upg::syntax
