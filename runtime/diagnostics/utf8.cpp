#include "runtime/diagnostics/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace upg::diagnostics {
namespace {

struct CodePoints {
  char32_t first;
  char32_t last;
};
#include "runtime/diagnostics/utf8_tables.inc"

template <std::size_t N>
bool in_table(const CodePoints (&table)[N], char32_t code_point) {
  const auto *after = std::upper_bound(std::begin(table), std::end(table), code_point,
                                       [](char32_t value, const CodePoints &row) { return value < row.first; });
  return after != std::begin(table) && code_point <= std::prev(after)->last;
}

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

}  // namespace

Utf8Step utf8_step(std::string_view text, std::size_t at) {
  const unsigned lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() - at < length) return {lead, 1, false};
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned next = byte_at(text, at + i);
    if ((next & 0xC0u) != 0x80u) return {lead, 1, false};
    value = (value << 6) | (next & 0x3Fu);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {lead, 1, false};
  return {value, length, true};
}

int display_width(char32_t code_point) {
  if (code_point < 0x300) return 1;
  if (in_table(kZeroWidth, code_point)) return 0;
  return in_table(kDoubleWidth, code_point) ? 2 : 1;
}

bool must_escape(char32_t code_point) {
  if (code_point >= 0x20 && code_point < 0x7F) return false;
  return in_table(kMustEscape, code_point);
}

std::string escaped(const Utf8Step &step) {
  const auto value = static_cast<std::uint32_t>(step.code_point);
  return step.valid ? fmt::format("<U+{:04X}>", value) : fmt::format("<{:02X}>", value);
}

std::string printable(std::string_view text, bool keep_newlines) {
  constexpr int kMaxCombining = 4;  // more marks on one letter are an attack on the reader's terminal, not a language
  std::string out;
  out.reserve(text.size());
  int combining = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    const bool zero_width = step.valid && display_width(step.code_point) == 0;
    combining = zero_width ? combining + 1 : 0;
    if (keep_newlines && step.code_point == '\n') {
      out += '\n';
    } else if (!step.valid || must_escape(step.code_point) || combining > kMaxCombining) {
      out += escaped(step);
    } else {
      out.append(text.substr(at, step.length));
    }
    at += step.length;
  }
  return out;
}

std::size_t display_columns(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    columns += step.valid ? static_cast<std::size_t>(display_width(step.code_point)) : 1;
    at += step.length;
  }
  return columns;
}

}  // namespace upg::diagnostics
