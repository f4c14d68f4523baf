#include "runtime/report/run_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/machine/past.h"
#include "runtime/report/tell.h"

namespace upg::report {
namespace {

using machine::Event;
using machine::field_of;
using machine::Record;

struct Step {
  std::string host, action, outcome, detail;
  int attempts = 0;
  std::int64_t began_ms = 0, ended_ms = 0;
};

struct Facts {
  std::vector<Step> steps;
  std::map<std::string, std::string> boots_first, boots_last;
  std::vector<std::pair<std::string, std::string>> holds;  // text, time
  std::vector<std::string> confirmations, waivers;
  std::vector<std::string> detours;                         // attempts, lost hosts, waits for a window, the way back
  std::vector<std::pair<std::int64_t, std::string>> waits;  // longest gates: ms, text
  std::vector<std::string> holds_left;
};

Facts gather(const std::vector<Record> &records) {
  Facts f;
  std::map<std::string, std::size_t> open;
  std::map<std::string, std::int64_t> waiting_since;
  std::map<std::string, std::string> held;
  for (const Record &r : records) {
    switch (r.event) {
      case Event::identity_seen:
        f.boots_first.emplace(field_of(r, "host"), field_of(r, "boot_id"));
        f.boots_last[field_of(r, "host")] = field_of(r, "boot_id");
        break;
      case Event::boot_seen:
        f.boots_last[field_of(r, "host")] = field_of(r, "boot_id");
        break;
      case Event::act_intended: {
        auto [it, fresh] = open.emplace(r.key, f.steps.size());
        if (fresh)
          f.steps.push_back({field_of(r, "host"), field_of(r, "action"), "unknown", "", 0, r.unix_ms, r.unix_ms});
        ++f.steps[it->second].attempts;
        break;
      }
      case Event::act_skipped:
        f.steps.push_back({"", field_of(r, "action"), "skipped", field_of(r, "reason"), 0, r.unix_ms, r.unix_ms});
        break;
      case Event::act_ended:
        if (auto it = open.find(r.key); it != open.end()) {
          Step &s = f.steps[it->second];
          s.outcome = field_of(r, "outcome");
          s.detail = field_of(r, "detail");
          s.ended_ms = r.unix_ms;
        }
        break;
      case Event::gate_waiting:
        waiting_since.emplace(r.key, r.unix_ms);
        break;
      case Event::gate_passed:
      case Event::gate_failed:
        if (auto it = waiting_since.find(r.key); it != waiting_since.end()) {
          f.waits.emplace_back(r.unix_ms - it->second, field_of(r, "gate"));
          waiting_since.erase(it);
        }
        break;
      case Event::hold_taken:
        f.holds.emplace_back(fmt::format("{}({}) taken", field_of(r, "hold"), field_of(r, "arguments")),
                             clock_time(r.unix_ms));
        held[r.key] = fmt::format("{}({})", field_of(r, "hold"), field_of(r, "arguments"));
        break;
      case Event::hold_released:
        f.holds.emplace_back(fmt::format("{}({}) released", field_of(r, "hold"), field_of(r, "arguments")),
                             clock_time(r.unix_ms));
        held.erase(r.key);
        break;
      case Event::confirmed:
        f.confirmations.push_back(fmt::format("{} {} answered {} to: {}", clock_time(r.unix_ms), field_of(r, "who"),
                                              field_of(r, "answer"), field_of(r, "text")));
        break;
      case Event::attempt_failed:
      case Event::recovery_chosen:
      case Event::host_lost:
      case Event::outage_overrun:
      case Event::window_awaited:
      case Event::abort_started:
      case Event::step_undone:
        f.detours.push_back(fmt::format("{} {}", clock_time(r.unix_ms), tell(r)));
        break;
      case Event::waiver_used:
        f.waivers.push_back(fmt::format("{}: {}", field_of(r, "rule"), field_of(r, "reason")));
        break;
      default:
        break;
    }
  }
  for (const auto &[key, text] : held) f.holds_left.push_back(text);
  return f;
}

std::string date_time(std::int64_t unix_ms) {
  std::time_t t = unix_ms / 1000;
  std::tm local{};
  localtime_r(&t, &local);
  return fmt::format("{:%Y-%m-%d %H:%M:%S %Z}", local);
}

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

std::string text_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<Record> &records) {
  RunSummary s = summarize(records);
  Facts f = gather(records);
  std::string out = fmt::format(
      "run {}\n{} {} of {}{}\nplan digest {}\n\nstatus {}{}\nbegan  {}\nended  {} ({})\n", run,
      plan.kind == plan::PlanKind::repair ? "repair" : "upgrade", plan.text(plan.name), plan.text(plan.cluster),
      plan.to.valid() ? fmt::format(", {} -> {}", plan.text(plan.from), plan.text(plan.to)) : std::string(), digest,
      s.status, s.reason.empty() ? "" : ": " + s.reason, date_time(s.began_ms), date_time(s.ended_ms),
      duration(s.ended_ms - s.began_ms));
  if (!f.holds_left.empty()) {
    out += "\nHOLDS STILL IN FORCE\n";
    for (const auto &h : f.holds_left) out += "  " + h + "\n";
  }
  if (!f.detours.empty()) {
    out += "\nwhat did not go straight on\n";
    for (const auto &d : f.detours) out += "  " + d + "\n";
  }
  if (!f.waivers.empty()) {
    out += "\naccepted risks that came into force\n";
    for (const auto &w : f.waivers) out += "  " + w + "\n";
  }
  out += "\nhosts\n";
  for (const auto &[host, first] : f.boots_first) {
    const std::string &last = f.boots_last[host];
    out += fmt::format("  {:<16} boot {}{}\n", host, first.substr(0, 8),
                       last == first ? " (not rebooted)" : " -> " + last.substr(0, 8));
  }
  out += "\nactions\n";
  for (const Step &step : f.steps) {
    out += fmt::format("  {} {:<9} {:>7}  {}{}{}\n", clock_time(step.began_ms), step.outcome,
                       step.outcome == "skipped" ? "" : duration(step.ended_ms - step.began_ms), step.action,
                       step.attempts > 1 ? fmt::format(", {} attempts", step.attempts) : "",
                       step.detail.empty() ? "" : ": " + step.detail);
  }
  if (!f.holds.empty()) {
    out += "\nholds\n";
    for (const auto &[text, time] : f.holds) out += fmt::format("  {} {}\n", time, text);
  }
  if (!f.waits.empty()) {
    std::sort(f.waits.rbegin(), f.waits.rend());
    out += "\nlongest waits for gates that did not pass at once\n";
    for (std::size_t i = 0; i < f.waits.size() && i < 10; ++i)
      out += fmt::format("  {:>7}  {}\n", duration(f.waits[i].first), f.waits[i].second);
  }
  if (!f.confirmations.empty()) {
    out += "\nanswered by people\n";
    for (const auto &c : f.confirmations) out += "  " + c + "\n";
  }
  std::string safe;
  for (std::size_t at = 0; at < out.size();) {
    std::size_t end = out.find('\n', at);
    if (end == std::string::npos) end = out.size();
    safe += printable(std::string_view(out).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return safe;
}

std::string json_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<Record> &records) {
  using Json = nlohmann::json;
  RunSummary s = summarize(records);
  Facts f = gather(records);
  Json j = {{"schema", 1},
            {"run", run},
            {"plan", plan.text(plan.name)},
            {"cluster", plan.text(plan.cluster)},
            {"digest", digest},
            {"status", s.status},
            {"reason", s.reason},
            {"began_unix_ms", s.began_ms},
            {"ended_unix_ms", s.ended_ms}};
  j["hosts"] = Json::array();
  for (const auto &[host, first] : f.boots_first)
    j["hosts"].push_back({{"name", host}, {"boot_id_before", first}, {"boot_id_after", f.boots_last[host]}});
  j["actions"] = Json::array();
  for (const Step &step : f.steps)
    j["actions"].push_back({{"host", step.host},
                            {"action", step.action},
                            {"outcome", step.outcome},
                            {"detail", step.detail},
                            {"attempts", step.attempts},
                            {"began_unix_ms", step.began_ms},
                            {"ended_unix_ms", step.ended_ms}});
  j["holds_in_force"] = f.holds_left;
  j["detours"] = f.detours;
  j["waivers"] = f.waivers;
  j["events"] = Json::array();
  for (const Record &r : records) {
    Json data = Json::parse(r.data, nullptr, false);
    j["events"].push_back({{"number", r.number},
                           {"unix_ms", r.unix_ms},
                           {"event", machine::info(r.event).name},
                           {"key", r.key},
                           {"data", data.is_object() ? data : Json::object()}});
  }
  return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace upg::report
