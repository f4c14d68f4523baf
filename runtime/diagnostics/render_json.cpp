#include "runtime/diagnostics/render_json.h"

#include <nlohmann/json.hpp>

#include "runtime/diagnostics/excerpt.h"

namespace upg::diagnostics {
namespace {

using Json = nlohmann::ordered_json;

Json position(const Sources &sources, FileId file, std::uint32_t byte) {
  const Position at = sources.position(file, byte);
  return {{"byte", byte}, {"line", at.line}, {"column", at.column}};
}

Json location(const Sources &sources, Range range) {
  range = clamped(range, sources);
  if (!range.valid()) return nullptr;
  return {{"file", sources.path(range.file)},
          {"begin", position(sources, range.file, range.begin)},
          {"end", position(sources, range.file, range.end)}};
}

Json one(const Diagnostic &diagnostic, const Sources &sources) {
  Json labels = Json::array(), fixes = Json::array(), schedule = Json::array();
  for (const Label &label : diagnostic.secondary) {
    labels.push_back({{"location", location(sources, label.range)}, {"text", label.text}});
  }
  for (const FixIt &fix : diagnostic.fixes) {
    Json edits = Json::array();
    for (const Edit &edit : fix.edits) {
      edits.push_back({{"location", location(sources, edit.range)}, {"replacement", edit.replacement}});
    }
    fixes.push_back({{"title", fix.title}, {"edits", std::move(edits)}});
  }
  for (const ScheduleStep &step : diagnostic.schedule) {
    schedule.push_back({{"host", step.host.empty() ? Json(nullptr) : Json(step.host)},
                        {"text", step.text},
                        {"location", location(sources, step.where)}});
  }
  const KindInfo &kind = info(diagnostic.kind);
  return {{"code", kind.code},
          {"kind", kind.name},
          {"severity", diagnostic.severity() == Severity::error ? "error" : "warning"},
          {"message", diagnostic.message},
          {"location", location(sources, diagnostic.primary.range)},
          {"label", diagnostic.primary.text},
          {"labels", std::move(labels)},
          {"notes", diagnostic.notes},
          {"helps", diagnostic.helps},
          {"fixes", std::move(fixes)},
          {"schedule", std::move(schedule)}};
}

}  // namespace

std::string render_json(const Sink &sink, const Sources &sources) {
  Json list = Json::array();
  for (const Diagnostic &diagnostic : sink.all()) list.push_back(one(diagnostic, sources));
  const Json document = {{"schema", "upg.diagnostics"}, {"version", kJsonSchemaVersion},
                         {"errors", sink.errors()},     {"warnings", sink.warnings()},
                         {"dropped", sink.dropped()},   {"diagnostics", std::move(list)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace upg::diagnostics
