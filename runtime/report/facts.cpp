#include "runtime/report/facts.h"

#include <fmt/format.h>

#include <map>

#include "runtime/machine/past.h"
#include "runtime/report/tell.h"

namespace upg::report {
namespace {

using machine::Event;
using machine::field_of;
using machine::Record;

constexpr std::size_t kAnswers = 50;    // of one gate
constexpr std::size_t kCommands = 400;  // of one action

class Gatherer {
 public:
  explicit Gatherer(Facts &facts) : f_(facts) {}

  void take(const Record &r) {
    if (r.event == Event::run_started || r.event == Event::run_resumed)
      f_.sessions.push_back({field_of(r, "user"), field_of(r, "pid"), r.unix_ms, r.unix_ms});
    if (!f_.sessions.empty()) f_.sessions.back().ended_ms = r.unix_ms;
    switch (r.event) {
      case Event::identity_seen:
      case Event::boot_seen:
        host(r);
        break;
      case Event::act_intended:
      case Event::act_skipped:
      case Event::act_ended:
      case Event::command_started:
      case Event::step_undone:
        step(r);
        break;
      case Event::gate_waiting:
      case Event::gate_passed:
      case Event::gate_failed:
        gate(r);
        break;
      case Event::hold_intended:
      case Event::hold_taken:
      case Event::hold_released:
        hold(r);
        break;
      case Event::outage_opened:
      case Event::outage_closed:
        outage(r);
        break;
      case Event::iteration_started:
      case Event::iteration_ended:
        turn(r);
        break;
      case Event::confirmed:
        f_.confirmations.push_back({r.unix_ms, field_of(r, "who"), field_of(r, "answer"), field_of(r, "text")});
        break;
      case Event::waiver_used:
        f_.waivers.push_back({r.unix_ms, fmt::format("{}: {}", field_of(r, "rule"), field_of(r, "reason"))});
        break;
      default:
        break;
    }
    switch (r.event) {
      case Event::attempt_failed:
      case Event::recovery_chosen:
      case Event::host_lost:
      case Event::outage_overrun:
      case Event::window_awaited:
      case Event::stop_requested:
      case Event::abort_started:
      case Event::step_undone:
        f_.detours.push_back({r.unix_ms, tell(r)});
        break;
      default:
        break;
    }
  }

 private:
  void host(const Record &r) {
    const std::string name = field_of(r, "host"), id = field_of(r, "boot_id");
    auto [it, fresh] = host_of_.emplace(name, f_.hosts.size());
    if (fresh) f_.hosts.push_back({name, {}, {}});
    HostFacts &h = f_.hosts[it->second];
    if (r.event == Event::identity_seen) h.machine_id = field_of(r, "machine_id");
    if (h.boots.empty() || h.boots.back().id != id) h.boots.push_back({id, r.unix_ms});
  }

  void step(const Record &r) {
    if (r.event == Event::act_intended) {
      auto [it, fresh] = step_of_.emplace(r.key, f_.steps.size());
      if (fresh) {
        f_.steps.emplace_back();
        Step &s = f_.steps.back();
        s.key = r.key;
        s.host = field_of(r, "host");
        s.action = field_of(r, "action");
        s.began_ms = r.unix_ms;
      }
      Step &s = f_.steps[it->second];
      ++s.attempts;
      s.outcome = "unknown";
      s.detail.clear();
      s.ended_ms = 0;
      return;
    }
    if (r.event == Event::act_skipped) {
      Step s;
      s.key = r.key;
      s.action = field_of(r, "action");
      s.outcome = "skipped";
      s.detail = field_of(r, "reason");
      s.began_ms = s.ended_ms = r.unix_ms;
      f_.steps.push_back(std::move(s));
      return;
    }
    auto it = step_of_.find(r.key);
    if (it == step_of_.end()) return;
    Step &s = f_.steps[it->second];
    if (r.event == Event::command_started && s.commands.size() < kCommands)
      s.commands.push_back({field_of(r, "host"), field_of(r, "text"), r.unix_ms});
    if (r.event == Event::step_undone) s.undone = true;
    if (r.event == Event::act_ended) {
      s.outcome = field_of(r, "outcome");
      s.detail = field_of(r, "detail");
      s.ended_ms = r.unix_ms;
    }
  }

  void gate(const Record &r) {
    const std::string name = field_of(r, "gate");
    auto [it, fresh] = waiting_.emplace(r.key + "\n" + name, f_.gates.size());
    if (fresh) {
      f_.gates.emplace_back();
      f_.gates.back() = {r.key, field_of(r, "host"), name, "open", {}, r.unix_ms, 0, false, {}};
    }
    GateWait &g = f_.gates[it->second];
    g.answer = field_of(r, "answer");
    if (g.answers.size() >= kAnswers) g.answers.erase(g.answers.begin());
    g.answers.emplace_back(r.unix_ms, g.answer);
    if (r.event == Event::gate_waiting) {
      g.waited = true;
      return;
    }
    g.result = r.event == Event::gate_passed ? "passed" : "failed";
    if (std::string reason = field_of(r, "reason"); !reason.empty()) g.answer = reason + ": " + g.answer;
    g.ended_ms = r.unix_ms;
    waiting_.erase(it);
  }

  void hold(const Record &r) {
    if (r.event == Event::hold_intended) was_[r.key] = field_of(r, "was");
    const std::string text = fmt::format("{}({})", field_of(r, "hold"), field_of(r, "arguments"));
    if (r.event == Event::hold_taken && !held_.count(r.key)) {
      held_[r.key] = f_.holds.size();
      f_.holds.push_back({r.key, text, was_[r.key], {}, r.unix_ms, 0});
    }
    auto it = held_.find(r.key);
    if (r.event != Event::hold_released || it == held_.end()) return;
    f_.holds[it->second].released_ms = r.unix_ms;
    f_.holds[it->second].because = field_of(r, "because");
    held_.erase(it);
  }

  void outage(const Record &r) {
    const std::string host = field_of(r, "host"), role = field_of(r, "role");
    const std::string name = host + "\n" + role;
    auto it = out_.find(name);
    if (r.event == Event::outage_opened && it == out_.end()) {
      out_[name] = f_.outages.size();
      f_.outages.push_back({host, role, r.unix_ms, 0});
    }
    if (r.event != Event::outage_closed || it == out_.end()) return;
    f_.outages[it->second].closed_ms = r.unix_ms;
    out_.erase(it);
  }

  void turn(const Record &r) {
    auto it = turn_.find(r.key);
    if (r.event == Event::iteration_started && it == turn_.end()) {
      turn_[r.key] = f_.turns.size();
      f_.turns.push_back({r.key, field_of(r, "host"), r.unix_ms, 0});
    }
    if (r.event == Event::iteration_ended && it != turn_.end()) f_.turns[it->second].ended_ms = r.unix_ms;
  }

  Facts &f_;
  std::map<std::string, std::size_t> host_of_, step_of_, waiting_, held_, out_, turn_;
  std::map<std::string, std::string> was_;
};

}  // namespace

RunSummary summarize(const std::vector<Record> &records) {
  RunSummary s;
  s.status = "interrupted";
  for (const Record &r : records) {
    if (!s.began_ms) s.began_ms = r.unix_ms;
    s.ended_ms = r.unix_ms;
    if (r.event == Event::run_started || r.event == Event::run_resumed) s.status = "interrupted", s.reason.clear();
    if (r.event == Event::run_ended) s.status = field_of(r, "status"), s.reason = field_of(r, "reason");
  }
  return s;
}

Facts gather(const std::vector<Record> &records) {
  Facts facts;
  Gatherer gatherer(facts);
  for (const Record &r : records) gatherer.take(r);
  return facts;
}

}  // namespace upg::report
