#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "compiler/outline/outline.h"
#include "compiler/outline/reference.h"
#include "compiler/syntax/parse.h"
#include "compiler/tools/command.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/files.h"
#include "runtime/cli/replace.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

enum class PageFormat : std::uint8_t { markdown, html };

struct DocOptions : ColorOption {
  llvm::cl::list<std::string> inputs{llvm::cl::Positional, llvm::cl::OneOrMore, llvm::cl::desc("FILE..."),
                                     llvm::cl::value_desc("file")};
  llvm::cl::opt<PageFormat> format{"format", llvm::cl::desc("of the pages"),
                                   llvm::cl::values(clEnumValN(PageFormat::markdown, "markdown", "(default)"),
                                                    clEnumValN(PageFormat::html, "html", "self-contained pages")),
                                   llvm::cl::init(PageFormat::markdown)};
  llvm::cl::opt<std::string> output{"o", llvm::cl::desc("folder for the pages (default: standard output, one module)"),
                                    llvm::cl::value_desc("folder")};
};

/// The module that a file holds; nothing, said on standard error, if it cannot be read or holds none.
std::optional<outline::Outline> read_module(const std::string &path, const ColorOption &options, Exit &exit) {
  diagnostics::Sources sources;
  const std::optional<diagnostics::FileId> file = load_source_file("upgc doc", path, sources);
  if (!file) {
    exit = Exit::usage;
    return std::nullopt;
  }
  diagnostics::Sink sink;
  const syntax::SyntaxTree tree = syntax::parse(sources, *file, sink);
  diagnostics::TextStyle style;
  style.color = diagnostics::use_color(options.color, STDERR_FILENO);
  put_error(diagnostics::render_text(sink, sources, style));
  if (sink.errors() > 0) {
    exit = Exit::findings;
    return std::nullopt;
  }
  outline::Outline found = outline::outline(tree.file, sources);
  if (found.module.empty()) {
    put_error(fmt::format("upgc doc: `{}` is no module: a module's file begins with `module NAME`\n",
                          diagnostics::printable(path)));
    exit = Exit::usage;
    return std::nullopt;
  }
  return found;
}

}  // namespace

Exit run_doc(std::span<const char *const> arguments) {
  CommandLine line;
  DocOptions options;
  if (const auto end =
          line.parse(arguments, "makes the reference of modules, or of all under a folder, from their doc comments")) {
    return *end;
  }
  std::vector<std::string> files;
  if (!source_files("upgc doc", {options.inputs.begin(), options.inputs.end()}, files)) return Exit::usage;
  std::vector<outline::Outline> modules;
  Exit exit = Exit::clean;
  for (const std::string &path : files) {
    if (std::optional<outline::Outline> module = read_module(path, options, exit))
      modules.push_back(std::move(*module));
  }
  if (exit != Exit::clean) return exit;
  const std::vector<outline::Page> pages =
      options.format == PageFormat::html ? outline::html_reference(modules) : outline::markdown_reference(modules);
  if (options.output.empty()) {
    if (modules.size() != 1) {
      put_error("upgc doc: several modules make several pages: give `-o FOLDER`\n");
      return Exit::usage;
    }
    put(pages.back().text);
    return Exit::clean;
  }
  std::error_code error;
  std::filesystem::create_directories(options.output.getValue(), error);
  for (const outline::Page &page : pages) {
    const std::string path = options.output + "/" + page.name;
    const std::string why = error ? error.message() : cli::replace_file(path, page.text);
    if (why.empty()) continue;
    put_error(fmt::format("upgc doc: cannot write `{}`: {}\n", diagnostics::printable(path), why));
    return Exit::usage;
  }
  put(fmt::format("wrote {} to {}\n", diagnostics::counted(static_cast<std::int64_t>(pages.size()), "page"),
                  diagnostics::printable(options.output)));
  return Exit::clean;
}

}  // namespace upg::tools
