#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/report/diff_parts.h"

namespace upg::report {

constexpr std::size_t kNoLine = SIZE_MAX;

/// One step of a block with what encloses it.
struct Line {
  plan::Op op;
  plan::NodeId node;
  std::string head;   // what kind of step about what: "await store.data_safe", "rolling"
  std::string print;  // with arguments, independent of names
  std::string words;  // as a reader knows it
  std::size_t parent = kNoLine;
  plan::NodeId dag = {};  // of a phase: the graph whose phases it counts
};

/// A body (none: an invalid node) as lines in the order of the text.
std::vector<Line> lines_of(const Side &side, const plan::Frame &frame, plan::NodeId body);

/// Partners of the lines of two bodies: as many as can keep their order, then the same step at another place, then the
/// same kind of step about something else. At most 16 million cells of work for the order; above, by name alone.
struct Matching {
  std::vector<std::size_t> to_b, to_a;  // kNoLine: none
  std::vector<bool> moved;              // of a's lines: stands elsewhere in the order
};
Matching match(const std::vector<Line> &a, const std::vector<Line> &b);

}  // namespace upg::report
