#include "compiler/tools/fix.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "compiler/tools/loaded_plan.h"
#include "runtime/cli/replace.h"
#include "runtime/diagnostics/apply_fixes.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

constexpr int kMostPasses = 20;  // a fix may uncover another one; a pass that changes nothing is the last

/// Files of the user, as they are on the disk: not the standard library, whose files are shown as `std/NAME.upg`.
std::vector<bool> own_files(const LoadedPlan &loaded) {
  std::vector<bool> own;
  for (std::uint32_t file = 0; file < loaded.sources.size(); ++file) {
    const std::string &path = loaded.sources.path({file});
    own.push_back(file == 0 || (path.ends_with(".upg") && !path.starts_with("std/")));
  }
  return own;
}

void draft(compiler::CompileOptions &how, const std::string &path, std::string text) {
  for (auto &[known, content] : how.drafts) {
    if (known != path) continue;
    content = std::move(text);
    return;
  }
  how.drafts.emplace_back(path, std::move(text));
}

struct Change {
  std::vector<cli::Replacement> files;
  std::vector<std::string> told;
};

/// Compiles, applies, compiles again; `loaded` is what is found in the end.
Change mend(compiler::CompileOptions how, Wish wish, std::int64_t today, LoadedPlan &loaded) {
  Change change;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const std::vector<diagnostics::FixedFile> fixed =
        diagnostics::apply_sure_fixes(loaded.sink, loaded.sources, own_files(loaded));
    if (fixed.empty()) break;
    for (const diagnostics::FixedFile &file : fixed) {
      const std::string &path = loaded.sources.path(file.file);
      change.told.insert(change.told.end(), file.told.begin(), file.told.end());
      bool known = false;
      for (cli::Replacement &earlier : change.files) {
        if (earlier.path != path) continue;
        earlier.after = file.text;
        known = true;
      }
      if (!known) change.files.push_back({path, std::string(loaded.sources.text(file.file)), file.text});
      draft(how, path, file.text);
    }
    loaded = load_source(how, wish, today);
  }
  return change;
}

}  // namespace

Exit fix_files(const PlanOptions &options, bool only_show) {
  if (options.input == "-" || is_plan_file(options.input)) {
    put_error("upgc check: --fix mends .upg files, not standard input and not a compiled plan\n");
    return Exit::usage;
  }
  const std::optional<std::int64_t> day = today(options.source);
  if (!day) return Exit::usage;
  const std::optional<compiler::CompileOptions> how = compile_options(options.source, options.input);
  if (!how) return Exit::usage;
  const Wish wish{.plan_required = false, .strict = options.output.strict};
  LoadedPlan loaded = load_source(*how, wish, *day);
  if (only_show) {
    LoadedPlan mended = load_source(*how, wish, *day);
    for (const cli::Replacement &file : mend(*how, wish, *day, mended).files)
      put(diagnostics::unified_diff(file.path, file.before, file.after));
    return finish(loaded, options);
  }
  const Change change = mend(*how, wish, *day, loaded);
  if (const std::string why = cli::replace_files(change.files); !why.empty()) {
    put_error(fmt::format("upgc check: nothing was fixed: {}\n", why));
    return Exit::usage;
  }
  std::string told;
  for (const std::string &line : change.told) told += fmt::format("fixed {}\n", line);
  if (!change.told.empty())
    told += fmt::format("{} in {}\n", diagnostics::counted(static_cast<std::int64_t>(change.told.size()), "change"),
                        diagnostics::counted(static_cast<std::int64_t>(change.files.size()), "file"));
  if (options.output.format == Format::text)
    put(told);
  else
    put_error(told);
  return finish(loaded, options);
}

}  // namespace upg::tools
