#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upg::diagnostics {

enum class Paint : std::uint8_t { plain, bold, error, warning, note, help, gutter, added, removed };

/// Text under construction, with colours if they are wanted. Escapes nothing: what goes in is printable already.
class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  void put(std::string_view text, Paint paint = Paint::plain);
  void pad(std::size_t columns) { out_.append(columns, ' '); }
  std::string take() { return std::move(out_); }

 private:
  bool color_;
  std::string out_;
};

/// One row of marks below a source line: single-column signs at columns, then perhaps a text to the right of them.
class MarkRow {
 public:
  void set(std::size_t column, char sign, Paint paint);
  void fill(std::size_t begin, std::size_t end, char sign, Paint paint);
  /// Like fill, but only where nothing stands yet.
  void fill_free(std::size_t begin, std::size_t end, char sign, Paint paint);
  void text(std::size_t column, std::string text, Paint paint);
  void write(Painter &out) const;  // without blanks at its end
  bool empty() const { return cells_.empty() && text_.empty(); }

 private:
  struct Cell {
    char sign = ' ';
    Paint paint = Paint::plain;
  };
  void grow(std::size_t columns);
  std::vector<Cell> cells_;
  std::string text_;
  std::size_t text_column_ = 0;
  Paint text_paint_ = Paint::plain;
};

}  // namespace upg::diagnostics
