#include "runtime/diagnostics/line_layout.h"

#include <algorithm>

#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

// Bytes kept on both sides of both ends of a marked span; fewer where most of them need escapes of several columns.
constexpr std::size_t kContext = 40;
constexpr std::size_t kShortContext = 10;

bool continues(std::string_view line, std::size_t at) {
  return at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0u) == 0x80u;
}

std::size_t back_to_character(std::string_view line, std::size_t at) {
  for (int i = 0; i < 3 && at > 0 && continues(line, at); ++i) --at;
  return at;
}

/// The parts of a long line to show, in order, not touching each other.
std::vector<Span> kept_parts(std::string_view line, const std::vector<Span> &marked, std::size_t context) {
  std::vector<Span> wanted;
  const auto want = [&](std::size_t around) {
    around = std::min(around, line.size());
    const std::size_t begin = around < context ? 0 : around - context;
    const std::size_t end = std::min(line.size(), around + context);
    wanted.push_back({back_to_character(line, begin), back_to_character(line, end)});
  };
  if (marked.empty()) want(0);
  for (const Span &span : marked) {
    want(span.begin);
    want(span.end);
  }
  std::sort(wanted.begin(), wanted.end(), [](const Span &a, const Span &b) { return a.begin < b.begin; });
  std::vector<Span> parts;
  for (const Span &span : wanted) {
    if (!parts.empty() && span.begin <= parts.back().end + 8) {
      parts.back().end = std::max(parts.back().end, span.end);
    } else {
      parts.push_back(span);
    }
  }
  return parts;
}

}  // namespace

LineLayout::LineLayout(std::string_view line, const std::vector<Span> &marked, std::size_t tab_width,
                       std::size_t most_bytes) {
  if (line.size() <= most_bytes) {
    lay_out(line, {{0, line.size()}}, tab_width);
  } else {
    lay_out(line, kept_parts(line, marked, kContext), tab_width);
  }
  if (columns_ > most_bytes + most_bytes / 2) lay_out(line, kept_parts(line, marked, kShortContext), tab_width);
}

void LineLayout::lay_out(std::string_view line, const std::vector<Span> &parts, std::size_t tab_width) {
  text_.clear();
  glyphs_.clear();
  columns_ = 0;
  std::size_t shown = 0;
  for (const Span &part : parts) {
    if (part.begin > shown) add_gap(shown);
    add(line, part, tab_width);
    shown = part.end;
  }
  if (shown < line.size()) add_gap(shown);
  glyphs_.push_back({line.size(), columns_});
}

void LineLayout::add_gap(std::size_t byte) {
  glyphs_.push_back({byte, columns_});
  text_ += "…";
  ++columns_;
}

void LineLayout::add(std::string_view line, Span part, std::size_t tab_width) {
  for (std::size_t at = part.begin; at < part.end;) {
    const Utf8Step step = utf8_step(line, at);
    glyphs_.push_back({at, columns_});
    if (step.code_point == '\t') {
      const std::size_t width = tab_width - columns_ % tab_width;
      text_.append(width, ' ');
      columns_ += width;
    } else {
      const std::string shown = printable(line.substr(at, step.length));
      text_ += shown;
      columns_ += display_columns(shown);
    }
    at += step.length;
  }
}

std::size_t LineLayout::begin_column(std::size_t byte) const {
  const auto after = std::upper_bound(glyphs_.begin(), glyphs_.end(), byte,
                                      [](std::size_t value, const Glyph &glyph) { return value < glyph.byte; });
  return after == glyphs_.begin() ? 0 : std::prev(after)->column;
}

std::size_t LineLayout::end_column(std::size_t byte) const {
  const auto at = std::lower_bound(glyphs_.begin(), glyphs_.end(), byte,
                                   [](const Glyph &glyph, std::size_t value) { return glyph.byte < value; });
  return at == glyphs_.end() ? columns_ : at->column;
}

}  // namespace upg::diagnostics
