#include "runtime/report/live_status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runtime/report/tell.h"

namespace upg::report {
namespace {

using Json = nlohmann::json;

std::string host_name(const plan::Plan &plan, plan::HostId host) {
  return host.valid() ? std::string(plan.text(plan.hosts[host.index].name)) : std::string();
}

Json activity(const plan::Plan &plan, const machine::Activity &a, std::int64_t unix_ms, machine::Millis now) {
  return {{"key", a.key},
          {"host", host_name(plan, a.host)},
          {"what", a.what},
          {"detail", a.detail},
          {"since_unix_ms", a.since_unix_ms},
          {"until_unix_ms", a.deadline_ms > 0 ? unix_ms + a.deadline_ms - now : 0}};
}

std::string text(const Json &j, const char *name) {
  auto it = j.find(name);
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}
std::int64_t number(const Json &j, const char *name) {
  auto it = j.find(name);
  return it != j.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}
const Json &list(const Json &j, const char *name) {
  static const Json none = Json::array();
  auto it = j.find(name);
  return it != j.end() && it->is_array() ? *it : none;
}

}  // namespace

std::string live_json(const plan::Plan &plan, const std::string &run, const machine::Machine &machine,
                      std::int64_t unix_ms, machine::Millis now) {
  static constexpr const char *kStates[] = {"running", "pausing", "paused", "stopping"};
  Json j = {{"schema", 1},
            {"run", run},
            {"plan", plan.text(plan.name)},
            {"pid", static_cast<std::int64_t>(::getpid())},
            {"state", kStates[static_cast<int>(machine.wish())]},
            {"now_unix_ms", unix_ms},
            {"window_end_unix_ms", machine.window_end_unix_ms().value_or(0)}};
  for (const char *name : {"under_way", "commands", "silent", "holds", "asks", "next"}) j[name] = Json::array();
  for (const auto &a : machine.activities()) j["under_way"].push_back(activity(plan, a, unix_ms, now));
  for (const auto &a : machine.running()) j["commands"].push_back(activity(plan, a, unix_ms, now));
  for (const auto &s : machine.silent())
    j["silent"].push_back({{"host", host_name(plan, s.host)},
                           {"since_unix_ms", s.since_unix_ms},
                           {"until_unix_ms", s.until_unix_ms},
                           {"why", s.why}});
  for (const auto &h : machine.holds())
    j["holds"].push_back({{"hold", h.name + "(" + h.arguments + ")"},
                          {"since_unix_ms", h.since_unix_ms},
                          {"found_on", h.found_on},
                          {"why", h.why}});
  for (const auto &q : machine.questions())
    j["asks"].push_back({{"question", q.id}, {"text", q.text}, {"yes_or_no", q.confirm}});
  for (const auto &n : machine.next_steps()) j["next"].push_back({{"after", n.after}, {"what", n.what}});
  return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<std::string> live_text(const std::string &source) {
  const Json j = Json::parse(source, nullptr, false);
  if (!j.is_object() || number(j, "schema") != 1) return std::nullopt;
  const std::int64_t now = number(j, "now_unix_ms");
  auto since = [&](const Json &row) {
    const std::int64_t at = number(row, "since_unix_ms");
    return fmt::format("since {}, {}", clock_time(at), duration(now - at));
  };
  std::string out = printable(fmt::format("run {} of {}: {}, by process {}", text(j, "run"), text(j, "plan"),
                                          text(j, "state"), number(j, "pid"))) +
                    "\n";
  auto line = [&](const char *head, const std::string &body) {
    out += fmt::format("  {:<8} {}\n", head, printable(body));
  };
  if (const std::int64_t end = number(j, "window_end_unix_ms"); end > 0)
    line("window", fmt::format("{} left, until {}", duration(std::max<std::int64_t>(0, end - now)), clock_time(end)));
  for (const Json &a : list(j, "under_way")) {
    bool outer = false;  // something inside of it says more
    for (const Json &b : list(j, "under_way"))
      outer = outer || (text(b, "key").size() > text(a, "key").size() && text(b, "key").starts_with(text(a, "key")));
    if (outer) continue;
    std::string host = text(a, "host");
    std::string body = fmt::format("{}{} ({}", host.empty() ? "" : host + ": ", text(a, "what"), since(a));
    if (number(a, "until_unix_ms") > now)
      body += fmt::format(", at most {} more", duration(number(a, "until_unix_ms") - now));
    body += ")";
    if (!text(a, "detail").empty()) body += ": " + text(a, "detail");
    line("now", body);
  }
  for (const Json &a : list(j, "commands"))
    line("command", fmt::format("{}: {} ({})", text(a, "host"), text(a, "what"), since(a)));
  for (const Json &s : list(j, "silent"))
    line("silent", fmt::format("{} does not answer ({}): {}", text(s, "host"), since(s), text(s, "why")));
  for (const Json &h : list(j, "holds"))
    line("held", fmt::format("{} ({}){}", text(h, "hold"), since(h),
                             h.value("found_on", Json()) == Json(true) ? ", it was on before" : ""));
  const bool several = list(j, "asks").size() > 1;
  for (const Json &q : list(j, "asks"))
    line("asks", fmt::format("{}: upgrun answer {}{} {}", text(q, "text"),
                             several ? fmt::format("--question {} ", number(q, "question")) : std::string(),
                             q.value("yes_or_no", Json()) == Json(true) ? "yes|no" : "TEXT", text(j, "run")));
  for (const Json &n : list(j, "next")) line("next", text(n, "what"));
  return out;
}

}  // namespace upg::report
