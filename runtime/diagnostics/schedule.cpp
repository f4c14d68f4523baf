#include "runtime/diagnostics/schedule.h"

#include <array>
#include <nlohmann/json.hpp>

namespace upg::diagnostics {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 11> kNames{"told",  "start",  "end",    "pass", "admit", "leave",
                                                  "pause", "choice", "finish", "lose", "abort"};
constexpr std::size_t kMostRejections = 10'000;
constexpr std::size_t kMostSteps = 10'000;

void place(Json &out, const Sources &sources, Range range) {
  out["file"] = nullptr;
  out["line"] = nullptr;
  if (!range.valid() || range.file.index >= sources.size()) return;
  out["file"] = sources.path(range.file);
  out["line"] = sources.position(range.file, range.begin).line;
}

std::string text_of(const nlohmann::json &object, const char *name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string_view name_of(Cue::Kind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::string render_schedules(const Sink &sink, const Sources &sources) {
  Json rejections = Json::array();
  for (const Diagnostic &diagnostic : sink.all()) {
    if (diagnostic.schedule.empty()) continue;
    const KindInfo &kind = info(diagnostic.kind);
    Json rejection = {{"code", kind.code}, {"kind", kind.name}, {"message", diagnostic.message}};
    place(rejection, sources, diagnostic.primary.range);
    Json steps = Json::array();
    for (const ScheduleStep &told : diagnostic.schedule) {
      Json step = {{"kind", name_of(told.cue ? told.cue->kind : Cue::Kind::told)},
                   {"key", told.cue ? Json(told.cue->key) : Json(nullptr)},
                   {"node", told.cue && told.cue->node != Cue::no_node ? Json(told.cue->node) : Json(nullptr)},
                   {"host", told.host.empty() ? Json(nullptr) : Json(told.host)},
                   {"text", told.text}};
      place(step, sources, told.where);
      steps.push_back(std::move(step));
    }
    rejection["steps"] = std::move(steps);
    rejections.push_back(std::move(rejection));
  }
  const Json document = {
      {"schema", "upg.schedule"}, {"version", kScheduleSchemaVersion}, {"rejections", std::move(rejections)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<std::vector<ReadSchedule>> read_schedules(std::string_view text, std::string &problem) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  const auto wrong = [&](const char *why) {
    problem = why;
    return std::nullopt;
  };
  if (!document.is_object() || text_of(document, "schema") != "upg.schedule") return wrong("this is no upg.schedule");
  if (!document.contains("version") || document["version"] != kScheduleSchemaVersion)
    return wrong("this version of upg.schedule is not known");
  if (!document.contains("rejections") || !document["rejections"].is_array() ||
      document["rejections"].size() > kMostRejections)
    return wrong("it holds no list of rejections, or too many");
  std::vector<ReadSchedule> out;
  for (const nlohmann::json &rejection : document["rejections"]) {
    if (!rejection.is_object() || !rejection.contains("steps") || !rejection["steps"].is_array() ||
        rejection["steps"].size() > kMostSteps)
      return wrong("a rejection has no list of steps, or too many");
    ReadSchedule read{text_of(rejection, "code"), text_of(rejection, "kind"), text_of(rejection, "message"), {}};
    for (const nlohmann::json &step : rejection["steps"]) {
      if (!step.is_object()) return wrong("a step is no object");
      const std::string kind = text_of(step, "kind");
      std::size_t at = 0;
      while (at < kNames.size() && kNames[at] != kind) ++at;
      if (at == kNames.size()) return wrong("a step is of an unknown kind");
      ScheduleStep told{text_of(step, "host"), text_of(step, "text"), {}, std::nullopt};
      if (at != 0) {
        Cue cue{static_cast<Cue::Kind>(at), Cue::no_node, text_of(step, "key")};
        const auto node = step.find("node");
        if (node != step.end() && node->is_number_unsigned() && node->get<std::uint64_t>() < Cue::no_node)
          cue.node = node->get<std::uint32_t>();
        told.cue = std::move(cue);
      }
      read.steps.push_back(std::move(told));
    }
    out.push_back(std::move(read));
  }
  return out;
}

}  // namespace upg::diagnostics
