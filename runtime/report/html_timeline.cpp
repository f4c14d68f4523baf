#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "runtime/report/html.h"
#include "runtime/report/tell.h"

namespace upg::report {
namespace {

constexpr std::size_t kBars = 6000;  // drawn at most
constexpr double kGap = 4.0;         // percent of the width for a time without a controller

/// Times of a run as a place from left (0) to right (100).
class Scale {
 public:
  Scale(const Facts &facts, const RunSummary &run) {
    begin_ = run.began_ms;
    end_ = std::max(run.ended_ms, begin_ + 1000);
    std::int64_t rest = end_ - begin_;
    for (std::size_t i = 1; i < facts.sessions.size() && gaps_.size() < 8; ++i) {
      const std::int64_t from = facts.sessions[i - 1].ended_ms, to = facts.sessions[i].began_ms;
      if (to - from < std::max<std::int64_t>(60'000, (end_ - begin_) / 10)) continue;
      gaps_.push_back({from, to});
      rest -= to - from;
    }
    per_ms_ = (100.0 - kGap * static_cast<double>(gaps_.size())) / static_cast<double>(std::max<std::int64_t>(rest, 1));
    rest_ = rest;
  }

  double at(std::int64_t ms) const {
    ms = std::clamp(ms, begin_, end_);
    double x = 0;
    std::int64_t from = begin_;
    for (const Gap &g : gaps_) {
      if (ms <= g.from) break;
      x += static_cast<double>(g.from - from) * per_ms_;
      if (ms < g.to) return x + kGap * static_cast<double>(ms - g.from) / static_cast<double>(g.to - g.from);
      x += kGap;
      from = g.to;
    }
    return std::min(100.0, x + static_cast<double>(ms - from) * per_ms_);
  }

  /// "left:..;width:.." of a stretch; an open one goes to the end.
  std::string place(std::int64_t from, std::int64_t to) const {
    const double left = at(from), right = at(to ? to : end_);
    return fmt::format("left:{:.3f}%;width:{:.3f}%", left, std::max(0.0, right - left));
  }

  /// Enough for a few words.
  bool wide(std::int64_t from, std::int64_t to) const { return at(to ? to : end_) - at(from) > 7; }

  std::vector<std::int64_t> ticks() const {
    std::int64_t step = 86'400'000;
    for (std::int64_t s : {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10'800, 21'600, 43'200})
      if (rest_ / (s * 1000) <= 8) {
        step = s * 1000;
        break;
      }
    std::vector<std::int64_t> found;
    double last = -10;
    for (std::int64_t t = begin_ - begin_ % step + step; t < end_ && found.size() < 40; t += step) {
      if (std::any_of(gaps_.begin(), gaps_.end(), [&](const Gap &g) { return t > g.from && t < g.to; })) {
        for (const Gap &g : gaps_)
          if (t > g.from && t < g.to) t = g.to - g.to % step;
        continue;
      }
      if (at(t) - last < 6 || at(t) > 91) continue;
      last = at(t);
      found.push_back(t);
    }
    return found;
  }

  struct Gap {
    std::int64_t from, to;
  };
  const std::vector<Gap> &gaps() const { return gaps_; }

 private:
  std::int64_t begin_ = 0, end_ = 0, rest_ = 0;
  double per_ms_ = 0;
  std::vector<Gap> gaps_;
};

struct Bar {
  std::int64_t from = 0, to = 0;
  std::string element;  // with %PLACE% where it stands
};

/// Bars in as few rows as they need without covering one another.
std::string rows(std::vector<Bar> bars, const Scale &scale) {
  std::stable_sort(bars.begin(), bars.end(), [](const Bar &a, const Bar &b) { return a.from < b.from; });
  std::vector<std::pair<double, std::string>> out;  // where the row is free again, its elements
  for (const Bar &bar : bars) {
    const double left = scale.at(bar.from);
    std::size_t r = 0;
    while (r < out.size() && out[r].first > left) ++r;
    if (r >= 12) r = 11;
    if (r == out.size()) out.emplace_back();
    out[r].first = std::max(scale.at(bar.to ? bar.to : std::int64_t{1} << 60), left + 0.5);
    std::string e = bar.element;
    e.replace(e.find("%PLACE%"), 7, scale.place(bar.from, bar.to));
    out[r].second += e;
  }
  std::string text;
  for (const auto &[free, elements] : out) text += "<div class=row>" + elements + "</div>";
  return text;
}

class Timeline {
 public:
  Timeline(const Facts &facts, const RunSummary &run) : f_(facts), scale_(facts, run), time_(run) {
    for (const std::int64_t t : scale_.ticks())
      grid_ += fmt::format("<i class=grid style=\"left:{:.3f}%\"></i>", scale_.at(t));
    for (const Scale::Gap &g : scale_.gaps())
      grid_ += fmt::format("<i class=gap style=\"{}\" title=\"no controller from {} to {}\"></i>",
                           scale_.place(g.from, g.to), time_(g.from), time_(g.to));
  }

  std::string text() {
    std::string out = "<div class=scroll><div class=time>\n";
    out += "<div class=\"lane axis\"><b></b><div class=rows>";
    for (const std::int64_t t : scale_.ticks())
      out += fmt::format("<span style=\"left:{:.3f}%\">{}</span>", scale_.at(t), time_(t));
    out += "</div></div>\n";
    std::vector<std::string> names;
    for (const HostFacts &h : f_.hosts) names.push_back(h.name);
    for (const std::string &name : names) out += host(name);
    out += lane("the run", "", rest(names));
    std::vector<Bar> holds;
    for (const HoldSpan &h : f_.holds)
      holds.push_back({h.taken_ms, h.released_ms,
                       fmt::format("<a href=\"#holds\" class=\"{}\" style=\"%PLACE%\" title=\"{}\">{}</a>",
                                   h.released_ms ? "b-hold" : "b-hold-open",
                                   html(fmt::format("{} held from {} {}", h.text, time_(h.taken_ms),
                                                    h.released_ms ? "to " + time_(h.released_ms) : "on: NOT RELEASED")),
                                   html(h.text))});
    out += lane("holds", "", std::move(holds));
    return out + "</div></div>\n";
  }

 private:
  std::string lane(const std::string &name, const std::string &below, std::vector<Bar> bars,
                   const std::string &back = {}) {
    if (bars.empty() && back.empty()) return {};
    return fmt::format("<div class=lane><b>{}{}</b><div class=rows>{}{}{}</div></div>\n", html(name),
                       below.empty() ? "" : "<small>" + html(below) + "</small>", grid_, back,
                       rows(std::move(bars), scale_));
  }

  std::string host(const std::string &name) {
    std::vector<Bar> wide;  // turns and outages, below what is done in them
    for (const Turn &t : f_.turns)
      if (t.host == name && room())
        wide.push_back({t.began_ms, t.ended_ms,
                        fmt::format("<span class=b-turn style=\"%PLACE%\" title=\"its turn: {} to {}\"></span>",
                                    time_(t.began_ms), t.ended_ms ? time_(t.ended_ms) : "the end")});
    std::string boots;
    const HostFacts *facts = nullptr;
    for (const HostFacts &h : f_.hosts)
      if (h.name == name) facts = &h;
    for (std::size_t i = 1; facts && i < facts->boots.size(); ++i)
      boots += fmt::format("<i class=boot style=\"left:{:.3f}%\" title=\"back with a new boot id at {}\">&#x21bb;</i>",
                           scale_.at(facts->boots[i].ms), time_(facts->boots[i].ms));
    std::string back = rows(std::move(wide), scale_) + rows(down(name), scale_);
    if (!boots.empty()) back += "<div class=row>" + boots + "</div>";
    return lane(name, facts && facts->boots.size() > 1 ? "booted anew" : "", bars(name), back);
  }

  /// Stretches in which some role of the host is out of service.
  std::vector<Bar> down(const std::string &name) {
    std::vector<const Outage *> all;
    for (const Outage &o : f_.outages)
      if (o.host == name) all.push_back(&o);
    std::stable_sort(all.begin(), all.end(),
                     [](const Outage *a, const Outage *b) { return a->opened_ms < b->opened_ms; });
    std::vector<Bar> out;
    for (std::size_t i = 0; i < all.size() && room();) {
      const std::int64_t from = all[i]->opened_ms;
      std::int64_t to = from;
      std::string roles;
      for (; i < all.size() && (to == 0 || all[i]->opened_ms <= to); ++i) {
        to = to && all[i]->closed_ms ? std::max(to, all[i]->closed_ms) : 0;
        if (roles.size() < 400) roles += (roles.empty() ? "" : ", ") + all[i]->role;
      }
      out.push_back({from, to,
                     fmt::format("<span class=b-out style=\"%PLACE%\" title=\"{}\"></span>",
                                 html(fmt::format("out of service by the plan, {} to {}: {}", time_(from),
                                                  to ? time_(to) : "the end", roles)))});
    }
    return out;
  }

  std::vector<Bar> bars(const std::string &name) {
    std::vector<Bar> out;
    for (std::size_t i = 0; i < f_.steps.size(); ++i) {
      const Step &s = f_.steps[i];
      if (s.host != name || !room()) continue;
      const std::string outcome =
          s.outcome == "done" || s.outcome == "failed" || s.outcome == "skipped" ? s.outcome : "unknown";
      out.push_back(
          {s.began_ms, s.ended_ms,
           fmt::format("<a href=\"#{}\" class=\"b-{}\" style=\"%PLACE%\" title=\"{}\">{}</a>", step_anchor(i), outcome,
                       html(fmt::format("{}: {}, {}{}", s.action, s.outcome, time_(s.began_ms),
                                        s.ended_ms ? " to " + time_(s.ended_ms) : ", no end is known")),
                       scale_.wide(s.began_ms, s.ended_ms) ? html(s.action.substr(0, s.action.find('('))) : "")});
    }
    for (const GateWait &g : f_.gates)
      if (g.host == name && g.waited && room())
        out.push_back({g.began_ms, g.ended_ms,
                       fmt::format("<a href=\"#gates\" class=b-gate style=\"%PLACE%\" title=\"{}\"></a>",
                                   html(fmt::format("waiting for {}: {}, {}", g.gate, time_(g.began_ms), g.result)))});
    return out;
  }

  /// What is on no host of the plan.
  std::vector<Bar> rest(const std::vector<std::string> &names) {
    std::vector<std::string> others;
    auto note = [&](const std::string &host) {
      if (std::find(names.begin(), names.end(), host) == names.end() &&
          std::find(others.begin(), others.end(), host) == others.end())
        others.push_back(host);
    };
    for (const Step &s : f_.steps) note(s.host);
    for (const GateWait &g : f_.gates) note(g.host);
    std::vector<Bar> out;
    for (const std::string &host : others)
      for (Bar &bar : bars(host)) out.push_back(std::move(bar));
    return out;
  }

  bool room() { return ++drawn_ <= kBars; }

  const Facts &f_;
  Scale scale_;
  Times time_;
  std::string grid_;
  std::size_t drawn_ = 0;
};

}  // namespace

std::string html_timeline(const Facts &facts, const RunSummary &run) {
  static constexpr const char *kLegend =
      "<ul class=legend aria-label=\"legend\"><li><i class=b-done></i>action, done</li><li><i "
      "class=b-failed></i>failed</li>"
      "<li><i class=b-unknown></i>no end known</li><li><i class=b-skipped></i>skipped</li><li><i "
      "class=b-gate></i>waiting for a gate</li>"
      "<li><i class=b-turn></i>its turn</li><li><i class=b-out></i>out of service by the plan</li>"
      "<li><i class=b-hold></i>hold</li><li>&#x21bb; new boot id</li></ul>\n";
  return Timeline(facts, run).text() + kLegend;
}

}  // namespace upg::report
