#include "runtime/diagnostics/excerpt.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/diagnostics/line_layout.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

constexpr std::uint32_t kWholeBlock = 6;  // a range over more lines than this shows its first and last line only
constexpr std::uint32_t kNoLine = 0;

/// A mark with its lines and, if it spans several, its column in the margin.
struct Placed {
  const Marked *mark;
  std::uint32_t first, last;
  std::size_t depth = 0;         // margin column of a range over several lines
  bool from_line_start = false;  // nothing but blanks before it on its first line
  bool multi() const { return first != last; }
};

struct Underline {
  std::size_t begin, end;  // columns
  const Marked *mark;
};

class Excerpt {
 public:
  Excerpt(Painter &out, const Sources &sources, std::span<const Marked> marks, std::size_t gutter,
          const TextStyle &style)
      : out_(out), sources_(sources), gutter_(gutter), style_(style), file_(marks.front().range.file) {
    for (const Marked &mark : marks) place(mark);
    assign_depths();
  }

  void write() {
    put_gutter(out_, gutter_);
    out_.put("\n");
    std::uint32_t previous = kNoLine;
    for (const std::uint32_t line : lines()) {
      if (previous != kNoLine && line == previous + 2) {
        write_line(previous + 1);
      } else if (previous != kNoLine && line > previous + 2) {
        out_.put("...", Paint::gutter);
        const MarkRow bars = margin();
        if (!bars.empty()) out_.pad(gutter_);
        bars.write(out_);
        out_.put("\n");
      }
      write_line(line);
      previous = line;
    }
  }

 private:
  void place(const Marked &mark) {
    Placed placed{&mark, sources_.line_of(file_, mark.range.begin), last_line(mark.range, sources_)};
    const Range line = sources_.line(file_, placed.first);
    const std::string_view before =
        sources_.text(Range{file_, line.begin, std::max(line.begin, std::min(mark.range.begin, line.end))});
    placed.from_line_start = before.find_first_not_of(" \t") == std::string_view::npos;
    placed_.push_back(placed);
  }

  void assign_depths() {
    // Ranges over several lines that overlap get margin columns of their own; the longest stands leftmost.
    std::vector<Placed *> multi;
    for (Placed &placed : placed_) {
      if (placed.multi()) multi.push_back(&placed);
    }
    std::stable_sort(multi.begin(), multi.end(),
                     [](const Placed *a, const Placed *b) { return a->last - a->first > b->last - b->first; });
    for (std::size_t i = 0; i < multi.size(); ++i) {
      std::size_t depth = 0;
      for (std::size_t j = 0; j < i; ++j) {
        const bool apart = multi[j]->last < multi[i]->first || multi[i]->last < multi[j]->first;
        if (!apart) depth = std::max(depth, multi[j]->depth + 1);
      }
      multi[i]->depth = depth;
      depths_ = std::max(depths_, depth + 1);
    }
    open_.assign(depths_, nullptr);
  }

  std::vector<std::uint32_t> lines() const {
    std::vector<std::uint32_t> wanted;
    for (const Placed &placed : placed_) {
      wanted.push_back(placed.first);
      wanted.push_back(placed.last);
      if (placed.last - placed.first < kWholeBlock) {
        for (std::uint32_t line = placed.first; line < placed.last; ++line) wanted.push_back(line);
      }
    }
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    return wanted;
  }

  std::size_t code_column() const { return depths_ == 0 ? 0 : depths_ + 1; }

  MarkRow margin() const {
    MarkRow row;
    for (std::size_t depth = 0; depth < open_.size(); ++depth) {
      if (open_[depth] != nullptr) row.set(depth, '|', open_[depth]->paint);
    }
    return row;
  }

  void write_row(const MarkRow &row) {
    put_gutter(out_, gutter_);
    out_.put(" ");
    row.write(out_);
    out_.put("\n");
  }

  void write_line(std::uint32_t number) {
    const Range line = sources_.line(file_, number);
    const auto byte_in_line = [&](std::uint32_t byte) {
      return static_cast<std::size_t>(std::max(byte, line.begin) - line.begin);
    };
    std::vector<Span> spans;
    for (const Placed &placed : placed_) {
      const Range range = placed.mark->range;
      if (!placed.multi() && placed.first == number)
        spans.push_back({byte_in_line(range.begin), byte_in_line(range.end)});
      if (placed.multi() && placed.first == number)
        spans.push_back({byte_in_line(range.begin), byte_in_line(range.begin) + 1});
      if (placed.multi() && placed.last == number) spans.push_back({byte_in_line(range.end), byte_in_line(range.end)});
    }
    const LineLayout layout(sources_.text(line), spans, style_.tab_width, style_.line_bytes);

    MarkRow code = margin();
    for (const Placed &placed : placed_) {
      if (placed.multi() && placed.first == number && placed.from_line_start) {
        code.set(placed.depth, '/', placed.mark->paint);
      }
    }
    code.text(code_column(), layout.text(), Paint::plain);
    put_gutter(out_, gutter_, number);
    if (!code.empty()) out_.put(" ");
    code.write(out_);
    out_.put("\n");

    for (const Placed &placed : placed_) {
      if (placed.multi() && placed.first == number && placed.from_line_start) open_[placed.depth] = placed.mark;
    }
    std::vector<Underline> underlines;
    for (const Placed &placed : placed_) {
      if (placed.multi() || placed.first != number) continue;
      const std::size_t begin = layout.begin_column(byte_in_line(placed.mark->range.begin)) + code_column();
      const std::size_t end = layout.end_column(byte_in_line(placed.mark->range.end)) + code_column();
      underlines.push_back({begin, std::max(begin + 1, end), placed.mark});
    }
    write_underlines(std::move(underlines));

    for (const Placed &placed : placed_) {
      if (!placed.multi() || placed.first != number || placed.from_line_start) continue;
      const std::size_t column = layout.begin_column(byte_in_line(placed.mark->range.begin)) + code_column();
      MarkRow row = margin();
      row.fill_free(placed.depth + 1, column, '_', placed.mark->paint);
      row.set(column, placed.mark->sign, placed.mark->paint);
      write_row(row);
      open_[placed.depth] = placed.mark;
    }
    for (const Placed &placed : placed_) {
      if (!placed.multi() || placed.last != number) continue;
      const std::size_t end = layout.end_column(byte_in_line(std::min(placed.mark->range.end, line.end)));
      const std::size_t column = (end == 0 ? 0 : end - 1) + code_column();
      MarkRow row = margin();
      row.fill_free(placed.depth + 1, column, '_', placed.mark->paint);
      row.set(column, placed.mark->sign, placed.mark->paint);
      row.text(column + 2, printable(placed.mark->text), placed.mark->paint);
      write_row(row);
      open_[placed.depth] = nullptr;
    }
  }

  void write_underlines(std::vector<Underline> marks) {
    if (marks.empty()) return;
    std::stable_sort(marks.begin(), marks.end(),
                     [](const Underline &a, const Underline &b) { return a.begin < b.begin; });
    MarkRow row = margin();
    for (const bool primary : {false, true}) {  // the primary mark wins where they overlap
      for (const Underline &mark : marks) {
        if ((mark.mark->sign == '^') == primary) row.fill(mark.begin, mark.end, mark.mark->sign, mark.mark->paint);
      }
    }
    // The rightmost text stands beside its mark if no other mark reaches as far; the others hang below.
    std::size_t furthest = 0;
    for (std::size_t i = 0; i + 1 < marks.size(); ++i) furthest = std::max(furthest, marks[i].end);
    if (marks.back().end >= furthest && (marks.size() < 2 || marks[marks.size() - 2].begin != marks.back().begin)) {
      row.text(marks.back().end + 1, printable(marks.back().mark->text), marks.back().mark->paint);
      marks.pop_back();
    }
    write_row(row);
    std::vector<Underline> hanging;
    for (const Underline &mark : marks) {
      if (!mark.mark->text.empty()) hanging.push_back(mark);
    }
    if (hanging.empty()) return;
    write_row(connectors(hanging, hanging.size()));
    while (!hanging.empty()) {
      const Underline last = hanging.back();
      hanging.pop_back();
      MarkRow below = connectors(hanging, hanging.size());
      below.text(last.begin, printable(last.mark->text), last.mark->paint);
      write_row(below);
    }
  }

  MarkRow connectors(const std::vector<Underline> &marks, std::size_t count) const {
    MarkRow row = margin();
    for (std::size_t i = 0; i < count; ++i) row.set(marks[i].begin, '|', marks[i].mark->paint);
    return row;
  }

  Painter &out_;
  const Sources &sources_;
  std::size_t gutter_;
  const TextStyle &style_;
  FileId file_;
  std::vector<Placed> placed_;
  std::size_t depths_ = 0;
  std::vector<const Marked *> open_;  // by depth: the range whose bar stands there now
};

}  // namespace

Range clamped(Range range, const Sources &sources) {
  if (!range.valid() || range.file.index >= sources.size()) return {};
  const auto size = static_cast<std::uint32_t>(sources.text(range.file).size());
  range.begin = std::min(range.begin, size);
  range.end = std::clamp(range.end, range.begin, size);
  return range;
}

std::uint32_t last_line(Range range, const Sources &sources) {
  return sources.line_of(range.file, range.end > range.begin ? range.end - 1 : range.begin);
}

void put_gutter(Painter &out, std::size_t width, std::uint32_t line) {
  out.put(fmt::format("{:<{}} |", line, width), Paint::gutter);
}

void put_gutter(Painter &out, std::size_t width, std::string_view bar) {
  out.pad(width + 1);
  out.put(bar, Paint::gutter);
}

void put_excerpt(Painter &out, const Sources &sources, std::span<const Marked> marks, std::size_t gutter,
                 const TextStyle &style) {
  if (!marks.empty()) Excerpt(out, sources, marks, gutter, style).write();
}

}  // namespace upg::diagnostics
