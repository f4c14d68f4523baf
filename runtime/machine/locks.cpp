// Who may: a run holds its locks on the hosts, under a token that is newer than all before. Each claim of a step
// carries the token and hosts refuse an older one, so that a controller that was asleep while another took over starts
// nothing. The lease only says whether someone should be waited for; nothing is safe because of it.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/lock.h"
#include "runtime/machine/run.h"

namespace upg::machine {

namespace {
constexpr Millis kPatience = 20'000;
constexpr Millis kShortPatience = 5'000;
constexpr int kRenewals = 3;  // in the time of a lease

/// "cluster lab"
std::string name_lock(const std::string &name) {
  std::string text = name;
  std::replace(text.begin(), text.end(), ':', ' ');
  return text;
}
}  // namespace

std::vector<HostId> Machine::Run::lock_hosts() const {
  std::vector<HostId> hosts;
  for (std::size_t h = 0; h < plan.hosts.size(); ++h)
    if (!plan.hosts[h].out_reason.valid() && !world.lost(HostId(h))) hosts.emplace_back(h);
  return hosts;
}

Task<std::vector<Answer>> Machine::Run::ask_locks(std::vector<HostId> hosts, LockAct what,
                                                  std::shared_ptr<const Lock> of, Millis patience) {
  std::vector<Wanted> wanted;
  for (HostId h : hosts) {
    Wanted w;
    w.host = h;
    w.command.lock = of;
    w.command.lock_act = what;
    w.command.lease_s = std::max<Millis>(1, options.lease_ms / 1000);
    w.command.timeout = patience;
    wanted.push_back(std::move(w));
  }
  std::vector<Answer> answers = co_await request_all(std::move(wanted), "");
  co_return answers;
}

/// Which token comes next, and whether anything that the hosts know forbids to take it. 0: halted, or nothing is to be
/// taken.
std::uint64_t Machine::Run::next_token(const std::vector<LockLine> &known, Lock *wish) {
  std::uint64_t token = past.token();
  for (std::size_t n = 0; n < known.size(); ++n) {
    const LockLine &line = known[n];
    const bool ours = line.run == wish->run;
    const bool held = line.state == LockLine::State::held;
    const bool broken = line.state == LockLine::State::broken;
    const std::string name = name_lock(wish->names[n]);
    const std::string holder = describe_holder(line, clock.unix_ms());
    token = std::max(token, line.token);
    if (options.mode != Mode::run) {
      if (held) observer.said(fmt::format("a run would be refused now: {} is locked by {}", name, holder));
      continue;
    }
    if (held && !ours) {
      halt(true, fmt::format("{} is locked by {}", name, holder), "", plan.where,
           fmt::format("nobody has proved two plans at once on one cluster: wait for it; if it is over for good, "
                       "`upgrun unlock {}` gives its lock up",
                       line.run));
      return 0;
    }
    if (ours && line.token > past.token() + (broken ? 1 : 0)) {
      halt(true,
           fmt::format("another controller has taken this run up since: its token on the hosts is {}, this journal "
                       "knows {} ({})",
                       line.token, past.token(), line.owner),
           "", plan.where, "go on with the journal of that controller; this one does not know what it did", true);
      return 0;
    }
    if (ours && line.state == LockLine::State::free && !past.gave_up_locks()) {
      halt(true, fmt::format("another controller has brought this run to its end since ({})", line.owner), "",
           plan.where, "its journal tells what came of it; this one does not know", true);
      return 0;
    }
    if (!ours && past.token() > 0 && line.token > past.token()) {
      halt(
          true,
          fmt::format("run {} (plan {}) has been at work under {} since this run lost it: what that did is not in this "
                      "journal",
                      line.run, line.plan, name),
          "", plan.where, "look at the cluster, and write a plan for the rest");
      return 0;
    }
    if (ours && held && line.lease_s > 0 && !(options.owner_is_dead && options.owner_is_dead(line.owner))) {
      halt(false, fmt::format("another controller drives this run: {}", holder), "", plan.where,
           "stop it there; if it is dead or cut off, resume when its lease has ended", true);
      return 0;
    }
    if (ours && broken) observer.said(fmt::format("the lock on {} was broken by hand; it is taken again", name));
    if (ours && held) wish->since_unix_s = line.since_unix_s;
  }
  if (options.mode != Mode::run) return 0;
  if (token >= max_token) {
    halt(true, "the tokens of the locks are used up", "", plan.where, "somebody wrote into them");
    return 0;
  }
  return token + 1;
}

/// What every host says of the locks, taken together; `there`: who said it. False: halted.
Task<bool> Machine::Run::look_at_locks(std::shared_ptr<const Lock> wish, std::vector<LockLine> *known,
                                       std::vector<HostId> *there) {
  const std::vector<HostId> hosts = lock_hosts();
  std::vector<Answer> answers = co_await ask_locks(hosts, LockAct::look, wish, kPatience);
  known->resize(wish->names.size());
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Answer &a = answers[i];
    const bool exited = a.outcome == Outcome::exited;
    std::optional<std::vector<LockLine>> lines;
    if (exited && a.code == 0) lines = read_lock_lines(a.out, known->size());
    if (!lines) {
      const std::string why = !exited ? a.detail : a.err.empty() ? "it says nothing that is known" : a.err;
      const bool needed = exited || a.outcome == Outcome::refused || !acted;
      if (needed && options.mode == Mode::run)
        co_return halt(true, fmt::format("the locks on {} cannot be read: {}", host_name(hosts[i]), why), "",
                       plan.hosts[hosts[i].index].where,
                       "they are under ~/.local/state/upg/locks there; without them nobody knows who else is at work");
      observer.said(fmt::format("the locks on {} cannot be read now: {}", host_name(hosts[i]), why));
      continue;
    }
    there->push_back(hosts[i]);
    for (std::size_t n = 0; n < known->size(); ++n) (*known)[n] = newest((*known)[n], (*lines)[n]);
  }
  if (there->empty() && options.mode == Mode::run)
    co_return halt(false, "no host answers, so nobody can tell whether another controller has taken over", "",
                   plan.where, "bring the hosts back, then resume");
  co_return true;
}

Task<bool> Machine::Run::take_locks() {
  if (simulation() || lock_hosts().empty()) co_return true;
  auto wish = std::make_shared<Lock>();
  std::vector<std::string_view> exclusive;
  for (plan::StringId name : plan.exclusive) exclusive.push_back(plan.text(name));
  wish->names = lock_names(plan.text(plan.cluster), exclusive);
  wish->run = lock_word(options.run_id);
  wish->owner = lock_word(options.owner);
  wish->plan = lock_word(plan.text(plan.name));
  wish->since_unix_s = clock.unix_ms() / 1000;
  std::string names;
  for (const std::string &n : wish->names) names += (names.empty() ? "" : ", ") + name_lock(n);

  Doing doing_this(this, Activity{"", {}, "look at the locks", "", 0, now() + kPatience});
  std::vector<LockLine> known;
  std::vector<HostId> there;
  bool ok = co_await look_at_locks(wish, &known, &there);
  if (!ok) co_return false;
  wish->token = next_token(known, wish.get());
  if (wish->token == 0) co_return options.mode != Mode::run;
  if (!write(Event::locks_intended, "",
             make_data({{"locks", names}, {"token", std::to_string(wish->token)}, {"owner", wish->owner}})))
    co_return false;

  lock = wish;
  const Millis asked = clock.steady();
  // The first one alone: of two that come at once, one gets it, and the other nothing.
  std::vector<HostId> next(there.begin(), there.begin() + 1);
  std::vector<HostId> rest(there.begin() + 1, there.end());
  while (!next.empty()) {
    std::vector<Answer> taken = co_await ask_locks(next, LockAct::take, lock, kPatience);
    for (std::size_t i = 0; i < next.size(); ++i) {
      const Answer &a = taken[i];
      const bool exited = a.outcome == Outcome::exited;
      if (exited && a.code == 0) continue;
      const bool anothers = exited && a.code == lock_is_anothers;
      std::string why = anothers ? "somebody else was quicker" : exited ? a.err : a.detail;
      while (!why.empty() && why.back() == '\n') why.pop_back();
      bool elsewhere = false;
      std::string advice = "mend what the host says, then try again";
      if (anothers)
        if (const auto lines = read_lock_lines(a.out, lock->names.size()))
          for (const LockLine &line : *lines)
            if (line.token >= lock->token || (line.state == LockLine::State::held && line.run != lock->run)) {
              why = describe_holder(line, clock.unix_ms());
              elsewhere = line.run == lock->run;
              advice = "see who is at work there, then try again";
              if (!elsewhere)
                advice += fmt::format("; if that is over for good, `upgrun unlock {}` gives its lock up", line.run);
            }
      if (exited || !acted || a.outcome == Outcome::refused)
        co_return halt(!anothers, fmt::format("{} cannot be locked on {}: {}", names, host_name(next[i]), why), "",
                       plan.where, advice, elsewhere);
      observer.said(fmt::format("{} is not locked on {} yet: {}", names, host_name(next[i]), why));
    }
    next = std::exchange(rest, {});
  }
  lease_ends = asked + options.lease_ms;
  keeper.emplace(keep_lease());
  keeper->start();
  co_return true;
}

Task<bool> Machine::Run::keep_lease() {
  while (!fenced && !locks_left) {
    for (Millis end = now() + options.lease_ms / kRenewals; now() < end && !locks_left;) co_await sleep_until(end);
    if (!locks_left && !fenced) co_await renew_lease();
  }
  co_return true;
}

Task<bool> Machine::Run::renew_lease() {
  std::vector<HostId> hosts;
  const RoleId role = boot_role();
  for (HostId h : lock_hosts())
    if (!role.valid() || !world.down(h, role)) hosts.push_back(h);
  const Millis asked = clock.steady();
  ++renewing;
  std::vector<Answer> answers = co_await ask_locks(hosts, LockAct::renew, lock, kShortPatience);
  --renewing;
  renewed.fire();
  bool heard_one = false;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Answer &a = answers[i];
    if (a.outcome != Outcome::exited) continue;
    heard_one = heard_one || a.code == 0;
    if (a.code == lock_is_anothers) fence_out(hosts[i], a.out);
  }
  if (fenced) co_return false;
  if (heard_one) lease_ends = std::max(lease_ends, asked + options.lease_ms);
  co_return true;
}

Task<bool> Machine::Run::still_mine() {
  if (!lock || fenced) co_return !fenced;
  if (clock.steady() <= lease_ends) co_return true;
  bool mine = co_await renew_lease();
  co_return mine;
}

void Machine::Run::fence_out(HostId host, const std::string &said) {
  if (fenced) return;
  fenced = true;
  LockLine by;
  std::string name = "its lock";
  const auto count = static_cast<std::size_t>(std::count(said.begin(), said.end(), '\n'));
  if (const auto lines = read_lock_lines(said, std::max<std::size_t>(1, count)))
    for (std::size_t n = 0; n < lines->size(); ++n) {
      if ((*lines)[n].token < std::max(lock->token, by.token)) continue;
      by = (*lines)[n];
      if (lines->size() == lock->names.size()) name = name_lock(lock->names[n]);
    }
  const bool ours = by.run == lock->run && by.state != LockLine::State::broken;
  std::string who = "somebody";
  if (by.token > 0) who = describe_holder(by, clock.unix_ms());
  if (by.state == LockLine::State::broken) who = "hand (`upgrun unlock`)";
  if (ours) who = "another controller of this run, " + by.owner;
  write(Event::fenced, "", make_data({{"host", host_name(host)}, {"lock", name}, {"by", who}}));
  halt(false,
       fmt::format("{} says that this controller is no longer the one: {} was taken over by {}", host_name(host), name,
                   who),
       "", plan.where,
       ours ? "the run goes on there, with the journal of that controller; what this one started is followed from there"
            : "what this run had started goes on at the hosts; find out who is at work before anything else is started",
       true);
  for (auto &[id, waiting] : requests)
    if (waiting.step) transport.cancel(id);
}

Task<bool> Machine::Run::leave_locks(bool over) {
  locks_left = true;
  if (!lock || fenced) co_return true;
  wake();
  while (renewing > 0) co_await renewed;
  if (fenced) co_return true;
  if (over && !write(Event::locks_given_up, "")) co_return true;  // nobody could tell later that nothing is left to ask
  std::vector<HostId> hosts = lock_hosts();
  if (over && local_steps) hosts.emplace_back();
  LockAct what = LockAct::rest;
  if (over) what = LockAct::free;
  std::vector<Answer> answers = co_await ask_locks(hosts, what, lock, kShortPatience);
  std::string behind;
  for (std::size_t i = 0; i < hosts.size(); ++i)
    if (answers[i].outcome != Outcome::exited || answers[i].code != 0)
      behind += (behind.empty() ? "" : ", ") + host_name(hosts[i]);
  if (over && !behind.empty())
    observer.said(fmt::format(
        "the locks of this run could not be given up on {}; should they stand in the way there: `upgrun unlock {}`",
        behind, options.run_id));
  co_return true;
}

}  // namespace upg::machine
