#include "runtime/plan/locator.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::plan {
namespace {
bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }
}  // namespace

Locator::Locator(const Plan &plan) : plan_(&plan) {
  files_.reserve(plan.files.size());
  for (const File &file : plan.files) {
    const std::string_view text = plan.text(file.text);
    Lines lines;
    lines.starts.push_back(0);
    std::uint32_t column = 0;
    for (std::uint32_t i = 0; i < text.size(); ++i) {
      if (i % stride == 0) lines.columns.push_back(column);
      if (begins_character(text[i])) ++column;
      if (text[i] == '\n') {
        lines.starts.push_back(i + 1);
        column = 0;
      }
    }
    lines.columns.push_back(column);
    files_.push_back(std::move(lines));
  }
}

Locator::Position Locator::position(std::uint32_t file, std::uint32_t byte) const {
  const Lines &lines = files_[file];
  const std::string_view text = plan_->text(plan_->files[file].text);
  const auto next = std::upper_bound(lines.starts.begin(), lines.starts.end(), byte);
  const std::uint32_t start = *(next - 1);
  const std::uint32_t mark = byte / stride * stride;
  std::uint32_t column = mark > start ? lines.columns[mark / stride] : 0;
  for (std::uint32_t i = std::max(start, mark); i < byte; ++i) column += begins_character(text[i]) ? 1u : 0u;
  return {static_cast<std::uint32_t>(next - lines.starts.begin()), column + 1};
}

std::string Locator::start(const Span &span) const {
  if (!span.valid()) return {};
  const Position at = position(span.file, span.begin);
  return fmt::format("{}:{}:{}", plan_->text(plan_->files[span.file].path), at.line, at.column);
}

std::string Locator::range(const Span &span) const {
  if (!span.valid()) return {};
  const Position end = position(span.file, span.end);
  return fmt::format("{}-{}:{}", start(span), end.line, end.column);
}

}  // namespace upg::plan
