#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/report/diff.h"
#include "runtime/report/plan_text.h"

namespace upg::report {
namespace {

constexpr Danger kDangers[] = {Danger::weaker, Danger::different, Danger::stronger};

std::string_view heading(Danger danger) {
  switch (danger) {
    case Danger::weaker:
      return "Protects less";
    case Danger::different:
      return "Different: read it";
    case Danger::stronger:
      break;
  }
  return "Protects more";
}

std::size_t count(const std::vector<Change> &changes, Danger danger) {
  return static_cast<std::size_t>(
      std::count_if(changes.begin(), changes.end(), [&](const Change &c) { return c.danger == danger; }));
}

std::string summary(const std::vector<Change> &changes) {
  if (changes.empty()) return "no difference in safety";
  std::string out = diagnostics::counted(static_cast<std::int64_t>(changes.size()), "difference") + ": ";
  bool first = true;
  for (const Danger danger : kDangers) {
    const std::size_t n = count(changes, danger);
    if (n == 0) continue;
    out += fmt::format("{}{} {}", first ? "" : ", ", n, name_of(danger));
    first = false;
  }
  return out;
}

std::string plan_line(const PlanSide &side) {
  std::string out = fmt::format("{} of {}", shown(side.plan.text(side.plan.name), 120),
                                shown(side.plan.text(side.plan.cluster), 120));
  if (!side.digest.empty()) out += fmt::format(", sha256:{}", side.digest.substr(0, 16));
  return out;
}

/// "1 -> 2"; one side alone where there is only one.
std::string values(const Change &c) {
  if (!c.before.empty() && !c.after.empty()) return fmt::format("{} -> {}", c.before, c.after);
  if (!c.before.empty()) return "was: " + c.before;
  return c.after.empty() ? std::string() : "now: " + c.after;
}

std::string place(const Change &c) {
  if (c.place_before.empty() || c.place_after.empty() || c.place_before == c.place_after)
    return c.place_after.empty() ? c.place_before : c.place_after;
  return c.place_before + " -> " + c.place_after;
}

/// Nothing in it is read as Markdown or HTML, and it stays in its cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '@') {
      out += "&#64;";  // nobody is called
    } else if (std::string_view("\\`*_{}[]|#!~").find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string render_diff_text(const PlanSide &before, const PlanSide &after, const std::vector<Change> &changes) {
  std::string out = fmt::format("old  {}\nnew  {}\n", plan_line(before), plan_line(after));
  for (const Danger danger : kDangers) {
    if (count(changes, danger) == 0) continue;
    out += fmt::format("\n{}\n", heading(danger));
    for (const Change &c : changes) {
      if (c.danger != danger) continue;
      out += fmt::format("  {}: {}\n", info(c.kind).words, c.subject);
      if (!c.text.empty()) out += fmt::format("      {}\n", c.text);
      if (const std::string v = values(c); !v.empty()) out += fmt::format("      {}\n", v);
      if (const std::string p = place(c); !p.empty()) out += fmt::format("      at {}\n", p);
    }
  }
  return out + fmt::format("\n{}\n", summary(changes));
}

std::string render_diff_markdown(const PlanSide &before, const PlanSide &after, const std::vector<Change> &changes) {
  std::string out = fmt::format("### Plan: {}\n\nold: {}  \nnew: {}\n", summary(changes), cell(plan_line(before)),
                                cell(plan_line(after)));
  for (const Danger danger : kDangers) {
    if (count(changes, danger) == 0) continue;
    out += fmt::format("\n#### {}\n\n| what | where | old | new | |\n|---|---|---|---|---|\n", heading(danger));
    for (const Change &c : changes) {
      if (c.danger != danger) continue;
      const std::string p = place(c);
      out += fmt::format("| {} | {}{} | {} | {} | {} |\n", info(c.kind).words, cell(c.subject),
                         p.empty() ? "" : " (" + cell(p) + ")", cell(c.before), cell(c.after), cell(c.text));
    }
  }
  return out;
}

std::string render_diff_json(const PlanSide &before, const PlanSide &after, const std::vector<Change> &changes) {
  using Json = nlohmann::ordered_json;
  const auto side = [](const PlanSide &s) {
    return Json{{"plan", s.plan.text(s.plan.name)}, {"cluster", s.plan.text(s.plan.cluster)}, {"digest", s.digest}};
  };
  const auto text = [](const std::string &value) { return value.empty() ? Json(nullptr) : Json(value); };
  Json list = Json::array();
  for (const Change &c : changes) {
    list.push_back({{"kind", info(c.kind).name},
                    {"danger", name_of(c.danger)},
                    {"title", info(c.kind).words},
                    {"subject", c.subject},
                    {"text", text(c.text)},
                    {"before", text(c.before)},
                    {"after", text(c.after)},
                    {"place_before", text(c.place_before)},
                    {"place_after", text(c.place_after)}});
  }
  const Json document = {{"schema", "upg.plan-diff"},
                         {"version", 1},
                         {"before", side(before)},
                         {"after", side(after)},
                         {"weaker", count(changes, Danger::weaker)},
                         {"different", count(changes, Danger::different)},
                         {"stronger", count(changes, Danger::stronger)},
                         {"changes", std::move(list)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace upg::report
