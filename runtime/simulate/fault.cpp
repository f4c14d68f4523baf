#include "runtime/simulate/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace upg::simulate {
using Kind = Fault::Kind;

namespace {
constexpr std::array<std::string_view, 7> kNames{"crash", "partition", "slow", "flap", "lie", "failure", "controller"};
constexpr Millis kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
}  // namespace

std::vector<Fault> draw_faults(const plan::Plan &plan, const Measure &measure, unsigned most, std::uint64_t seed) {
  transport::Random random = transport::Random::named(seed, "faults");
  std::vector<Fault> out;
  std::vector<HostIndex> hosts;
  for (HostIndex h = 0; h < plan.hosts.size(); ++h)
    if (!plan.hosts[h].out_reason.valid()) hosts.push_back(h);
  const std::uint64_t n = random.below(std::uint64_t{most} + 1);
  for (std::uint64_t i = 0; i < n; ++i) {
    Fault f;
    // The controller and hosts go down most of the time; the rest shares what is left.
    static constexpr std::array<Kind, 12> kDice{Kind::crash,      Kind::crash,      Kind::crash,   Kind::partition,
                                                Kind::partition,  Kind::controller, Kind::failure, Kind::controller,
                                                Kind::controller, Kind::slow,       Kind::flap,    Kind::lie};
    f.kind = kDice[random.below(kDice.size())];
    if (hosts.empty() || (plan.gates.empty() && (f.kind == Kind::flap || f.kind == Kind::lie)))
      f.kind = Kind::controller;
    if (!hosts.empty()) f.host = hosts[random.below(hosts.size())];
    if (!plan.gates.empty()) f.gate = plan::GateId(random.below(plan.gates.size()));
    f.from = random.between(0, std::max<Millis>(measure.length, kMinute));
    Millis lasts = random.chance(500) ? random.between(kSecond, 2 * kMinute) : random.between(kMinute, kHour);
    if ((f.kind == Kind::crash || f.kind == Kind::partition) && random.chance(250)) lasts = Fault::for_good;
    f.until = f.from + lasts;
    f.kept = random.chance(500);
    f.away = random.chance(700) ? random.between(kSecond, kMinute) : random.between(kMinute, kHour);
    if (f.kind == Kind::failure) f.number = 1 + random.below(std::max<std::uint64_t>(1, measure.commands));
    if (f.kind == Kind::controller && random.chance(650))
      f.number = 1 + random.below(std::max<std::uint64_t>(1, measure.records));
    out.push_back(f);
  }
  std::stable_sort(out.begin(), out.end(), [](const Fault &a, const Fault &b) { return a.from < b.from; });
  return out;
}

std::string_view name_of(Kind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::string clock_text(Millis elapsed) {
  const Millis s = elapsed / 1000;
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string text_of(const plan::Plan &plan, const Fault &f) {
  const auto host = [&] { return plan.text(plan.hosts[f.host].name); };
  const auto gate = [&] { return plan.text(plan.gates[f.gate.index].name); };
  const std::string lasts = f.until - f.from >= Fault::for_good ? "for good" : "for " + clock_text(f.until - f.from);
  const std::string when = fmt::format("at {} {}", clock_text(f.from), lasts);
  switch (f.kind) {
    case Kind::crash:
      return fmt::format("{} crashes {}", host(), when);
    case Kind::partition:
      return fmt::format("{} cannot be reached {}", host(), when);
    case Kind::slow:
      return fmt::format("{} is slow {}", host(), when);
    case Kind::flap:
      return fmt::format("gate {} flaps {}", gate(), when);
    case Kind::lie:
      return fmt::format("gate {} passes whatever is {}", gate(), when);
    case Kind::failure:
      return fmt::format("command {} fails{}", f.number, f.kept ? " half done" : "");
    case Kind::controller:
      break;
  }
  if (f.number == Fault::by_time)
    return fmt::format("the controller dies at {}, back after {}", clock_text(f.from), clock_text(f.away));
  static constexpr std::array<std::string_view, 3> kOf{"record", "request", "turn"};
  static constexpr std::array<std::array<std::string_view, 2>, 3> kKept{
      {{" (lost)", " (written)"}, {" (not sent)", " (sent)"}, {"", ""}}};
  const auto of = static_cast<std::size_t>(f.of);
  return fmt::format("the controller dies at {} {}{}, back after {}", kOf[of], f.number, kKept[of][f.kept ? 1 : 0],
                     clock_text(f.away));
}

}  // namespace upg::simulate
