#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/syntax/ast.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::syntax {

enum class TokenKind : std::uint8_t {
  key_word,   // reserved, or a declaration word at the left margin
  soft_word,  // key word or name, as the grammar asks at its place
  name,
  host_name,  // with hyphens
  field,      // `.name`, dot included
  integer,
  decimal,
  duration,
  size,
  percent,
  date,
  raw_string,
  quote_open,
  string_text,
  string_escape,
  interpolation_open,   // `${`
  interpolation_close,  // its `}`
  quote_close,
  punctuation,
  comment,      // `// ...`
  doc_comment,  // `/// ...`
  error,        // bytes that are no token
};
std::string_view name_of(TokenKind kind);

/// Bytes [begin, end) of the file. Between two tokens there are only blanks and line ends.
struct Token {
  TokenKind kind;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct SyntaxTree {
  ast::File file;
  std::vector<Token> tokens;  // comments included, in order; empty if the text was refused as a whole
  bool complete = false;      // no error: `file` holds all that was written. Otherwise broken items are missing from it
};

/// Largest file and deepest nesting of braces, brackets and `${` that are read.
inline constexpr std::uint32_t max_file_bytes = 64u << 20;
inline constexpr std::uint32_t max_nesting = 256;

/// Reads one file. Any bytes may be given; every mistake is reported to `sink` and the rest is still read.
/// Never throws; bounded in time and stack for every input.
SyntaxTree parse(const diagnostics::Sources &sources, diagnostics::FileId file, diagnostics::Sink &sink);

}  // namespace upg::syntax
