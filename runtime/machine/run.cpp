#include "runtime/machine/run.h"

#include <fmt/format.h>

#include <cstring>

namespace upg::machine {

namespace {
constexpr EventInfo kEvents[] = {
#define UPG_EVENT(name, durable, fields, text) {#name, durable != 0, fields, text},
#include "runtime/machine/events.def"
};
}  // namespace

namespace {
std::string text_of(const Command &command) {
  if (command.secret) return "(secret)";
  std::string text = command.script;
  for (const std::string &a : command.argv) text += (text.empty() ? "" : " ") + a;
  return text;
}
}  // namespace

const EventInfo &info(Event event) { return kEvents[static_cast<std::size_t>(event)]; }

Machine::Run::Run(const plan::Plan &p, const safety::Proof &pr, Transport &t, Clock &c, Journal &j, Observer &o,
                  People &pe, Options op)
    : plan(p),
      proof(pr),
      transport(t),
      clock(c),
      journal(j),
      observer(discreet),
      people(pe),
      options(std::move(op)),
      past(options.past),
      world(p) {
  discreet.to = &o;
  if (options.window_end_unix_ms) enter_window({options.window_begin_unix_ms, *options.window_end_unix_ms});
  for (std::size_t i = 0; i < options.secrets.size() && i < plan.secrets.size(); ++i)
    discreet.redaction.add(std::string(plan.text(plan.secrets[i].name)), options.secrets[i]);
  for (const std::string &h : options.hidden) discreet.redaction.add("hidden", h);
  around.plan = &plan;
  around.world = &world;
  around.secrets = &options.secrets;
  around.simulation = options.simulation;
  for (std::size_t h = 0; h < plan.hosts.size(); ++h) host_ids.emplace(plan.text(plan.hosts[h].name), HostId(h));
  for (const std::string &name : past.lost())
    if (const HostId h = host_named(name); h.valid()) world.lose(h);
  acted = past.anything_done();
  records = options.past.empty() ? 0 : options.past.back().number;
}

Machine::Machine(const plan::Plan &plan, const safety::Proof &proof, Transport &transport, Clock &clock,
                 Journal &journal, Observer &observer, People &people, Options options)
    : run_(std::make_unique<Run>(plan, proof, transport, clock, journal, observer, people, std::move(options))) {
  run_->root.emplace(run_->main());
  run_->root->start();
}
Machine::~Machine() {
  for (std::vector<std::string> *texts : {&run_->options.secrets, &run_->options.hidden})
    for (std::string &text : *texts) explicit_bzero(text.data(), text.capacity());
}

bool Machine::turn(Millis at_most) {
  Run &r = *run_;
  r.queue.drain();
  if (r.root->done()) return false;
  r.watch_clocks();
  r.look_at_outages();
  Millis now = r.now();
  Millis until = now + at_most;
  if (!r.timers.empty()) until = std::min(until, r.timers.begin()->first);
  std::vector<Answer> answers;
  std::vector<Output> outputs;
  r.transport.wait(std::max(now, until), answers, outputs);
  for (Output &o : outputs) {
    auto it = r.requests.find(o.request);
    if (it != r.requests.end()) r.print(it->second, o.error, o.bytes, false);
  }
  for (Answer &a : answers) {
    auto it = r.requests.find(a.request);
    if (it == r.requests.end()) continue;
    for (bool error : {false, true}) r.print(it->second, error, {}, true);
    r.heard(it->second, a);
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
  go_on.fire();
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

std::vector<Question> Machine::questions() const {
  std::vector<Question> all;
  for (const auto &[id, a] : run_->asking)
    if (!a->answered) all.push_back({id, a->key, a->question, a->confirm});
  return all;
}

std::vector<Activity> Machine::activities() const {
  std::vector<Activity> all;
  for (const auto &[id, a] : run_->doing) {
    all.push_back(a);
    all.back().what = run_->discreet.redaction.hide(a.what);
    all.back().detail = run_->discreet.redaction.hide(a.detail);
  }
  return all;
}

std::vector<Silence> Machine::silent() const {
  std::vector<Silence> all;
  for (auto [host, silence] : run_->silences) {
    Millis until = 0;
    for (const auto &[id, a] : run_->doing)
      if (a.host == silence.host) until = std::max(until, a.deadline_ms);
    if (until > 0) silence.until_unix_ms = run_->clock.unix_ms() + until - run_->now();
    all.push_back(silence);
  }
  return all;
}

std::vector<Activity> Machine::running() const {
  std::vector<Activity> all;
  for (const auto &[id, w] : run_->requests)
    if (w.step && !w.text.empty())
      all.push_back({w.key, w.host, run_->discreet.redaction.hide(w.text), "", w.since_unix_ms, 0});
  return all;
}

void Machine::Run::heard(const Waiting &waiting, const Answer &answer) {
  if (!waiting.host.valid() || answer.outcome == Outcome::cancelled) return;
  const bool silent = answer.outcome == Outcome::unreachable || answer.outcome == Outcome::lost ||
                      (answer.outcome == Outcome::timed_out && !waiting.step);
  if (!silent) {
    silences.erase(waiting.host.index);
    return;
  }
  Silence &s = silences.try_emplace(waiting.host.index, Silence{waiting.host, clock.unix_ms(), 0, {}}).first->second;
  if (!answer.detail.empty()) s.why = discreet.redaction.hide(answer.detail);
}

std::vector<HoldView> Machine::holds() const {
  std::vector<HoldView> all;
  for (const auto &[key, h] : run_->world.holds)
    if (h.count > 0)
      all.push_back({std::string(run_->plan.text(run_->plan.holds[h.hold.index].name)), h.arguments, h.since_unix_ms,
                     h.found_on, std::string(run_->plan.text(run_->plan.holds[h.hold.index].doc))});
  return all;
}

std::vector<Offer> Machine::offers() const {
  std::vector<Offer> all;
  for (const auto &[id, o] : run_->offered) all.emplace_back(id, o.move);
  return all;
}

void Machine::grant(std::uint64_t offer, int way) {
  auto it = run_->offered.find(offer);
  if (it == run_->offered.end() || !it->second.waiter) return;
  it->second.way = way;
  run_->queue.push(std::exchange(it->second.waiter, {}));
}

bool Machine::quiet() const { return run_->requests.empty() && run_->timers.empty(); }

Task<int> Machine::Run::turn_of(Move move) {
  if (!around.simulation->directed()) co_return around.simulation->way(move);
  struct Await {
    Offered *mine;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { mine->waiter = h; }
    void await_resume() const noexcept {}
  };
  const std::uint64_t id = next_offer++;
  Offered &mine = offered[id];
  mine.move = std::move(move);
  Await wait{&mine};
  co_await wait;
  const int way = mine.way;
  offered.erase(id);
  co_return way;
}

Move Machine::Run::move_of(Move::Kind kind, const ActCall &call, const std::string &key) {
  Move move;
  move.kind = kind;
  move.key = key;
  move.action = call.action;
  move.arguments = call.arguments;
  return move;
}

void Machine::Run::print(Waiting &waiting, bool error, std::string_view bytes, bool rest) {
  if (waiting.secret) return;
  std::string &held = error ? waiting.held_err : waiting.held_out;
  std::string text = rest ? discreet.redaction.hide_rest(held) : discreet.redaction.hide_piece(held, bytes);
  if (!text.empty()) observer.output(waiting.key, waiting.host, waiting.step, error, text);
}

bool Machine::Run::write(Event event, const std::string &key, std::string data) {
  if (!discreet.redaction.empty()) data = without_secrets(data, discreet.redaction);
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
                        std::string advice, bool elsewhere) {
  if (ending.status != Status::running) return false;
  if (is_for_person && !journal_broken && !leaving()) {
    if (Trial *trial = trial_around(key)) {  // the plan itself meets it
      if (trial->failure) return false;
      trial->failure = Ending{Status::halted, std::move(reason), std::move(advice), key, where};
      for (auto &[t, h] : timers) queue.push(h);
      timers.clear();
      go_on.fire();
      for (auto &[id, a] : asking) {
        if (a->answered || !a->key.starts_with(trial->prefix)) continue;
        a->answered = true;
        if (a->waiter) queue.push(a->waiter);
      }
      return false;
    }
  }
  ending.status = !acted ? Status::refused : is_for_person ? Status::halted : Status::stopped;
  ending.reason = discreet.redaction.hide(reason);
  ending.advice = std::move(advice);
  ending.key = key;
  ending.where = where;
  ending.elsewhere = elsewhere;
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

/// What comes over a new connection counts only when its host has said who it is.
Task<std::vector<Answer>> Machine::Run::request_all(std::vector<Wanted> wanted, std::string key) {
  std::vector<HostId> hosts;
  hosts.reserve(wanted.size());
  for (const Wanted &w : wanted) hosts.push_back(w.host);
  std::vector<Answer> answers = co_await request_unproven(std::move(wanted), key);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (answers[i].outcome == Outcome::unreachable || answers[i].outcome == Outcome::refused || recognized(hosts[i]))
      continue;
    const bool known = co_await recognize(hosts[i], key);
    if (known) continue;
    const bool stranger = strangers.count(hosts[i].index) != 0;
    Answer nothing;
    nothing.request = answers[i].request;
    nothing.outcome = Outcome::unreachable;
    if (stranger) nothing.outcome = Outcome::refused;
    nothing.detail = host_name(hosts[i]) + " did not say who it is after it was connected to anew";
    if (stranger) nothing.detail = "another machine answers at the address of " + host_name(hosts[i]);
    answers[i] = std::move(nothing);
  }
  co_return std::move(answers);
}

Task<std::vector<Answer>> Machine::Run::request_unproven(std::vector<Wanted> wanted, std::string key) {
  Group group;
  group.remaining = wanted.size();
  group.answers.resize(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    RequestId id = next_request++;
    requests.emplace(id, Waiting{&group,
                                 i,
                                 key,
                                 wanted[i].host,
                                 !wanted[i].command.step_key.empty(),
                                 wanted[i].command.secret,
                                 text_of(wanted[i].command),
                                 clock.unix_ms(),
                                 {},
                                 {}});
    transport.start(id, wanted[i].host, std::move(wanted[i].command));
  }
  co_await group;
  co_return std::move(group.answers);
}

Task<std::string> Machine::Run::person(std::string text, bool is_confirm, std::string key, std::string *who) {
  if (who) who->clear();
  struct Await {
    Asking *asking;
    bool await_ready() const noexcept { return asking->answered; }
    void await_suspend(std::coroutine_handle<> h) { asking->waiter = h; }
    void await_resume() const noexcept {}
  };
  if (gone(key)) co_return std::string();
  Asking mine;
  mine.key = key;
  mine.question = discreet.redaction.hide(text);
  mine.confirm = is_confirm;
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
