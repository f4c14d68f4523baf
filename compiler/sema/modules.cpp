#include "compiler/sema/modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <unordered_map>

namespace upg::sema {
namespace {

namespace fs = std::filesystem;
using diagnostics::Kind;

constexpr std::string_view extension = ".upg";

struct Place {
  std::string file;   // to open
  std::string shown;  // in messages and plans
  bool standard = false;
};

bool exists(const std::string &path) {
  std::error_code error;
  return fs::exists(fs::path(path), error);
}

/// Names of the modules in a folder, sorted.
void list_modules(const std::string &folder, std::vector<std::string> &out) {
  constexpr std::size_t most = 2000;  // only for suggestions
  std::error_code error;
  fs::directory_iterator at(fs::path(folder.empty() ? "." : folder), error);
  for (; !error && at != fs::directory_iterator() && out.size() < most; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.size() > extension.size() && name.ends_with(extension))
      out.push_back(name.substr(0, name.size() - extension.size()));
  }
}

class Loader {
 public:
  Loader(Sources &sources, const Options &options, Sink &sink, Program &program)
      : sources_(sources), options_(options), sink_(sink), program_(program), beside_(folder_of(options.entry)) {}

  bool run() {
    std::string why;
    std::optional<FileId> file;
    if (options_.entry == "-") {
      beside_ = folder_of(options_.shown);
      file = sources_.add(options_.shown.empty() ? "-" : options_.shown, options_.text);
    } else {
      file = read(sources_, options_.entry, why);
    }
    if (!file) {
      sink_.report(Kind::unreadable_input, {}, fmt::format("cannot read `{}`: {}", options_.entry, why));
      return false;
    }
    parse(*file, false);
    name_entry();
    for (std::size_t i = 0; i < program_.modules.size(); ++i) read_uses(ModuleId(i));
    program_.source_files = static_cast<std::uint32_t>(sources_.size());
    check_cycles();
    return true;
  }

 private:
  ModuleId parse(FileId file, bool standard) {
    program_.trees.push_back(std::make_unique<syntax::SyntaxTree>(syntax::parse(sources_, file, sink_)));
    Module module;
    module.file = file;
    module.ast = &program_.trees.back()->file;
    module.standard = standard;
    program_.modules.push_back(std::move(module));
    return ModuleId(program_.modules.size() - 1);
  }

  void name_entry() {
    Module &entry = program_.modules[0];
    if (!entry.ast->module) return;
    entry.name = entry.ast->module->text;
    by_name_.emplace(entry.name, ModuleId(0));
    const std::string &path = options_.entry == "-" ? options_.shown : options_.entry;
    if (!path.empty()) check_name(entry, fs::path(path).stem().string());
  }

  void check_name(const Module &module, const std::string &expected) {
    const ast::Name &written = *module.ast->module;
    if (written.text == expected) return;
    sink_
        .report(Kind::module_name_mismatch, written.range,
                fmt::format("this file declares the module `{}`, but it is `{}{}`", written.text, expected, extension))
        .note("a module has the name of its file, so that `use` finds it")
        .fix(fmt::format("write `module {}`", expected), written.range, expected);
  }

  void read_uses(ModuleId id) {
    // `modules` may grow and move below: read through the index.
    const ast::File &file = *program_.modules[id.index].ast;
    for (const ast::Declaration &declaration : file.declarations) {
      const auto *use = declaration.as<ast::UseDecl>();
      if (!use) continue;
      for (const ast::Name &name : use->modules) read_use(id, name);
    }
  }

  void read_use(ModuleId from, const ast::Name &name) {
    const auto found = find_or_load(from, name);
    if (!found) {
      program_.modules[from.index].missing.push_back(name.text);
      return;
    }
    for (const ModuleUse &use : program_.modules[from.index].uses) {
      if (use.module != *found) continue;
      sink_.report(Kind::duplicate_use, name.range, fmt::format("`{}` is already used", name.text))
          .label(use.range, "first used here");
      return;
    }
    program_.modules[from.index].uses.push_back({*found, name.range, false});
  }

  std::optional<ModuleId> find_or_load(ModuleId from, const ast::Name &name) {
    if (const auto known = by_name_.find(name.text); known != by_name_.end()) {
      if (!known->second.valid()) return std::nullopt;  // already reported
      if (known->second == from) {
        sink_.report(Kind::module_cycle, name.range, fmt::format("module `{}` uses itself", name.text))
            .help("its own names need no `use`");
        return std::nullopt;
      }
      return known->second;
    }
    const auto loaded = load(name);
    by_name_.emplace(name.text, loaded.value_or(ModuleId()));
    return loaded;
  }

  /// A plan may have the name of a module that it uses: `linux.upg` with `use linux`.
  bool is_the_plan(const std::string &path) const {
    const std::string &plan = options_.entry == "-" ? options_.shown : options_.entry;
    std::error_code error;
    return !program_.modules[0].ast->module && !plan.empty() && fs::equivalent(path, plan, error) && !error;
  }

  std::optional<Place> locate(const std::string &name) {
    const std::string file = name + std::string(extension);
    std::optional<Place> standard;
    for (const std::string &path : options_.library_paths) {
      const std::string root = path.empty() || path.ends_with('/') ? path : path + "/";
      for (const std::string &candidate : {root + "std/" + file, root + file})
        if (!standard && exists(candidate)) standard = Place{candidate, "std/" + file, true};
    }
    const std::string local = beside_ + file;
    if (!exists(local) || is_the_plan(local)) return standard;
    if (standard) {
      // A standard module that is compiled by itself finds its neighbours beside it: the same files.
      std::error_code error;
      if (fs::equivalent(fs::path(local), fs::path(standard->file), error)) return standard;
      hidden_ = standard->shown;
    }
    return Place{local, local, false};
  }

  std::optional<FileId> read(Sources &into, const std::string &path, std::string &why) const {
    for (const auto &[draft, text] : options_.drafts)
      if (draft == path) return into.add(path, text);
    return into.load(path, syntax::max_file_bytes, why);
  }

  std::optional<ModuleId> load(const ast::Name &name) {
    hidden_.clear();
    const auto place = locate(name.text);
    if (!place) {
      report_missing(name);
      return std::nullopt;
    }
    if (!hidden_.empty())
      sink_.report(Kind::shadowed_module, name.range,
                   fmt::format("`{}` is read from `{}`, which hides `{}` of the standard library", name.text,
                               place->shown, hidden_));
    std::string why;
    Sources scratch;  // messages show `std/...` wherever the library is installed
    const auto text = read(scratch, place->file, why);
    if (!text) {
      sink_.report(Kind::unreadable_module, name.range,
                   fmt::format("cannot read module `{}` from `{}`: {}", name.text, place->shown, why));
      return std::nullopt;
    }
    const FileId file = sources_.add(place->shown, std::string(scratch.text(*text)));
    const ModuleId id = parse(file, place->standard);
    Module &module = program_.modules[id.index];
    module.name = name.text;
    if (module.ast->module)
      check_name(module, name.text);
    else if (program_.trees.back()->complete)
      sink_
          .report(Kind::module_name_mismatch, {file, 0, 0},
                  fmt::format("`{}` is used as a module but does not begin with `module {}`", place->shown, name.text))
          .label(name.range, "used here");
    return id;
  }

  void report_missing(const ast::Name &name) {
    std::vector<std::string> known;
    list_modules(beside_, known);
    for (const std::string &path : options_.library_paths) {
      const std::string root = path.empty() || path.ends_with('/') ? path : path + "/";
      list_modules(root + "std", known);
      list_modules(root, known);
    }
    std::sort(known.begin(), known.end());
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string meant(diagnostics::did_you_mean(name.text, views));
    auto report = sink_.report(Kind::unknown_module, name.range, fmt::format("there is no module `{}`", name.text));
    report.note(fmt::format("looked for `{}{}{}` and for `std/{}{}` in the standard library", beside_, name.text,
                            extension, name.text, extension));
    if (options_.library_paths.empty())
      report.help("the standard library was not found: name its folder with --stdlib or UPG_STDLIB");
    if (!meant.empty()) report.fix(fmt::format("did you mean `{}`?", meant), name.range, meant);
  }

  /// One report for each circle of modules.
  void check_cycles() {
    const std::size_t count = program_.modules.size();
    std::vector<std::size_t> inbound(count, 0);
    for (const Module &module : program_.modules)
      for (const ModuleUse &use : module.uses) ++inbound[use.module.index];
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < count; ++i)
      if (inbound[i] == 0) ready.push_back(i);
    std::vector<bool> sorted(count, false);
    for (std::size_t i = 0; i < ready.size(); ++i) {
      sorted[ready[i]] = true;
      for (const ModuleUse &use : program_.modules[ready[i]].uses)
        if (--inbound[use.module.index] == 0) ready.push_back(use.module.index);
    }
    for (std::size_t i = 0; i < count; ++i)
      if (!sorted[i]) report_cycle(i, sorted);
  }

  /// Walks from an unsorted module until one repeats: every unsorted module has a predecessor that is unsorted.
  void report_cycle(std::size_t start, std::vector<bool> &sorted) {
    std::vector<std::size_t> path;
    std::vector<std::size_t> position(program_.modules.size(), SIZE_MAX);
    std::size_t at = start;
    while (position[at] == SIZE_MAX) {
      position[at] = path.size();
      path.push_back(at);
      const auto user = [&] {
        for (std::size_t i = 0; i < program_.modules.size(); ++i)
          for (const ModuleUse &use : program_.modules[i].uses)
            if (!sorted[i] && use.module.index == at) return i;
        return SIZE_MAX;
      }();
      if (user == SIZE_MAX) return;  // it hung on a circle that was reported
      at = user;
    }
    std::vector<std::size_t> circle(path.begin() + static_cast<std::ptrdiff_t>(position[at]), path.end());
    std::reverse(circle.begin(), circle.end());
    std::rotate(circle.begin(), std::min_element(circle.begin(), circle.end()), circle.end());
    std::string names;
    for (const std::size_t module : circle) names += fmt::format("`{}` uses ", shown_name(module));
    names += fmt::format("`{}`", shown_name(circle.front()));
    const auto edge = [&](std::size_t from, std::size_t to) {
      for (const ModuleUse &use : program_.modules[from].uses)
        if (use.module.index == to) return use.range;
      return Range{};
    };
    auto report = sink_.report(Kind::module_cycle, edge(circle.back(), circle.front()),
                               fmt::format("modules use each other in a circle: {}", names));
    for (std::size_t i = 0; i + 1 < circle.size(); ++i)
      report.label(edge(circle[i], circle[i + 1]),
                   fmt::format("`{}` uses `{}`", shown_name(circle[i]), shown_name(circle[i + 1])));
    report.help("move what both need into a third module");
    for (const std::size_t module : circle) sorted[module] = true;
  }

  std::string shown_name(std::size_t module) const {
    const Module &m = program_.modules[module];
    return m.name.empty() ? sources_.path(m.file) : m.name;
  }

  Sources &sources_;
  const Options &options_;
  Sink &sink_;
  Program &program_;
  std::string beside_;
  std::string hidden_;  // the standard module that the one just located hides
  std::unordered_map<std::string, ModuleId> by_name_;
};

}  // namespace

std::string folder_of(const std::string &path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

std::vector<std::string> library_paths(const std::vector<std::string> &named, const std::string &program) {
  if (!named.empty()) return named;
  if (const char *environment = std::getenv("UPG_STDLIB"); environment && *environment) return {environment};
  std::error_code error;
  const fs::path real = fs::canonical(fs::path(program), error);
  if (error) return {};
  const fs::path installed = real.parent_path().parent_path() / "share/upg/stdlib";
  if (fs::is_directory(installed, error)) return {installed.string()};
  // In a build tree the program is in <source>/build/<name>/bin.
  fs::path up = real.parent_path();
  for (int i = 0; i < 4; ++i) {
    up = up.parent_path();
    if (fs::is_directory(up / "stdlib/std", error)) return {(up / "stdlib").string()};
  }
  return {};
}

bool load_modules(Sources &sources, const Options &options, Sink &sink, Program &program) {
  return Loader(sources, options, sink, program).run();
}

}  // namespace upg::sema
