#include "runtime/diagnostics/render_text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {

bool use_color(Color wish, int descriptor) {
  if (wish != Color::automatic) return wish == Color::always;
  const char *no_color = std::getenv("NO_COLOR");
  const char *term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return ::isatty(descriptor) == 1;
}

std::string render_text(const Diagnostic &diagnostic, const Sources &sources, const TextStyle &) {
  const char *severity = diagnostic.severity() == Severity::error ? "error" : "warning";
  std::string out = fmt::format("{}[{}]: {}\n", severity, info(diagnostic.kind).code, printable(diagnostic.message));
  const Range place = diagnostic.primary.range;
  if (place.valid() && place.file.index < sources.size()) {
    const Position at = sources.position(place.file, place.begin);
    out += fmt::format(" --> {}:{}:{}\n", printable(sources.path(place.file)), at.line, at.column);
  }
  for (const std::string &note : diagnostic.notes) out += fmt::format("  = note: {}\n", printable(note));
  for (const std::string &help : diagnostic.helps) out += fmt::format("  = help: {}\n", printable(help));
  return out;
}

std::string summary(const Sink &sink) {
  const auto count = [](std::size_t n, const char *what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); };
  if (sink.errors() == 0 && sink.warnings() == 0) return "no errors";
  std::string out;
  if (sink.errors() > 0) out = count(sink.errors(), "error");
  if (sink.warnings() > 0) out += (out.empty() ? "" : ", ") + count(sink.warnings(), "warning");
  if (sink.dropped() > 0) out += fmt::format(" ({} not shown)", sink.dropped());
  return out;
}

std::string render_text(const Sink &sink, const Sources &sources, const TextStyle &style) {
  std::string out;
  for (const Diagnostic &diagnostic : sink.all()) out += render_text(diagnostic, sources, style) + "\n";
  if (!sink.all().empty()) out += summary(sink) + "\n";
  return out;
}

}  // namespace upg::diagnostics
