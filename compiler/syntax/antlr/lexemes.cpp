#include "compiler/syntax/antlr/lexemes.h"

#include "UpgLexer.h"

namespace upg::syntax {
namespace {

/// Byte offset of each code point, and the end; empty for plain ASCII, where the two are the same.
std::vector<std::uint32_t> code_point_offsets(std::string_view text, bool ascii) {
  std::vector<std::uint32_t> offsets;
  if (ascii) return offsets;
  offsets.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0u) != 0x80u) offsets.push_back(static_cast<std::uint32_t>(i));
  }
  offsets.push_back(static_cast<std::uint32_t>(text.size()));
  return offsets;
}

TokenKind kind_of(const Lexeme &lexeme) {
  if (lexeme.channel == Lexeme::Channel::comment) return TokenKind::comment;
  if (lexeme.channel == Lexeme::Channel::doc) return TokenKind::doc_comment;
  const std::size_t type = lexeme.type;
  if (type >= UpgLexer::ACCEPT && type <= UpgLexer::VERSIONS) return TokenKind::key_word;
  if (type >= UpgLexer::ABORT && type <= UpgLexer::WINDOW) return TokenKind::soft_word;
  switch (type) {
    case UpgLexer::ID:
      return TokenKind::name;
    case UpgLexer::HOSTNAME:
      return TokenKind::host_name;
    case UpgLexer::FIELD:
      return TokenKind::field;
    case UpgLexer::DATE:
      return TokenKind::date;
    case UpgLexer::DURATION:
      return TokenKind::duration;
    case UpgLexer::SIZE:
      return TokenKind::size;
    case UpgLexer::PERCENT:
      return TokenKind::percent;
    case UpgLexer::INT:
      return TokenKind::integer;
    case UpgLexer::DECIMAL:
      return TokenKind::decimal;
    case UpgLexer::RAW:
      return TokenKind::raw_string;
    case UpgLexer::QUOTE:
      return TokenKind::quote_open;
    case UpgLexer::CLOSE:
      return TokenKind::quote_close;
    case UpgLexer::INTERP:
      return TokenKind::interpolation_open;
    case UpgLexer::INTERP_CLOSE:
      return TokenKind::interpolation_close;
    case UpgLexer::TEXT:
      return TokenKind::string_text;
    case UpgLexer::ESC:
    case UpgLexer::DOLLAR:
      return TokenKind::string_escape;
    case UpgLexer::BAD:
    case UpgLexer::BAD_ESC:
    case UpgLexer::BAD_FIELD:
    case UpgLexer::BAD_NUM:
    case UpgLexer::BAD_RAW:
    case UpgLexer::BAD_STR:
      return TokenKind::error;
    default:
      return TokenKind::punctuation;
  }
}

}  // namespace

Lexemes::Lexemes(antlr4::BufferedTokenStream &stream, std::string_view text, bool ascii, std::uint32_t first_byte,
                 diagnostics::FileId file)
    : text_(text), first_byte_(first_byte), file_(file) {
  const std::vector<std::uint32_t> offsets = code_point_offsets(text.substr(first_byte), ascii);
  const auto to_byte = [&](std::size_t code_point) {
    if (offsets.empty()) return first_byte + static_cast<std::uint32_t>(code_point);
    return first_byte + offsets[std::min(code_point, offsets.size() - 1)];
  };
  const std::vector<antlr4::Token *> tokens = stream.getTokens();
  all_.reserve(tokens.size());
  for (antlr4::Token *token : tokens) {
    Lexeme lexeme;
    lexeme.type = static_cast<std::uint16_t>(token->getType());
    lexeme.line = static_cast<std::uint32_t>(token->getLine());
    lexeme.channel = token->getChannel() == UpgLexer::COMMENTS ? Lexeme::Channel::comment
                     : token->getChannel() == UpgLexer::DOCS   ? Lexeme::Channel::doc
                                                               : Lexeme::Channel::code;
    if (token->getType() == antlr4::Token::EOF) {
      lexeme.begin = lexeme.end = static_cast<std::uint32_t>(text.size());
    } else {
      lexeme.begin = to_byte(token->getStartIndex());
      lexeme.end = to_byte(token->getStopIndex() + 1);
    }
    all_.push_back(lexeme);
  }
}

std::size_t Lexemes::previous_code(std::size_t index) const {
  while (index-- > 0) {
    if (all_[index].channel == Lexeme::Channel::code) return index;
  }
  return none;
}

std::size_t Lexemes::next_code(std::size_t index) const {
  while (++index < all_.size()) {
    if (all_[index].channel == Lexeme::Channel::code) return index;
  }
  return none;
}

bool Lexemes::first_on_line(std::size_t index) const {
  const std::size_t before = previous_code(index);
  return before == none || all_[before].line < all_[index].line;
}

std::uint32_t Lexemes::line_begin(std::size_t index) const {
  const std::uint32_t begin = all_[index].begin;
  const std::size_t newline = begin == 0 ? std::string_view::npos : text_.rfind('\n', begin - 1);
  return newline == std::string_view::npos ? first_byte_ : static_cast<std::uint32_t>(newline + 1);
}

std::uint32_t Lexemes::column(std::size_t index) const { return all_[index].begin - line_begin(index); }

std::uint32_t Lexemes::line_end(std::size_t index) const {
  std::size_t end = text_.find('\n', all_[index].begin);
  if (end == std::string_view::npos) end = text_.size();
  while (end > all_[index].begin && (text_[end - 1] == ' ' || text_[end - 1] == '\t' || text_[end - 1] == '\r')) --end;
  return static_cast<std::uint32_t>(end);
}

std::uint32_t Lexemes::indentation(std::size_t index) const {
  const std::uint32_t begin = line_begin(index);
  std::uint32_t at = begin;
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
  return at - begin;
}

std::vector<Token> Lexemes::public_tokens() const {
  std::vector<Token> tokens;
  tokens.reserve(all_.size());
  for (const Lexeme &lexeme : all_) {
    if (lexeme.type != static_cast<std::uint16_t>(antlr4::Token::EOF))
      tokens.push_back({kind_of(lexeme), lexeme.begin, lexeme.end});
  }
  return tokens;
}

std::string_view name_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::key_word:
      return "key_word";
    case TokenKind::soft_word:
      return "soft_word";
    case TokenKind::name:
      return "name";
    case TokenKind::host_name:
      return "host_name";
    case TokenKind::field:
      return "field";
    case TokenKind::integer:
      return "integer";
    case TokenKind::decimal:
      return "decimal";
    case TokenKind::duration:
      return "duration";
    case TokenKind::size:
      return "size";
    case TokenKind::percent:
      return "percent";
    case TokenKind::date:
      return "date";
    case TokenKind::raw_string:
      return "raw_string";
    case TokenKind::quote_open:
      return "quote_open";
    case TokenKind::string_text:
      return "string_text";
    case TokenKind::string_escape:
      return "string_escape";
    case TokenKind::interpolation_open:
      return "interpolation_open";
    case TokenKind::interpolation_close:
      return "interpolation_close";
    case TokenKind::quote_close:
      return "quote_close";
    case TokenKind::punctuation:
      return "punctuation";
    case TokenKind::comment:
      return "comment";
    case TokenKind::doc_comment:
      return "doc_comment";
    case TokenKind::error:
      return "error";
  }
  return "";
}

}  // namespace upg::syntax
