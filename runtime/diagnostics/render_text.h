#pragma once
#include <cstdint>
#include <string>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

enum class Color : std::uint8_t { automatic, always, never };

/// Whether output to `descriptor` is coloured: on request, else only on a terminal that is not "dumb" and without
/// NO_COLOR.
bool use_color(Color wish, int descriptor);

struct TextStyle {
  bool color = false;
  std::uint32_t tab_width = 4;
  std::uint32_t line_bytes = 200;  // longer source lines are cut to what lies around their labels
};

/// One diagnostic as text for a person, with excerpts, ending in a line feed. Bytes that could act on a terminal are
/// escaped. A range outside its file is clamped to it; one in no file of `sources` is shown without an excerpt.
std::string render_text(const Diagnostic &diagnostic, const Sources &sources, const TextStyle &style = {});

/// All diagnostics of a sink, a blank line after each, and the closing line. Empty if there are none.
std::string render_text(const Sink &sink, const Sources &sources, const TextStyle &style = {});

/// "2 errors, 1 warning", "no errors"; without a line feed.
std::string summary(const Sink &sink);

}  // namespace upg::diagnostics
