#include "compiler/syntax/antlr/lexer_base.h"

#include "UpgLexer.h"

namespace {

bool between(std::size_t type, std::size_t first, std::size_t last) { return type >= first && type <= last; }

bool names_a_call(std::size_t type) {
  return type == UpgLexer::ID || type == UpgLexer::FIELD || type == UpgLexer::RUN || type == UpgLexer::SH ||
         type == UpgLexer::COUNT || between(type, UpgLexer::ABORT, UpgLexer::WINDOW);
}

}  // namespace

void UpgLexerBase::openBrace() {
  if (!open_braces_.empty()) ++open_braces_.back();
}

void UpgLexerBase::closeBrace() {
  if (open_braces_.empty()) return;
  if (open_braces_.back() > 0) {
    --open_braces_.back();
    return;
  }
  open_braces_.pop_back();
  popMode();
  setType(UpgLexer::INTERP_CLOSE);
}

void UpgLexerBase::leave_interpolations() {
  for (; !open_braces_.empty(); open_braces_.pop_back()) {
    popMode();
    popMode();
  }
}

void UpgLexerBase::newline() {
  if (open_braces_.empty()) return skip();
  leave_interpolations();
  setType(UpgLexer::BAD_STR);
}

void UpgLexerBase::stringNewline() {
  popMode();
  leave_interpolations();
  setType(UpgLexer::BAD_STR);
}

std::size_t UpgLexerBase::popMode() { return modeStack.empty() ? mode : antlr4::Lexer::popMode(); }

void UpgLexerBase::reset() {
  open_braces_.clear();
  token_count_ = last_type_ = last_end_ = 0;
  antlr4::Lexer::reset();
}

antlr4::Token *UpgLexerBase::emit() {
  if (between(type, UpgLexer::ACTION, UpgLexer::VERSIONS) && tokenStartCharPositionInLine != 0) type = UpgLexer::ID;
  if (type == UpgLexer::LPAREN && last_end_ == tokenStartCharIndex && names_a_call(last_type_)) type = UpgLexer::CALL;
  last_type_ = type;
  last_end_ = getCharIndex();
  if (++token_count_ > token_limit_) hitEOF = true;
  return antlr4::Lexer::emit();
}
