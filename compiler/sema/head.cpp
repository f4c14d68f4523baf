#include "compiler/sema/head.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/calendar.h"

namespace upg::sema {
namespace {

using diagnostics::Kind;

constexpr std::int64_t day_ms = 86'400'000;

class HeadSettler {
 public:
  explicit HeadSettler(Resolver &resolver)
      : resolver_(resolver), program_(resolver.program()), sink_(resolver.sink()), evaluator_(resolver) {
    scope_.module = ModuleId(0);
  }

  void run() {
    const ast::FromTo *step = nullptr;
    for (const ast::UpgradeItem &item : program_.upgrades[program_.head.upgrade.index].ast->items) {
      if (const auto *n = item.as<ast::FromTo>()) {
        if (step)
          sink_.report(Kind::duplicate_item, item.range, "an upgrade has one `from .. to ..`")
              .label(step->from.range, "the first");
        else
          from_to(*n, item.range);
        step = n;
      }
      if (const auto *n = item.as<ast::Window>()) window(*n, item.range);
      if (const auto *n = item.as<ast::Exclusive>())
        for (const ast::StringLiteral &name : n->names) exclusive_name(name);
    }
  }

 private:
  bool plain(const ast::StringLiteral &text, std::string_view what) {
    if (text.plain()) return true;
    sink_.report(Kind::not_constant, text.range, fmt::format("{} is plain text, without `${{}}`", what));
    return false;
  }

  // ---- versions

  struct Step {
    VersionsId versions;
    Range range;
  };

  bool visible(const Versions &versions) const {
    if (versions.symbol.module == ModuleId(0)) return true;
    const auto &uses = program_.modules[0].uses;
    return std::any_of(uses.begin(), uses.end(),
                       [&](const ModuleUse &use) { return use.module == versions.symbol.module; });
  }

  void from_to(const ast::FromTo &written, Range range) {
    if (!plain(written.from, "a version") || !plain(written.to, "a version")) return;
    const std::string from = written.from.text(), to = written.to.text();
    std::vector<VersionsId> candidates;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < program_.versions.size(); ++i) {
      const Symbol &symbol = program_.versions[i].symbol;
      if (!visible(program_.versions[i])) continue;
      names.push_back(symbol.bare);
      names.push_back(symbol.name);
      if (!written.versions || written.versions->text() == symbol.name || written.versions->text() == symbol.bare)
        candidates.emplace_back(i);
    }
    program_.head.from = from;
    program_.head.to = to;
    const bool complete = program_.trees[0]->complete && program_.modules[0].missing.empty();
    if (written.versions && candidates.empty()) {
      const std::vector<std::string_view> views(names.begin(), names.end());
      const std::string meant(diagnostics::did_you_mean(written.versions->text(), views));
      if (!complete && meant.empty()) return;
      auto report = sink_.report(Kind::unknown_name, written.versions->range,
                                 fmt::format("there are no versions `{}`", written.versions->text()));
      if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), written.versions->range, meant);
      return;
    }
    std::vector<VersionsId> fitting;
    for (const VersionsId id : candidates)
      if (lists(id, from, to)) fitting.push_back(id);
    if (fitting.size() == 1) {
      resolver_.mark_used(ModuleId(0), {SymbolKind::versions, fitting[0].index});
      return;
    }
    if (fitting.size() > 1) {
      auto report = sink_.report(Kind::ambiguous_name, range,
                                 fmt::format("{} modules list the step from `{}` to `{}`", fitting.size(), from, to));
      for (const VersionsId id : fitting) report.label(program_.versions[id.index].symbol.range, "one");
      report.help(fmt::format("name the one that is meant: `from {} \"{}\" to \"{}\"`",
                              program_.versions[fitting[0].index].symbol.bare, from, to));
      return;
    }
    if (!complete) return;
    auto report = sink_.report(Kind::unsupported_step, range,
                               fmt::format("no module lists the step from `{}` to `{}`", from, to));
    if (candidates.empty()) report.note("no module in use declares `versions`");
    for (const VersionsId id : candidates) {
      const Versions &versions = program_.versions[id.index];
      report.label(versions.symbol.range, fmt::format("its steps are {}", steps_of(versions)));
    }
  }

  bool lists(VersionsId id, std::string_view from, std::string_view to) const {
    for (const ast::VersionChain &chain : program_.versions[id.index].ast->chains)
      for (std::size_t i = 0; i + 1 < chain.versions.size(); ++i)
        if (chain.versions[i].text() == from && chain.versions[i + 1].text() == to) return true;
    return false;
  }

  static std::string steps_of(const Versions &versions) {
    std::string out;
    for (const ast::VersionChain &chain : versions.ast->chains) {
      if (!out.empty()) out += ", ";
      for (std::size_t i = 0; i < chain.versions.size(); ++i)
        out += fmt::format("{}\"{}\"", i > 0 ? " -> " : "", chain.versions[i].text());
      if (out.size() > 200) return out + ", ...";
    }
    return out;
  }

  // ---- windows

  void window(const ast::Window &written, Range range) {
    const auto length = evaluator_.duration(*written.length, scope_, "the length of a window");
    if (!plain(written.start, "the start of a window") || !plain(written.time_zone, "a time zone")) return;
    const auto start = calendar::parse_start(written.start.text());
    const auto bad = [&](Range where, std::string message) {
      return sink_.report(Kind::bad_window, where, std::move(message));
    };
    if (!start) {
      bad(written.start.range, fmt::format("`{}` is not the start of a window", written.start.text()))
          .note("a window starts at `\"Sat 20:00\"`, `\"20:00\"` (with `every`) or `\"2026-12-31 20:00\"`");
      return;
    }
    if (start->date && written.every) {
      bad(written.start.range, "a date comes once").help("leave `every` out");
      return;
    }
    if (!start->date && !written.every) {
      bad(written.start.range, fmt::format("`{}` does not say which day", written.start.text()))
          .help(fmt::format("write `window every \"{}\"`, or a date: `\"2026-12-31 20:00\"`", written.start.text()));
      return;
    }
    switch (calendar::check_zone(written.time_zone.text())) {
      case calendar::Zone::known:
        break;
      case calendar::Zone::unknown:
        bad(written.time_zone.range, fmt::format("there is no time zone `{}`", written.time_zone.text()))
            .note("names are those of the tz database: `Europe/Berlin`, `UTC`");
        return;
      case calendar::Zone::malformed:
        bad(written.time_zone.range, "this cannot be the name of a time zone")
            .note("names are those of the tz database: `Europe/Berlin`, `UTC`");
        return;
    }
    if (!length) return;
    const std::int64_t most = start->date ? 366 * day_ms : start->weekday >= 0 ? 7 * day_ms : day_ms;
    if (*length <= 0 || *length > most) {
      bad(written.length->range,
          *length <= 0 ? "a window has a length" : "this window is longer than the time until its next start");
      return;
    }
    Window out;
    out.day = start->date           ? plan::WindowDay::date
              : start->weekday >= 0 ? static_cast<plan::WindowDay>(start->weekday)
                                    : plan::WindowDay::daily;
    out.date = start->date.value_or(0);
    out.minute = start->minute;
    out.length = *length;
    out.zone = written.time_zone.text();
    out.range = range;
    for (const Window &other : program_.head.windows) {
      if (other.day != out.day || other.date != out.date || other.minute != out.minute || other.zone != out.zone)
        continue;
      sink_.report(Kind::duplicate_item, range, "two windows begin at the same time").label(other.range, "the first");
      return;
    }
    program_.head.windows.push_back(std::move(out));
  }

  void exclusive_name(const ast::StringLiteral &name) {
    if (!plain(name, "the name of a lock")) return;
    auto &names = program_.head.exclusive;
    if (std::find(names.begin(), names.end(), name.text()) != names.end())
      sink_.report(Kind::duplicate_item, name.range, fmt::format("`{}` stands twice", name.text()));
    else if (names.size() < 64)
      names.push_back(name.text());
  }

  Resolver &resolver_;
  Program &program_;
  Sink &sink_;
  Evaluator evaluator_;
  Scope scope_;
};

}  // namespace

void settle_head(Resolver &resolver) {
  if (resolver.program().head.upgrade.valid()) HeadSettler(resolver).run();
}

}  // namespace upg::sema
