#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/painter.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

struct Marked {
  Range range;  // valid, clamped into its file
  std::string_view text;
  Paint paint = Paint::gutter;
  char sign = '-';  // '^' for the primary place
};

/// The range clamped into its file; an invalid one if its file is not in `sources`.
Range clamped(Range range, const Sources &sources);

/// Line on which a clamped range ends; a final line feed belongs to the line that it ends.
std::uint32_t last_line(Range range, const Sources &sources);

/// "<pad>NN | ", "<pad>   | ": what stands left of an excerpt.
void put_gutter(Painter &out, std::size_t width, std::uint32_t line);
void put_gutter(Painter &out, std::size_t width, std::string_view bar = "|");

/// The lines of one file that the marks touch, with the marks and their texts below them.
void put_excerpt(Painter &out, const Sources &sources, std::span<const Marked> marks, std::size_t gutter,
                 const TextStyle &style);

/// A fix as the line that it makes, with + and ~ below what is new, or as removed and added lines.
/// False, and nothing written, if its edits do not fit together.
bool put_fix(Painter &out, const Sources &sources, const FixIt &fix, std::size_t gutter, const TextStyle &style);

}  // namespace upg::diagnostics
