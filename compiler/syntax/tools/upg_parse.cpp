// upg-parse [--dump] [--tokens] [--time] FILE...: reads files and prints their diagnostics, their tree, their tokens.
// Exit code 1 if there was an error.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/syntax/parse.h"
#include "runtime/diagnostics/render_text.h"

namespace {

using namespace upg;

struct Options {
  bool dump = false, tokens = false, time = false;
  std::vector<std::string> files;
};

void print_tokens(const diagnostics::Sources &sources, diagnostics::FileId file, const syntax::SyntaxTree &tree) {
  for (const syntax::Token &token : tree.tokens) {
    const std::string_view text = sources.text(file).substr(token.begin, token.end - token.begin);
    const diagnostics::Position at = sources.position(file, token.begin);
    fmt::print("{}:{} {} {}\n", at.line, at.column, syntax::name_of(token.kind), text == "\n" ? "\\n" : text);
  }
}

bool read(const std::string &path, const Options &options) {
  diagnostics::Sources sources;
  diagnostics::Sink sink;
  std::string why;
  const std::optional<diagnostics::FileId> file = sources.load(path, syntax::max_file_bytes, why);
  if (!file) {
    sink.report(diagnostics::Kind::unreadable_input, {}, fmt::format("cannot read `{}`: {}", path, why));
  } else {
    const auto begin = std::chrono::steady_clock::now();
    const syntax::SyntaxTree tree = syntax::parse(sources, *file, sink);
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
    if (options.tokens) print_tokens(sources, *file, tree);
    if (options.dump) fmt::print("{}", syntax::ast::dump(tree.file));
    if (options.time) fmt::print("{}: {} tokens in {:.1f} ms\n", path, tree.tokens.size(), spent.count());
  }
  fmt::print("{}", diagnostics::render_text(sink, sources));
  return sink.errors() == 0;
}

}  // namespace

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--dump") {
      options.dump = true;
    } else if (argument == "--tokens") {
      options.tokens = true;
    } else if (argument == "--time") {
      options.time = true;
    } else if (argument.starts_with("--")) {
      fmt::print(stderr, "usage: upg-parse [--dump] [--tokens] [--time] FILE...\n");
      return 2;
    } else {
      options.files.emplace_back(argument);
    }
  }
  bool sound = true;
  for (const std::string &path : options.files) sound = read(path, options) && sound;
  return sound ? 0 : 1;
}
