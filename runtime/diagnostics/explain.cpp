#include "runtime/diagnostics/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "runtime/diagnostics/painter.h"

namespace upg::diagnostics {
namespace {

struct Page {
  std::string_view code;
  std::string_view markdown;
};

// One row for each file in explanations/, made by CMake.
constexpr Page kPages[] = {
    {"", ""},
#include "explanations.inc"
};

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

/// What stands between a fence line "```upg <what>" and the closing fence.
std::string_view fenced(std::string_view markdown, std::string_view what) {
  const std::string open = fmt::format("```upg {}\n", what);
  const std::size_t at = markdown.find(open);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + open.size();
  const std::size_t end = markdown.find("```", begin);
  return end == std::string_view::npos ? std::string_view{} : markdown.substr(begin, end - begin);
}

void put_indented(Painter &out, std::string_view text) {
  for (text = trim(text); !text.empty();) {
    const std::size_t feed = text.find('\n');
    const std::string_view line = text.substr(0, feed);
    if (!line.empty()) {
      out.pad(4);
      out.put(line);
    }
    out.put("\n");
    if (feed == std::string_view::npos) break;
    text.remove_prefix(feed + 1);
  }
}

}  // namespace

std::span<const Explanation> explanations() {
  static const std::vector<Explanation> table = [] {
    std::vector<Explanation> rows;
    for (const Page &page : kPages) {
      if (const std::optional<Kind> kind = find_kind(page.code))
        rows.push_back(parse_explanation(*kind, page.markdown));
    }
    return rows;
  }();
  return table;
}

std::optional<Kind> find_kind(std::string_view code_or_name) {
  const auto same_letters = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == std::toupper(static_cast<unsigned char>(b));
  };
  const std::span<const KindInfo> kinds = all_kinds();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const std::string_view code = kinds[i].code;
    const bool is_code = std::equal(code.begin(), code.end(), code_or_name.begin(), code_or_name.end(), same_letters);
    if (is_code || kinds[i].name == code_or_name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

const Explanation *find_explanation(Kind kind, std::span<const Explanation> table) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const Explanation &e) { return e.kind == kind; });
  return row == table.end() ? nullptr : &*row;
}

Explanation parse_explanation(Kind kind, std::string_view markdown) {
  const std::size_t fence = markdown.find("```upg ");
  return {kind, trim(markdown.substr(0, fence)), fenced(markdown, "failing"), fenced(markdown, "fixed")};
}

std::string render_explanation(Kind kind, const Explanation *explanation, bool color) {
  const KindInfo &row = info(kind);
  const bool is_error = row.severity == Severity::error;
  Painter out(color);
  out.put(fmt::format("{}[{}]", is_error ? "error" : "warning", row.code), is_error ? Paint::error : Paint::warning);
  out.put(fmt::format(": {}", row.title), Paint::bold);
  out.put("\n");
  if (explanation == nullptr) return out.take();
  out.put("\n");
  out.put(trim(explanation->text));
  out.put("\n");
  if (!explanation->failing.empty()) {
    out.put("\nAn example that gets it:\n\n", Paint::bold);
    put_indented(out, explanation->failing);
  }
  if (!explanation->fixed.empty()) {
    out.put("\nThe same, mended:\n\n", Paint::bold);
    put_indented(out, explanation->fixed);
  }
  return out.take();
}

std::string render_kind_list(bool color) {
  std::vector<const KindInfo *> rows;
  for (const KindInfo &kind : all_kinds()) rows.push_back(&kind);
  std::sort(rows.begin(), rows.end(), [](const KindInfo *a, const KindInfo *b) {
    return std::pair(a->code.substr(1), a->code) < std::pair(b->code.substr(1), b->code);
  });
  Painter out(color);
  for (const KindInfo *row : rows) {
    out.put(row->code, row->severity == Severity::error ? Paint::error : Paint::warning);
    out.put(fmt::format("  {}\n", row->title));
  }
  return out.take();
}

}  // namespace upg::diagnostics
