#pragma once
#include <cstddef>
#include <vector>

#include "antlr4-runtime.h"

/// What a lexer grammar cannot say: braces inside `${ }`, line ends inside strings, declaration words off the margin,
/// `(` that touches a name, and an end to reading after `token_limit` tokens. (In the global namespace: the generated
/// lexer names it so.)
class UpgLexerBase : public antlr4::Lexer {
 public:
  using antlr4::Lexer::Lexer;

  void limit_tokens(std::size_t limit) { token_limit_ = limit; }
  bool over_limit() const { return token_count_ > token_limit_; }

  antlr4::Token *emit() override;
  std::size_t popMode() override;  // nothing to pop: stays, where ANTLR would throw
  void reset() override;

 protected:  // called by actions of the grammar
  void openBrace();
  void closeBrace();
  void openInterp() { open_braces_.push_back(0); }
  void newline();        // outside strings: skipped, but ends an open `${`
  void stringNewline();  // inside a string: unterminated

 private:
  void leave_interpolations();

  std::size_t token_limit_ = static_cast<std::size_t>(-1);
  std::size_t token_count_ = 0;
  std::size_t last_type_ = 0, last_end_ = 0;
  std::vector<std::size_t> open_braces_;  // one count for each `${` that is open
};
