#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace upg::diagnostics {

/// One step through bytes that may not be UTF-8: a code point, or one invalid byte.
struct Utf8Step {
  char32_t code_point = 0;  // the byte itself if not valid
  std::size_t length = 1;   // bytes taken, 1 if not valid
  bool valid = false;
};

/// Decodes at `at` (< text.size()). Refuses surrogates, overlong forms and code points above U+10FFFF.
Utf8Step utf8_step(std::string_view text, std::size_t at);

/// Columns that a terminal gives to a printable code point: 0 (combining), 1, or 2 (CJK, emoji).
int display_width(char32_t code_point);

/// True for what must not reach a terminal raw: control and format characters (also bidi overrides and zero-width
/// joiners), line separators, private use, non-characters.
bool must_escape(char32_t code_point);

/// How such a code point or invalid byte is shown: "<U+202E>", "<FF>".
std::string escaped(const Utf8Step &step);

/// The text with everything hostile escaped; line feeds and tabs too unless `keep_newlines` keeps the former.
std::string printable(std::string_view text, bool keep_newlines = false);

/// Columns of a text made by `printable`.
std::size_t display_columns(std::string_view text);

}  // namespace upg::diagnostics
