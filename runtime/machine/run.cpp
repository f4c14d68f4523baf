#include "runtime/machine/run.h"

#include <fmt/format.h>

namespace upg::machine {

namespace {
constexpr EventInfo kEvents[] = {
#define UPG_EVENT(name, durable, fields, text) {#name, durable != 0, fields, text},
#include "runtime/machine/events.def"
};
}  // namespace

const EventInfo &info(Event event) { return kEvents[static_cast<std::size_t>(event)]; }

Machine::Run::Run(const plan::Plan &p, const safety::Proof &pr, Transport &t, Clock &c, Journal &j, Observer &o,
                  People &pe, Options op)
    : plan(p),
      proof(pr),
      transport(t),
      clock(c),
      journal(j),
      observer(o),
      people(pe),
      options(std::move(op)),
      past(options.past),
      world(p) {
  around.plan = &plan;
  around.world = &world;
  around.secrets = &options.secrets;
  acted = past.anything_done();
  records = options.past.empty() ? 0 : options.past.back().number;
}

Machine::Machine(const plan::Plan &plan, const safety::Proof &proof, Transport &transport, Clock &clock,
                 Journal &journal, Observer &observer, People &people, Options options)
    : run_(std::make_unique<Run>(plan, proof, transport, clock, journal, observer, people, std::move(options))) {
  run_->root.emplace(run_->main());
  run_->root->start();
}
Machine::~Machine() = default;

bool Machine::turn(Millis at_most) {
  Run &r = *run_;
  r.queue.drain();
  if (r.root->done()) return false;
  Millis now = r.now();
  Millis until = now + at_most;
  if (!r.timers.empty()) until = std::min(until, r.timers.begin()->first);
  std::vector<Answer> answers;
  std::vector<Output> outputs;
  r.transport.wait(std::max(now, until), answers, outputs);
  for (Output &o : outputs) {
    auto it = r.requests.find(o.request);
    if (it != r.requests.end() && !it->second.secret)
      r.observer.output(it->second.key, it->second.host, it->second.step, o.error, o.bytes);
  }
  for (Answer &a : answers) {
    auto it = r.requests.find(a.request);
    if (it == r.requests.end()) continue;
    Run::Group &group = *it->second.group;
    group.answers[it->second.index] = std::move(a);
    r.requests.erase(it);
    if (--group.remaining == 0 && group.waiter) r.queue.push(group.waiter);
  }
  now = r.now();
  while (!r.timers.empty() && r.timers.begin()->first <= now) {
    r.queue.push(r.timers.begin()->second);
    r.timers.erase(r.timers.begin());
  }
  r.queue.drain();
  return !r.root->done();
}

const Ending &Machine::ending() const { return run_->ending; }

void Machine::request_stop(std::string by) {
  Run &r = *run_;
  if (r.stop) return;
  r.stop = true;
  r.write(Event::stop_requested, "", make_data({{"by", std::move(by)}}));
  r.wake();
}

/// Gates and people are left; running steps look at the clock and go on.
void Machine::Run::wake() {
  for (auto &[t, h] : timers) queue.push(h);
  timers.clear();
  for (auto &[id, a] : asking) {
    if (a->answered) continue;
    a->answered = true;
    if (a->waiter) queue.push(a->waiter);
  }
}

void Machine::person_answered(std::uint64_t id, std::string text, std::string who) {
  auto it = run_->asking.find(id);
  if (it == run_->asking.end() || it->second->answered) return;
  it->second->answered = true;
  it->second->text = std::move(text);
  it->second->who = std::move(who);
  if (it->second->waiter) run_->queue.push(it->second->waiter);  // else it answered at once, from inside `ask`
}

std::vector<Activity> Machine::activities() const {
  std::vector<Activity> all;
  for (const auto &[id, a] : run_->doing) all.push_back(a);
  return all;
}

std::vector<HoldView> Machine::holds() const {
  std::vector<HoldView> all;
  for (const auto &[key, h] : run_->world.holds)
    if (h.count > 0)
      all.push_back({std::string(run_->plan.text(run_->plan.holds[h.hold.index].name)), h.arguments, h.since_unix_ms,
                     h.found_on});
  return all;
}

bool Machine::Run::write(Event event, const std::string &key, std::string data) {
  if (options.mode != Mode::run) {  // nothing is remembered of a run that changes nothing
    observer.recorded({++records, clock.unix_ms(), event, key, std::move(data)});
    return true;
  }
  if (journal_broken) return false;
  Record record{++records, clock.unix_ms(), event, key, std::move(data)};
  if (auto problem = journal.append(record)) {
    journal_broken = true;
    return halt(true, "the journal cannot be written: " + *problem, key, {},
                "nothing new is started; mend the disk, then resume");
  }
  observer.recorded(record);
  return true;
}

bool Machine::Run::halt(bool is_for_person, std::string reason, const std::string &key, plan::Span where,
                        std::string advice) {
  if (ending.status != Status::running) return false;
  ending.status = !acted ? Status::refused : is_for_person ? Status::halted : Status::stopped;
  ending.reason = std::move(reason);
  ending.advice = std::move(advice);
  ending.key = key;
  ending.where = where;
  wake();
  return false;
}

Task<Answer> Machine::Run::request(HostId host, Command command, std::string key) {
  std::vector<Wanted> one(1);
  one[0].host = host;
  one[0].command = std::move(command);
  std::vector<Answer> answers = co_await request_all(std::move(one), std::move(key));
  co_return std::move(answers[0]);
}

Task<std::vector<Answer>> Machine::Run::request_all(std::vector<Wanted> wanted, std::string key) {
  Group group;
  group.remaining = wanted.size();
  group.answers.resize(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    RequestId id = next_request++;
    requests.emplace(
        id, Waiting{&group, i, key, wanted[i].host, !wanted[i].command.step_key.empty(), wanted[i].command.secret});
    transport.start(id, wanted[i].host, std::move(wanted[i].command));
  }
  co_await group;
  co_return std::move(group.answers);
}

Task<std::string> Machine::Run::person(std::string text, bool is_confirm, std::string key, std::string *who) {
  static_cast<void>(key);
  if (who) who->clear();
  struct Await {
    Asking *asking;
    bool await_ready() const noexcept { return asking->answered; }
    void await_suspend(std::coroutine_handle<> h) { asking->waiter = h; }
    void await_resume() const noexcept {}
  };
  if (leaving()) co_return std::string();
  Asking mine;
  std::uint64_t id = next_doing++;
  asking.emplace(id, &mine);
  people.ask(id, text, is_confirm);
  Await wait{&mine};
  co_await wait;
  asking.erase(id);
  if (who) *who = mine.who;
  co_return mine.text;
}

std::string Machine::Run::name_arguments(const std::vector<Value> &arguments) const {
  std::string s;
  for (const Value &v : arguments) s += (s.empty() ? "" : ", ") + name_value(v);
  return s;
}

std::string Machine::Run::source_of(NodeId node) const { return source_text(plan, plan.span(node), 80); }

HostId Machine::Run::subject(const std::vector<Value> &arguments) const {
  for (const Value &v : arguments)
    if (v.is(Kind::host)) return v.as_host();
  return {};
}

RoleId Machine::Run::boot_role() const {
  for (std::size_t r = 0; r < plan.roles.size(); ++r)
    if (plan.roles[r].boot.valid()) return RoleId(r);
  return {};
}

}  // namespace upg::machine
