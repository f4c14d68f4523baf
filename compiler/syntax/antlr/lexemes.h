#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/syntax/parse.h"
#include "runtime/diagnostics/sources.h"

namespace antlr4 {
class BufferedTokenStream;
}

namespace upg::syntax {

/// One token of the generated lexer with byte offsets.
struct Lexeme {
  enum class Channel : std::uint8_t { code, comment, doc };
  std::uint32_t begin = 0, end = 0;
  std::uint32_t line = 0;  // from 1
  std::uint16_t type = 0;  // UpgLexer::...
  Channel channel = Channel::code;
};

/// All tokens of one file; the last one is the end of the file. An index is that of the token in the generated lexer's
/// stream.
class Lexemes {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// `first_byte`: where the text given to the lexer begins in `text` (after a byte order mark).
  Lexemes(antlr4::BufferedTokenStream &stream, std::string_view text, bool ascii, std::uint32_t first_byte,
          diagnostics::FileId file);

  std::size_t size() const { return all_.size(); }
  const Lexeme &operator[](std::size_t index) const { return all_[index]; }
  std::string_view text(std::size_t index) const {
    return text_.substr(all_[index].begin, all_[index].end - all_[index].begin);
  }
  diagnostics::Range range(std::size_t index) const { return {file_, all_[index].begin, all_[index].end}; }
  /// From the start of one to the end of another.
  diagnostics::Range range(std::size_t first, std::size_t last) const {
    return {file_, all_[first].begin, all_[last].end};
  }
  diagnostics::Range bytes(std::uint32_t begin, std::uint32_t end) const { return {file_, begin, end}; }
  std::string_view file_text() const { return text_; }
  diagnostics::FileId file() const { return file_; }

  /// The nearest code token before or after, or `none`. After the last one stands the end of the file.
  std::size_t previous_code(std::size_t index) const;
  std::size_t next_code(std::size_t index) const;
  bool touches(std::size_t left, std::size_t right) const { return all_[left].end == all_[right].begin; }
  /// No code before it on its line.
  bool first_on_line(std::size_t index) const;
  /// Bytes between the start of its line and itself.
  std::uint32_t column(std::size_t index) const;
  /// End of its line, blanks and line end left out.
  std::uint32_t line_end(std::size_t index) const;
  /// Blanks that lead its line.
  std::uint32_t indentation(std::size_t index) const;

  /// What SyntaxTree shows: without the end of the file.
  std::vector<Token> public_tokens() const;

 private:
  std::uint32_t line_begin(std::size_t index) const;

  std::vector<Lexeme> all_;
  std::string_view text_;
  std::uint32_t first_byte_;
  diagnostics::FileId file_;
};

}  // namespace upg::syntax
