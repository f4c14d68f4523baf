#include "runtime/tools/changed_plan.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "runtime/machine/past.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/report/diff.h"
#include "runtime/report/tell.h"

namespace upg::run {
namespace {

constexpr std::size_t kShown = 60;  // lines

struct Other {
  plan::Plan plan;
  std::string digest;
};

/// The plan in that file, if there is one; it is only looked at.
std::optional<Other> plan_at(const std::string &path) {
  std::error_code ec;
  if (path.empty() || !std::filesystem::is_regular_file(path, ec)) return std::nullopt;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec || size > plan::bytecode_limit) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) return std::nullopt;
  plan::ReadResult result = plan::read(bytes);
  if (!result.plan) return std::nullopt;
  return Other{std::move(*result.plan), plan::digest_hex(bytes)};
}

void print_changes(const plan::Plan &before, const std::string &before_digest, const plan::Plan &after,
                   const std::string &after_digest) {
  report::PlanSide a{before, before_digest, nullptr, {}}, b{after, after_digest, nullptr, {}};
  const std::string text = report::printable_lines(report::render_diff_text(a, b, report::compare(a, b)));
  std::size_t lines = 0, at = 0;
  while (at < text.size() && lines < kShown) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
    fmt::print(stderr, "  {}\n", std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++lines;
  }
  if (at < text.size()) fmt::print(stderr, "  ...; `upgc diff` shows all of it\n");
}

}  // namespace

bool plan_changed(const report::RunFolder &folder, const machine::Record &started, const PlanFile &found,
                  const SessionOptions &options) {
  const std::string was = machine::field_of(started, "digest");
  const std::string path = machine::field_of(started, "path");
  std::optional<Other> now = plan_at(path);
  if (was != found.digest) {
    fmt::print(
        stderr,
        "upgrun: the plan in {} is not the one that was started; a run goes on with its own plan only\n  started "
        "{}\n  found   {}\n",
        report::printable(folder.path()), report::printable(was), found.digest);
    if (now && now->digest == was) {
      print_changes(now->plan, now->digest, found.plan, found.digest);
      fmt::print(stderr, "  help: the plan that was started is still in {}: cp it to {}\n", report::printable(path),
                 report::printable(folder.file("plan.upgb")));
    }
    return true;
  }
  if (!now || now->digest == was || options.as_started) return false;
  if (now->plan.text(now->plan.name) != found.plan.text(found.plan.name)) return false;  // the name is used otherwise
  fmt::print(stderr, "upgrun: {} has changed since this run was started from it\n  started {}\n  now     {}\n",
             report::printable(path), was, now->digest);
  print_changes(found.plan, found.digest, now->plan, now->digest);
  fmt::print(stderr,
             "  help: a run goes on with the plan that was proved and started: `upgrun resume {} --as-started` does "
             "that; to use the new plan, end this run (resume or abort), then start the new one\n",
             folder.id());
  return true;
}

}  // namespace upg::run
