#pragma once
#include <optional>
#include <string>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"
#include "runtime/tools/command.h"

namespace upg::run {

/// A .upgb file, read and proved again.
struct PlanFile {
  std::string bytes;
  std::string digest;
  std::string path;  // absolute
  diagnostics::Sources sources;
  diagnostics::Sink sink;
  plan::Plan plan;
  safety::Proof proof;
};

/// Reads the file and repeats every check. Prints what is wrong; `exit` says how to end then.
std::optional<PlanFile> load(const std::string &path, diagnostics::Color color, Exit &exit);

/// Whether `wish` names this digest: all of it or a beginning of at least 12 digits.
bool digest_matches(const std::string &digest, std::string wish);

}  // namespace upg::run
