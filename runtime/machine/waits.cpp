// Standing still between two turns (SEMANTICS R11): for the next window, or because somebody asked for a pause. Only
// with nothing down, and only where every hold in force says what becomes of it meanwhile.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {

Machine::Run::Stand Machine::Run::may_stand(const std::string &key, std::string *silent_hold) const {
  const std::vector<Outage> out = world.outages();
  const bool down = std::any_of(out.begin(), out.end(), [&](const Outage &o) { return !world.lost(o.host); });
  const bool in_outage = std::any_of(accepted.begin(), accepted.end(), [&](const Accepted &a) {
    return key.starts_with(a.prefix) && plan.text(a.waiver->rule) == "outage";
  });
  if (down || in_outage || directed()) return Stand::not_here;
  for (const auto &[full, held] : world.holds) {
    if (held.count <= 0 || held.found_on) continue;
    const plan::Hold &hold = plan.holds[held.hold.index];
    if (hold.on_wait == plan::Afterwards::unwritten) {
      if (silent_hold) *silent_hold = full;
      return Stand::stop;
    }
    if (hold.on_wait != plan::Afterwards::release) continue;
    std::size_t mine = 0;
    for (const LeftHold &s : standing)
      mine += plan.node(plan.kid(s.node, 0)).a == held.hold.index && key.starts_with(s.place.key + "/") &&
              name_arguments(s.arguments) == held.arguments;
    if (held.count != 1 || mine != 1) return Stand::not_here;  // somebody else counts on it
  }
  return Stand::here;
}

Task<bool> Machine::Run::give_back_to_wait(std::string key, std::vector<LeftHold> *given) {
  const std::vector<LeftHold> enclosing = standing;  // innermost last
  for (std::size_t i = enclosing.size(); i-- > 0;) {
    const plan::Hold &hold = plan.holds[plan.node(plan.kid(enclosing[i].node, 0)).a];
    const std::string full = fmt::format("{}({})", plan.text(hold.name), name_arguments(enclosing[i].arguments));
    if (hold.on_wait != plan::Afterwards::release || !key.starts_with(enclosing[i].place.key + "/")) continue;
    if (world.holds[full].found_on) continue;
    LeftHold hold_back = enclosing[i];
    bool ok = co_await release(hold_back.node, hold_back.arguments, hold_back.place, "/give_back");
    if (!ok) co_return false;
    past.forget_hold(hold_back.place.key);
    for (const char *part : {"/acquire", "/give_back"})
      past.attempt_used(hold_back.place.key + part, attempts_used[hold_back.place.key + part]);
    given->push_back(std::move(hold_back));
  }
  co_return true;
}

Task<bool> Machine::Run::take_again(std::vector<LeftHold> given) {
  while (!given.empty()) {
    LeftHold back = std::move(given.back());
    given.pop_back();
    bool ok = co_await take(back.node, back.arguments, back.place);
    if (!ok) co_return false;
  }
  co_return true;
}

Task<bool> Machine::Run::await_window(std::int64_t worst, std::string key, plan::Span where) {
  const bool may_wait = options.next_window && !window_over && may_stand(key) == Stand::here;
  std::optional<Opening> next;
  // a clock set back to before the window waits for the same one again
  const bool begun = clock.unix_ms() >= options.window_begin_unix_ms;
  for (std::int64_t from = begun ? *options.window_end_unix_ms : clock.unix_ms(), tries = 0; may_wait && tries < 1'000;
       ++tries) {
    next = options.next_window(from);
    if (!next || next->end_unix_ms - std::max(next->begin_unix_ms, clock.unix_ms()) > worst) break;
    from = next->end_unix_ms;
    next.reset();
  }
  if (!next) co_return fits_window(worst, key, where);

  std::vector<LeftHold> given;
  bool ok = co_await give_back_to_wait(key, &given);
  if (!ok) co_return false;
  if (!write(Event::window_awaited, key,
             make_data({{"begin", std::to_string(next->begin_unix_ms)}, {"end", std::to_string(next->end_unix_ms)}})))
    co_return false;
  {
    Doing doing_this(this, Activity{key,
                                    {},
                                    "wait for the next window",
                                    "",
                                    0,
                                    now() + std::max<std::int64_t>(0, next->begin_unix_ms - clock.unix_ms())});
    while (clock.unix_ms() < next->begin_unix_ms && !gone(key))
      co_await sleep_until(now() + std::min<std::int64_t>(600'000, next->begin_unix_ms - clock.unix_ms()));
  }
  if (gone(key)) co_return false;
  enter_window(*next);
  co_return co_await take_again(std::move(given));
}

Task<bool> Machine::Run::stand_still(std::string key, plan::Span where) {
  std::string silent_hold;
  if (may_stand(key, &silent_hold) == Stand::stop) {
    if (!window_over)
      window_over = Ending{
          Status::stopped,
          fmt::format("a pause was asked for by {}; {} is held and does not say `on wait`, so the run stops here",
                      pause_by, silent_hold),
          "resume goes on from here", key, where};
    co_return false;
  }
  std::vector<LeftHold> given;
  bool ok = co_await give_back_to_wait(key, &given);
  if (!ok) co_return false;
  if (!write(Event::paused, key, make_data({{"by", pause_by}}))) co_return false;
  {
    Doing doing_this(this, Activity{key, {}, "paused by " + pause_by, "", 0, 0});
    ++standing_still;
    while (!pause_by.empty() && !gone(key)) co_await go_on;
    --standing_still;
  }
  if (gone(key)) co_return false;
  co_return co_await take_again(std::move(given));
}

void Machine::request_pause(std::string by) {
  Run &r = *run_;
  if (r.stop || by.empty() || !r.pause_by.empty() || r.root->done()) return;
  r.pause_by = std::move(by);
  r.write(Event::pause_requested, "", make_data({{"by", r.pause_by}}));
}

void Machine::request_continue(std::string by) {
  Run &r = *run_;
  if (r.pause_by.empty()) return;
  r.pause_by.clear();
  r.write(Event::went_on, "", make_data({{"by", std::move(by)}}));
  r.go_on.fire();
}

Wish Machine::wish() const {
  if (run_->stop) return Wish::stop;
  if (run_->standing_still > 0) return Wish::paused;
  return run_->pause_by.empty() ? Wish::none : Wish::pause;
}

std::optional<std::int64_t> Machine::window_end_unix_ms() const { return run_->options.window_end_unix_ms; }

std::vector<NextStep> Machine::next_steps() const {
  std::vector<NextStep> all;
  std::set<std::string> told;
  for (const auto &[id, a] : run_->doing) {
    const Run::Ahead *nearest = nullptr;
    for (const auto &[number, b] : run_->ahead)
      if ((b.node.valid() || b.host.valid()) &&
          (a.key == b.key || a.key.starts_with(b.key + "/") || a.key.starts_with(b.key + "[")) &&
          (!nearest || b.key.size() > nearest->key.size()))
        nearest = &b;
    if (!nearest || !told.insert(nearest->key).second) continue;
    all.push_back({a.key, nearest->host.valid() ? "turn of " + run_->host_name(nearest->host)
                                                : run_->discreet.redaction.hide(run_->source_of(nearest->node))});
  }
  return all;
}

}  // namespace upg::machine
