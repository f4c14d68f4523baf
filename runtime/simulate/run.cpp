#include "runtime/simulate/run.h"

#include <algorithm>
#include <utility>

#include "runtime/machine/past.h"

namespace upg::simulate {
namespace {
constexpr int kTurns = 400'000;
constexpr machine::Millis kStep = 3'600'000;  // at most this far in one turn; the next event usually comes first
}  // namespace

Run::Run(const plan::Plan &plan, const safety::Proof &proof, RunOptions options)
    : plan_(plan),
      proof_(proof),
      options_(std::move(options)),
      reader_(plan, this),
      model_(plan, reader_, options_.model),
      monitor_(reader_),
      hosts_(model_),
      clock_(options_.start_unix_ms),
      obligations_(reader_, model_, monitor_, [this] { return clock_.monotonic(); }),
      line_(this),
      journal_(this),
      people_(this) {
  if (supposes()) monitor_.supposes();
  model_.attach(hosts_, [this] { return clock_.monotonic(); });
  if (options_.model.timed) {
    for (const Fault &f : options_.model.faults) {
      if (f.kind == Fault::Kind::controller)
        fatal_.push_back(f);
      else if (f.kind != Fault::Kind::failure)
        announcements_.emplace_back(f.from, text_of(plan_, f));
    }
    std::sort(announcements_.rbegin(), announcements_.rend());
  }
  if (options_.next_window) obligations_.keep_windows(options_.next_window, options_.start_unix_ms);
  begin();
}
Run::~Run() = default;

void Run::tell(const std::string &text) {
  if (options_.listener) options_.listener->said(clock_.monotonic(), text);
}

void Run::begin(bool back) {
  machine::Options run;
  run.run_id = "simulated";
  run.who = "nobody";
  run.simulation = this;
  run.past = journal_.records;
  run.abort = back;
  for (std::size_t i = 0; i < plan_.secrets.size(); ++i) run.secrets.emplace_back("secret");
  if (options_.next_window) {
    run.next_window = options_.next_window;
    const std::optional<machine::Opening> open = options_.next_window(clock_.unix_ms());
    if (open) {  // a person, or a timer, starts it when the window opens
      clock_.advance_to(clock_.monotonic() + std::max<std::int64_t>(0, open->begin_unix_ms - clock_.unix_ms()));
      run.window_begin_unix_ms = open->begin_unix_ms;
      run.window_end_unix_ms = open->end_unix_ms;
    }
  }
  line_.to = std::make_unique<transport::SimulatedTransport>(hosts_, clock_, options_.model.seed);
  machine_ =
      std::make_unique<machine::Machine>(plan_, proof_, line_, clock_, journal_, observer_, people_, std::move(run));
}

void Run::keep(machine::Record record) {
  if (options_.listener) options_.listener->recorded(clock_.monotonic(), record);
  journal_.records.push_back(std::move(record));
}

std::optional<std::string> Run::append(machine::Record record) {
  if (dead_of_ != nullptr) return "the controller is dead";
  ++appended_;
  const bool durable = machine::info(record.event).durable;
  for (const Fault &f : fatal_) {
    if (f.of != Fault::Of::record || f.number != appended_) continue;
    if (f.kept) {  // what is on disk is on disk with everything before it
      for (machine::Record &r : std::exchange(journal_.pending, {})) keep(std::move(r));
      keep(std::move(record));
    }
    die(f);
    return "the controller is dead";
  }
  if (!durable) {
    journal_.pending.push_back(std::move(record));
    return std::nullopt;
  }
  for (machine::Record &r : std::exchange(journal_.pending, {})) keep(std::move(r));
  keep(std::move(record));
  return std::nullopt;
}

void Run::die(const Fault &fault) {
  last_death_ = fault;
  dead_of_ = &last_death_;
  ++deaths_;
  tell("the controller dies");
}

void Run::revive() {
  std::erase_if(fatal_, [&](const Fault &f) {
    return f.of == last_death_.of && f.number == last_death_.number && f.from == last_death_.from;
  });
  journal_.pending.clear();
  come_back(last_death_.away);
}

void Run::come_back(Millis away) {
  people_.waiting.clear();
  machine_.reset();
  clock_.advance_to(clock_.monotonic() + away);
  dead_of_ = nullptr;
  monitor_.controller_died(model_.controller_died());
  for (const machine::Record &r : journal_.records) {  // it was written down, and nobody heard of it any more
    if (r.event != machine::Event::host_lost) continue;
    for (HostIndex h = 0; h < plan_.hosts.size(); ++h) {
      if (reader_.name(h) != machine::field_of(r, "host") || monitor_.lost().count(h) != 0) continue;
      machine::Move move;
      move.kind = machine::Move::Kind::lose;
      move.key = r.key;
      move.host = plan::HostId(h);
      monitor_.moved(move, 0);
    }
  }
  tell("the controller is started again");
  begin(backwards_);
}

void Run::Line::start(machine::RequestId request, plan::HostId host, machine::Command command) {
  if (run_->dead_of_ != nullptr) return;
  ++run_->requests_;
  const auto fatal = std::find_if(run_->fatal_.begin(), run_->fatal_.end(), [&](const Fault &f) {
    return f.of == Fault::Of::request && f.number == run_->requests_;
  });
  if (fatal == run_->fatal_.end() || fatal->kept) to->start(request, host, std::move(command));
  if (fatal != run_->fatal_.end()) run_->die(*fatal);
}

void Run::People::ask(std::uint64_t id, const std::string &text, bool) {
  Millis at = run_->clock_.monotonic();
  if (run_->options_.model.timed)
    at += transport::Random::named(run_->options_.model.seed, "person " + text).between(10'000, 600'000);
  waiting.emplace_back(at, id);
}

/// No further than to the answer of a person, who may have been asked in this very turn.
void Run::Line::wait(std::optional<Millis> until, std::vector<machine::Answer> &answers,
                     std::vector<machine::Output> &outputs) {
  const Millis now = run_->clock_.monotonic();
  for (const auto &[at, id] : run_->people_.waiting)
    if (!until || *until > at) until = std::max(now, at);
  to->wait(until, answers, outputs);
}

/// As far as the next thing that comes from outside of the machine.
Millis Run::until_next_fault(Millis at_most) {
  const Millis now = clock_.monotonic();
  Millis step = at_most;
  for (const auto &[at, id] : people_.waiting) step = std::min(step, std::max<Millis>(0, at - now));
  for (const Fault &f : fatal_)
    if (f.number == Fault::by_time) step = std::min(step, std::max<Millis>(0, f.from - now));
  if (options_.abort_at >= 0) step = std::min(step, std::max<Millis>(0, options_.abort_at - now));
  return step;
}

void Run::abort() {
  machine_.reset();
  monitor_.aborts();
  begin(true);
}

bool Run::may_abort() const {
  const auto has = [&](machine::Event event, const char *field) {
    return std::any_of(journal_.records.begin(), journal_.records.end(), [&](const machine::Record &r) {
      return r.event == event && (field == nullptr || !machine::field_of(r, field).empty());
    });
  };
  const bool possible = std::any_of(plan_.nodes.begin(), plan_.nodes.end(),
                                    [](const plan::Node &n) { return n.op == plan::Op::no_return; });
  return possible && !has(machine::Event::statement_done, "text") && !has(machine::Event::host_lost, nullptr);
}

bool Run::taken_up_again() {
  constexpr Millis kSoon = 60'000, kLater = 3'600'000;
  const machine::Status status = machine_->ending().status;
  if (status != machine::Status::halted && status != machine::Status::stopped) return false;
  const bool asked = std::exchange(asked_back_, false);
  if (!backwards_ && (asked || options_.abort_on_halt) && may_abort()) {
    backwards_ = true;
    tell("a person aborts the run");
    obligations_.goes_back();
    come_back(kSoon);
    monitor_.aborts();
    return true;
  }
  const bool too_late = asked && status == machine::Status::stopped;
  if (!too_late && returns_ >= options_.returns) return false;
  if (!too_late) ++returns_;
  tell(too_late ? "it can be aborted no more; a person resumes it" : "a person resumes the run");
  come_back(too_late ? kSoon : kLater);
  return true;
}

bool Run::turn(machine::Millis at_most) {
  ++turns_;
  for (const Fault &f : fatal_) {
    if (f.of != Fault::Of::turn || f.number != turns_) continue;
    die(f);
    return true;
  }
  const bool more = machine_->turn(until_next_fault(at_most));
  const Millis now = clock_.monotonic();
  if (options_.model.timed) {
    while (!announcements_.empty() && announcements_.back().first <= now) {
      tell(announcements_.back().second);
      announcements_.pop_back();
      obligations_.weigh_now();
    }
    obligations_.look_at_commands();
    for (const Fault &f : fatal_)
      if (more && dead_of_ == nullptr && f.number == Fault::by_time && f.from <= now) die(f);
    if (more && dead_of_ == nullptr && options_.abort_at >= 0 && options_.abort_at <= now) {
      options_.abort_at = -1;
      asked_back_ = !backwards_ && may_abort();
      if (asked_back_) {
        stopped_ = true;
        tell("an operator stops the run, to abort it");
        machine_->request_stop("operator");
      }
    }
  }
  if (dead_of_ != nullptr || people_.waiting.empty()) return more;
  std::vector<std::uint64_t> due;
  std::erase_if(people_.waiting, [&](const auto &w) {
    if (w.first > now) return false;
    due.push_back(w.second);
    return true;
  });
  for (const std::uint64_t id : due) machine_->person_answered(id, "yes", "nobody");
  return more || !due.empty();
}

bool Run::advance() {
  bool more = turn(0);
  for (int turns = 0; turns < kTurns && more && (!machine_->quiet() || !people_.waiting.empty()); ++turns)
    more = turn(kStep);
  return more && turn(0);
}

bool Run::finish() {
  for (int turns = 0; turns < kTurns; ++turns) {
    const bool more = turn(kStep);
    if (dead_of_ != nullptr) {
      revive();
      continue;
    }
    if (more) continue;
    for (machine::Record &r : std::exchange(journal_.pending, {})) keep(std::move(r));
    if (taken_up_again()) continue;
    if (options_.model.timed) {
      const std::vector<Fault> &faults = options_.model.faults;
      const bool only =
          std::all_of(faults.begin(), faults.end(), [](const Fault &f) { return f.kind == Fault::Kind::controller; });
      // Time that a person has limited runs on while the controller is away (R13).
      const bool limits = std::any_of(journal_.records.begin(), journal_.records.end(), [](const machine::Record &r) {
        return r.event == machine::Event::limit_started;
      });
      const bool nothing_yet = stopped_ && machine_->ending().status == machine::Status::refused;
      obligations_.ended(machine_->ending(), only && !limits && !options_.next_window && !nothing_yet);
    }
    return true;
  }
  return false;
}

std::optional<machine::Value> Run::answer(plan::NodeId expression, std::span<const machine::Value> slots) {
  return model_.answer(expression, slots);
}
machine::Value Run::settle(plan::NodeId expression, std::span<const machine::Value> slots, machine::Value unknown) {
  return model_.settle(expression, slots, std::move(unknown));
}

void Run::moved(const machine::Move &move, int way) {
  if (dead_of_ != nullptr) return;
  const std::size_t owed = obligations_.violations().size(), broken = monitor_.violations().size();
  if (options_.model.timed) obligations_.moved(move);
  model_.moved(move, way);
  monitor_.moved(move, way);
  if (options_.model.timed && move.kind == machine::Move::Kind::start) obligations_.weigh_now();
  if (options_.listener == nullptr) return;
  options_.listener->moved(clock_.monotonic(), move);
  for (std::size_t i = owed; i < obligations_.violations().size(); ++i)
    tell("RULE BROKEN: " + obligations_.violations()[i].rule + ": " + obligations_.violations()[i].text);
  for (std::size_t i = broken; i < monitor_.violations().size(); ++i)
    tell("RULE BROKEN: " + monitor_.violations()[i].rule + ": " + monitor_.violations()[i].text);
}

}  // namespace upg::simulate
