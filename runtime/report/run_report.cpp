#include "runtime/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/machine/past.h"
#include "runtime/report/facts.h"
#include "runtime/report/tell.h"

namespace upg::report {

using machine::Record;

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
  auto lines = [&out](const char *title, const auto &things, auto line) {
    std::string text;
    for (const auto &thing : things)
      if (std::string one = line(thing); !one.empty()) text += "  " + one + "\n";
    if (!text.empty()) out += fmt::format("\n{}\n{}", title, text);
  };
  lines("HOLDS STILL IN FORCE", f.holds, [](const HoldSpan &h) { return h.taken_ms && !h.released_ms ? h.text : ""; });
  lines("what did not go straight on", f.detours,
        [](const Said &d) { return fmt::format("{} {}", clock_time(d.ms), d.text); });
  lines("accepted risks that came into force", f.waivers, [](const Said &w) { return w.text; });
  out += "\nhosts\n";
  for (const HostFacts &h : f.hosts) {
    const std::string &first = h.boots.front().id, &last = h.boots.back().id;
    out += fmt::format("  {:<16} boot {}{}\n", h.name, first.substr(0, 8),
                       last == first ? " (not rebooted)" : " -> " + last.substr(0, 8));
  }
  out += "\nactions\n";
  for (const Step &step : f.steps) {
    out += fmt::format("  {} {:<9} {:>7}  {}{}{}\n", clock_time(step.began_ms), step.outcome,
                       step.outcome == "skipped" || !step.ended_ms ? "" : duration(step.ended_ms - step.began_ms),
                       step.action, step.attempts > 1 ? fmt::format(", {} attempts", step.attempts) : "",
                       step.detail.empty() ? "" : ": " + step.detail);
  }
  lines("holds", f.holds, [](const HoldSpan &h) {
    if (!h.taken_ms) return std::string();
    return fmt::format("{} {} taken{}", clock_time(h.taken_ms), h.text,
                       h.released_ms ? ", released " + clock_time(h.released_ms) : "");
  });
  std::vector<const GateWait *> waits;
  for (const GateWait &g : f.gates)
    if (g.waited && g.ended_ms) waits.push_back(&g);
  std::sort(waits.begin(), waits.end(),
            [](const GateWait *a, const GateWait *b) { return a->ended_ms - a->began_ms > b->ended_ms - b->began_ms; });
  if (waits.size() > 10) waits.resize(10);
  lines("longest waits for gates that did not pass at once", waits,
        [](const GateWait *g) { return fmt::format("{:>7}  {}", duration(g->ended_ms - g->began_ms), g->gate); });
  lines("answered by people", f.confirmations, [](const Confirmation &c) {
    return fmt::format("{} {} answered {} to: {}", clock_time(c.ms), c.who, c.answer, c.text);
  });
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
  for (const HostFacts &h : f.hosts)
    j["hosts"].push_back({{"name", h.name},
                          {"machine_id", h.machine_id},
                          {"boot_id_before", h.boots.front().id},
                          {"boot_id_after", h.boots.back().id}});
  j["controllers"] = Json::array();
  for (const Session &c : f.sessions)
    j["controllers"].push_back(
        {{"user", c.user}, {"pid", c.pid}, {"began_unix_ms", c.began_ms}, {"ended_unix_ms", c.ended_ms}});
  j["actions"] = Json::array();
  for (const Step &step : f.steps) {
    Json commands = Json::array();
    for (const Step::Command &c : step.commands)
      commands.push_back({{"host", c.host}, {"text", c.text}, {"unix_ms", c.ms}});
    j["actions"].push_back({{"key", step.key},
                            {"host", step.host},
                            {"action", step.action},
                            {"outcome", step.outcome},
                            {"detail", step.detail},
                            {"attempts", step.attempts},
                            {"commands", std::move(commands)},
                            {"began_unix_ms", step.began_ms},
                            {"ended_unix_ms", step.ended_ms}});
  }
  j["gates"] = Json::array();
  for (const GateWait &g : f.gates)
    j["gates"].push_back({{"key", g.key},
                          {"host", g.host},
                          {"gate", g.gate},
                          {"result", g.result},
                          {"answer", g.answer},
                          {"began_unix_ms", g.began_ms},
                          {"ended_unix_ms", g.ended_ms}});
  j["holds"] = Json::array();
  j["holds_in_force"] = Json::array();
  for (const HoldSpan &h : f.holds) {
    j["holds"].push_back({{"hold", h.text},
                          {"was", h.was},
                          {"taken_unix_ms", h.taken_ms},
                          {"released_unix_ms", h.released_ms},
                          {"because", h.because}});
    if (h.taken_ms && !h.released_ms) j["holds_in_force"].push_back(h.text);
  }
  j["outages"] = Json::array();
  for (const Outage &o : f.outages)
    j["outages"].push_back(
        {{"host", o.host}, {"role", o.role}, {"opened_unix_ms", o.opened_ms}, {"closed_unix_ms", o.closed_ms}});
  j["confirmations"] = Json::array();
  for (const Confirmation &c : f.confirmations)
    j["confirmations"].push_back({{"unix_ms", c.ms}, {"who", c.who}, {"answer", c.answer}, {"text", c.text}});
  j["detours"] = Json::array();
  for (const Said &d : f.detours) j["detours"].push_back(fmt::format("{} {}", clock_time(d.ms), d.text));
  j["waivers"] = Json::array();
  for (const Said &w : f.waivers) j["waivers"].push_back(w.text);
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
