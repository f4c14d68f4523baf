// Steps that may start once in the life of the plan (SEMANTICS R7): the marker is in the journal and, as a step of its
// own, on a host that no action destroys. A host keeps what the first one who came wrote; whoever reads something else
// there was not the first.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"
#include "runtime/machine/tools.h"

namespace upg::machine {

namespace {
constexpr Millis kPatience = 120'000;
constexpr Millis kAgain = 1'000;
}  // namespace

std::vector<HostId> Machine::Run::safe_hosts() const {
  std::vector<HostId> safe;
  const std::optional<std::set<std::uint32_t>> destroyed = destroyed_hosts(plan);
  if (!destroyed) return safe;
  for (std::size_t h = 0; h < plan.hosts.size(); ++h)
    if (!plan.hosts[h].out_reason.valid() && !destroyed->count(static_cast<std::uint32_t>(h))) safe.emplace_back(h);
  return safe;
}

Task<bool> Machine::Run::claim_once(ActCall call, std::string key, plan::Span where) {
  if (directed()) co_return true;
  const std::string name = describe(call);
  const std::vector<HostId> safe = safe_hosts();
  if (safe.empty())
    co_return halt(true,
                   fmt::format("{} may start once, and there is no host for its marker that no action destroys", name),
                   key, where, "the marker must outlive the plan: add a host to it that stays");
  HostId host = safe.front();  // the same one whoever runs the plan
  if (const StepPast *before = past.step(key); before && !before->once_host.empty())
    for (HostId h : safe)
      if (host_name(h) == before->once_host) host = h;
  const std::string marker =
      fmt::format("once/{}/{}/{}-{}/{}", plan.text(plan.cluster), plan.text(plan.name),
                  plan.from.valid() ? plan.text(plan.from) : "", plan.to.valid() ? plan.text(plan.to) : "", name);
  const std::string mine = fmt::format("{} {}", options.run_id, key);
  if (!write(Event::once_claimed, key, make_data({{"action", name}, {"host", host_name(host)}, {"step", marker}})))
    co_return false;
  Doing doing_this(this, Activity{key, host, "claim the marker of " + name, "", 0, now() + kPatience});
  const Millis deadline = now() + kPatience;
  for (;;) {
    Command command;
    command.argv = {"printf", "%s\\n", mine};
    command.step_key = marker;
    const bool still = co_await still_mine();
    if (!still) co_return false;
    command.lock = lock;
    command.timeout = 20'000;
    Answer a = co_await request(host, std::move(command), key);
    if (a.outcome == Outcome::fenced) fence_out(host, a.out);
    if (fenced) co_return false;
    const bool answered = a.outcome == Outcome::exited && a.code == 0;
    if (answered && a.out == mine + "\n") co_return true;
    if (answered && a.out_bytes > 0)
      co_return halt(
          true,
          fmt::format("{} may start once, and it was started before, by `{}`", name, a.out.substr(0, a.out.find('\n'))),
          key, where,
          fmt::format("look what became of it; its marker is on {}, under ~/.local/state/upg/steps", host_name(host)));
    const bool silent = a.outcome == Outcome::unreachable || a.outcome == Outcome::lost ||
                        a.outcome == Outcome::timed_out || a.outcome == Outcome::running;
    if (!silent || now() >= deadline || leaving()) {
      if (leaving()) co_return false;
      co_return halt(true,
                     fmt::format("{} may start once, and its marker on {} cannot be read: {}", name, host_name(host),
                                 a.detail.empty() ? "no answer" : a.detail),
                     key, where, "a marker that cannot be read counts as used; mend the host, then resume");
    }
    doing_this.activity().detail = a.detail;
    for (Millis end = now() + kAgain; now() < end && !leaving();) co_await sleep_until(end);
  }
}

}  // namespace upg::machine
