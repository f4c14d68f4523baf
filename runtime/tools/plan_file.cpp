#include "runtime/tools/plan_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "runtime/diagnostics/explain.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"

namespace upg::run {

std::optional<PlanFile> load(const std::string &path, diagnostics::Color color, Exit &exit) {
  PlanFile file;
  diagnostics::Sources disk;
  std::string why;
  exit = Exit::usage;
  auto id = disk.load(path, plan::bytecode_limit, why);
  if (!id) {
    fmt::print(stderr, "upgrun: {}: {}\n", path, why);
    return std::nullopt;
  }
  file.bytes = std::string(disk.text(*id));
  diagnostics::TextStyle style;
  style.color = diagnostics::use_color(color, STDERR_FILENO);
  plan::ReadResult result = plan::read(file.bytes);
  if (!result.plan) {
    const auto &row = plan::info(result.error->kind);
    auto kind = diagnostics::find_kind(row.code);
    if (kind)
      file.sink.report(*kind, {}, fmt::format("`{}`: {}", path, result.error->message)).help(std::string(row.hint));
    fmt::print(stderr, "{}", diagnostics::render_text(file.sink, file.sources, style));
    if (!plan::peek(file.bytes).is_plan)
      fmt::print(stderr, "upgrun runs compiled plans: `upgc build {} -o plan.upgb` makes one\n", path);
    return std::nullopt;
  }
  file.plan = std::move(*result.plan);
  file.digest = plan::digest_hex(file.bytes);
  std::error_code ec;
  file.path = std::filesystem::absolute(path, ec).lexically_normal();
  for (const auto &f : file.plan.files)
    file.sources.add(std::string(file.plan.text(f.path)), std::string(file.plan.text(f.text)));
  file.proof = safety::check(file.plan, std::time(nullptr) / 86'400, file.sink);
  if (file.sink.errors() > 0 || file.sink.warnings() > 0)
    fmt::print(stderr, "{}", diagnostics::render_text(file.sink, file.sources, style));
  if (file.sink.errors() > 0) {
    exit = Exit::refused;
    return std::nullopt;
  }
  exit = Exit::done;
  return file;
}

bool digest_matches(const std::string &digest, std::string wish) {
  std::transform(wish.begin(), wish.end(), wish.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return wish.size() >= 12 && digest.starts_with(wish);
}

}  // namespace upg::run
