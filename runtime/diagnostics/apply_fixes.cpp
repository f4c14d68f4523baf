#include "runtime/diagnostics/apply_fixes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

struct Taken {
  Edit edit;
  std::string told;
};

bool overlap(const Range &a, const Range &b) {
  if (a.begin == a.end && b.begin == b.end) return a.begin == b.begin;  // two insertions at one place have no order
  return a.begin < b.end && b.begin < a.end;
}

bool fits(const std::vector<Taken> &taken, const Range &range, std::size_t size) {
  if (range.begin > range.end || range.end > size) return false;
  return std::none_of(taken.begin(), taken.end(), [&](const Taken &t) { return overlap(t.edit.range, range); });
}

}  // namespace

std::vector<FixedFile> apply_sure_fixes(const Sink &sink, const Sources &sources, const std::vector<bool> &may_change) {
  std::map<std::uint32_t, std::vector<Taken>> by_file;
  for (const Diagnostic &d : sink.all()) {
    const auto sure = std::find_if(d.fixes.begin(), d.fixes.end(), [](const FixIt &f) { return f.sure; });
    if (sure == d.fixes.end() || sure->edits.empty()) continue;
    const bool fit = std::all_of(sure->edits.begin(), sure->edits.end(), [&](const Edit &e) {
      const std::uint32_t file = e.range.file.index;
      return file < may_change.size() && may_change[file] &&
             fits(by_file[file], e.range, sources.text(e.range.file).size());
    });
    if (!fit) continue;
    for (std::size_t i = 0; i < sure->edits.size(); ++i) {
      const Edit &edit = sure->edits[i];
      const Position at = sources.position(edit.range.file, edit.range.begin);
      std::string told;
      if (i == 0)
        told = fmt::format("{}:{}:{}: {}: {}", printable(sources.path(edit.range.file)), at.line, at.column,
                           info(d.kind).code, printable(sure->title));
      by_file[edit.range.file.index].push_back({edit, std::move(told)});
    }
  }
  std::vector<FixedFile> out;
  for (auto &[file, taken] : by_file) {
    if (taken.empty()) continue;
    std::stable_sort(taken.begin(), taken.end(),
                     [](const Taken &a, const Taken &b) { return a.edit.range.begin < b.edit.range.begin; });
    const std::string_view before = sources.text(FileId{file});
    FixedFile fixed{{file}, {}, {}};
    std::size_t copied = 0;
    for (const Taken &t : taken) {
      fixed.text += before.substr(copied, t.edit.range.begin - copied);
      fixed.text += t.edit.replacement;
      copied = t.edit.range.end;
      if (!t.told.empty()) fixed.told.push_back(t.told);
    }
    fixed.text += before.substr(copied);
    out.push_back(std::move(fixed));
  }
  return out;
}

// ---- difference
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

struct Step {
  char sign;  // ' ', '-', '+'
  std::string_view line;
};

/// The longest common subsequence while the table stays small, else everything replaced.
void middle(std::vector<Step> &out, std::span<const std::string_view> a, std::span<const std::string_view> b) {
  constexpr std::size_t kMostCells = 4'000'000;
  if (!a.empty() && b.size() + 1 <= kMostCells / (a.size() + 1)) {
    const std::size_t width = b.size() + 1;
    std::vector<std::uint32_t> longest((a.size() + 1) * width, 0);
    for (std::size_t i = a.size(); i-- > 0;) {
      for (std::size_t j = b.size(); j-- > 0;) {
        longest[i * width + j] = a[i] == b[j] ? longest[(i + 1) * width + j + 1] + 1
                                              : std::max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
      }
    }
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
      if (a[i] == b[j]) {
        out.push_back({' ', a[i++]});
        ++j;
      } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
        out.push_back({'-', a[i++]});
      } else {
        out.push_back({'+', b[j++]});
      }
    }
    a = a.subspan(i);
    b = b.subspan(j);
  }
  for (const std::string_view line : a) out.push_back({'-', line});
  for (const std::string_view line : b) out.push_back({'+', line});
}

}  // namespace

std::string unified_diff(const std::string &path, std::string_view before, std::string_view after) {
  if (before == after) return {};
  const std::vector<std::string_view> a = lines_of(before), b = lines_of(after);
  std::size_t head = 0, tail = 0;
  const std::size_t shorter = std::min(a.size(), b.size());
  while (head < shorter && a[head] == b[head]) ++head;
  while (tail < shorter - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  std::vector<Step> steps;
  for (std::size_t i = 0; i < head; ++i) steps.push_back({' ', a[i]});
  middle(steps, std::span(a).subspan(head, a.size() - head - tail), std::span(b).subspan(head, b.size() - head - tail));
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) steps.push_back({' ', a[i]});

  constexpr std::size_t kContext = 3;
  std::string out = fmt::format("--- {}\n+++ {}\n", path, path);
  std::size_t at = 0, old_line = 1, new_line = 1;  // of steps[at]
  while (at < steps.size()) {
    std::size_t change = at;
    while (change < steps.size() && steps[change].sign == ' ') ++change;
    if (change == steps.size()) break;
    const std::size_t begin = std::max(at, change - std::min(change, kContext));
    old_line += begin - at;
    new_line += begin - at;
    std::size_t end = change, last = change;
    for (; end < steps.size() && end <= last + 2 * kContext; ++end) {
      if (steps[end].sign != ' ') last = end;
    }
    end = std::min(steps.size(), last + kContext + 1);
    std::string body;
    std::size_t olds = 0, news = 0;
    for (std::size_t i = begin; i < end; ++i) {
      olds += steps[i].sign != '+';
      news += steps[i].sign != '-';
      body += steps[i].sign;
      body += steps[i].line;
      if (!steps[i].line.ends_with('\n')) body += "\n\\ No newline at end of file\n";
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n{}", olds == 0 ? old_line - 1 : old_line, olds,
                       news == 0 ? new_line - 1 : new_line, news, body);
    old_line += olds;
    new_line += news;
    at = end;
  }
  return out;
}

}  // namespace upg::diagnostics
