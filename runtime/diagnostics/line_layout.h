#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upg::diagnostics {

/// Bytes [begin, end) of a line.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// A source line as it appears on the terminal: tabs expanded, hostile bytes escaped, a long line cut to the
/// surroundings of the spans that matter with "…" for the rest; and where each byte of it landed.
class LineLayout {
 public:
  LineLayout(std::string_view line, const std::vector<Span> &marked, std::size_t tab_width, std::size_t most_bytes);

  const std::string &text() const { return text_; }
  /// Column (0-based) at which the character that holds `byte` begins; past the line, the column after its last.
  std::size_t begin_column(std::size_t byte) const;
  /// Column after the last character that begins before `byte`.
  std::size_t end_column(std::size_t byte) const;

 private:
  struct Glyph {
    std::size_t byte;    // first byte
    std::size_t column;  // first column
  };
  void lay_out(std::string_view line, const std::vector<Span> &parts, std::size_t tab_width);
  void add(std::string_view line, Span part, std::size_t tab_width);
  void add_gap(std::size_t byte);
  std::string text_;
  std::vector<Glyph> glyphs_;  // by byte; the last one is the end of the line
  std::size_t columns_ = 0;
};

}  // namespace upg::diagnostics
