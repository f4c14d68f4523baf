#include <fmt/format.h>

#include <algorithm>

#include "runtime/diagnostics/excerpt.h"
#include "runtime/diagnostics/line_layout.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

constexpr std::size_t kMostLines = 12;
constexpr std::size_t kMostBytes = 16 * 1024;

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    const std::size_t feed = text.find('\n');
    std::string_view line = text.substr(0, feed);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(line);
    if (feed == std::string_view::npos) return lines;
    text.remove_prefix(feed + 1);
  }
}

/// The edits in order, if all are in one file of `sources` and none overlaps another.
std::vector<Edit> ordered(const FixIt &fix, const Sources &sources) {
  std::vector<Edit> edits = fix.edits;
  for (Edit &edit : edits) {
    edit.range = clamped(edit.range, sources);
    if (!edit.range.valid() || edit.range.file != edits.front().range.file) return {};
  }
  std::stable_sort(edits.begin(), edits.end(),
                   [](const Edit &a, const Edit &b) { return a.range.begin < b.range.begin; });
  for (std::size_t i = 1; i < edits.size(); ++i) {
    if (edits[i].range.begin < edits[i - 1].range.end) return {};
  }
  return edits;
}

void put_diff_lines(Painter &out, const std::vector<std::string_view> &lines, std::size_t begin, std::size_t end,
                    std::uint32_t first_number, char sign, std::size_t gutter, const TextStyle &style) {
  const Paint paint = sign == '+' ? Paint::added : Paint::removed;
  for (std::size_t i = begin; i < end; ++i) {
    if (i - begin == kMostLines) {
      out.put("...\n", Paint::gutter);
      return;
    }
    const LineLayout layout(lines[i], {}, style.tab_width, style.line_bytes);
    const auto number = first_number + static_cast<std::uint32_t>(i - begin);
    out.put(fmt::format("{:<{}} ", number, gutter), Paint::gutter);
    out.put(std::string(1, sign), paint);
    if (!layout.text().empty()) out.put(" ");
    out.put(layout.text(), paint);
    out.put("\n");
  }
}

}  // namespace

bool put_fix(Painter &out, const Sources &sources, const FixIt &fix, std::size_t gutter, const TextStyle &style) {
  const std::vector<Edit> edits = ordered(fix, sources);
  if (edits.empty()) return false;
  const FileId file = edits.front().range.file;
  const std::uint32_t first = sources.line_of(file, edits.front().range.begin);
  std::uint32_t last = first;
  for (const Edit &edit : edits) last = std::max(last, last_line(edit.range, sources));
  const std::uint32_t block_begin = sources.line(file, first).begin;
  const std::uint32_t block_end = std::max(sources.line(file, last).end, edits.back().range.end);
  const std::string_view before = sources.text(Range{file, block_begin, block_end});
  std::size_t bytes = before.size();
  for (const Edit &edit : edits) bytes += edit.replacement.size();
  if (bytes > kMostBytes) return false;

  std::string after;
  std::vector<Span> fresh;  // what each edit became, in `after`
  std::uint32_t copied = block_begin;
  bool only_removes = true;
  for (const Edit &edit : edits) {
    after += sources.text(Range{file, copied, edit.range.begin});
    fresh.push_back({after.size(), after.size() + edit.replacement.size()});
    after += edit.replacement;
    copied = edit.range.end;
    only_removes = only_removes && edit.replacement.empty();
  }
  after += sources.text(Range{file, copied, block_end});

  const std::vector<std::string_view> old_lines = split_lines(before), new_lines = split_lines(after);
  put_gutter(out, gutter);
  out.put("\n");
  if (old_lines.size() == 1 && new_lines.size() == 1 && !only_removes) {
    const LineLayout layout(after, fresh, style.tab_width, style.line_bytes);
    MarkRow marks;
    for (std::size_t i = 0; i < edits.size(); ++i) {
      const bool inserts = edits[i].range.begin == edits[i].range.end;
      if (fresh[i].begin == fresh[i].end) continue;
      const std::size_t begin = layout.begin_column(fresh[i].begin);
      marks.fill(begin, std::max(begin + 1, layout.end_column(fresh[i].end)), inserts ? '+' : '~', Paint::added);
    }
    put_gutter(out, gutter, first);
    out.put(" ");
    out.put(layout.text());
    out.put("\n");
    put_gutter(out, gutter);
    out.put(" ");
    marks.write(out);
    out.put("\n");
    return true;
  }
  std::size_t same_head = 0, same_tail = 0;
  const std::size_t shorter = std::min(old_lines.size(), new_lines.size());
  while (same_head < shorter && old_lines[same_head] == new_lines[same_head]) ++same_head;
  while (same_tail < shorter - same_head &&
         old_lines[old_lines.size() - 1 - same_tail] == new_lines[new_lines.size() - 1 - same_tail]) {
    ++same_tail;
  }
  const auto number = first + static_cast<std::uint32_t>(same_head);
  put_diff_lines(out, old_lines, same_head, old_lines.size() - same_tail, number, '-', gutter, style);
  put_diff_lines(out, new_lines, same_head, new_lines.size() - same_tail, number, '+', gutter, style);
  return true;
}

}  // namespace upg::diagnostics
