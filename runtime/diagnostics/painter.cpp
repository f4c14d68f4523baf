#include "runtime/diagnostics/painter.h"

namespace upg::diagnostics {
namespace {

std::string_view ansi(Paint paint) {
  switch (paint) {
    case Paint::plain:
      return {};
    case Paint::bold:
      return "\x1b[1m";
    case Paint::error:
    case Paint::removed:
      return "\x1b[1;31m";
    case Paint::warning:
      return "\x1b[1;33m";
    case Paint::note:
    case Paint::added:
      return "\x1b[1;32m";
    case Paint::help:
      return "\x1b[1;36m";
    case Paint::gutter:
      return "\x1b[1;34m";
  }
  return {};
}

}  // namespace

void Painter::put(std::string_view text, Paint paint) {
  if (text.empty()) return;
  const std::string_view code = color_ ? ansi(paint) : std::string_view{};
  out_ += code;
  out_ += text;
  if (!code.empty()) out_ += "\x1b[0m";
}

void MarkRow::grow(std::size_t columns) {
  if (cells_.size() < columns) cells_.resize(columns);
}

void MarkRow::set(std::size_t column, char sign, Paint paint) {
  grow(column + 1);
  cells_[column] = {sign, paint};
}

void MarkRow::fill(std::size_t begin, std::size_t end, char sign, Paint paint) {
  for (std::size_t column = begin; column < end; ++column) set(column, sign, paint);
}

void MarkRow::fill_free(std::size_t begin, std::size_t end, char sign, Paint paint) {
  grow(end);
  for (std::size_t column = begin; column < end; ++column) {
    if (cells_[column].sign == ' ') cells_[column] = {sign, paint};
  }
}

void MarkRow::text(std::size_t column, std::string text, Paint paint) {
  text_column_ = column;
  text_ = std::move(text);
  text_paint_ = paint;
}

void MarkRow::write(Painter &out) const {
  std::size_t end = cells_.size();
  if (!text_.empty() && end > text_column_) end = text_column_;
  while (end > 0 && cells_[end - 1].sign == ' ') --end;
  for (std::size_t column = 0; column < end;) {
    std::string run;
    const Paint paint = cells_[column].paint;
    while (column < end && cells_[column].paint == paint) run += cells_[column++].sign;
    out.put(run, paint);
  }
  if (text_.empty()) return;
  out.pad(text_column_ - end);
  out.put(text_, text_paint_);
}

}  // namespace upg::diagnostics
