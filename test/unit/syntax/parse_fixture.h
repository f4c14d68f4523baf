#pragma once
#include <string>
#include <utility>

#include "compiler/syntax/parse.h"
#include "runtime/diagnostics/render_text.h"

namespace upg::syntax {

/// One text, parsed, with everything that the ranges point into.
struct Parsed {
  explicit Parsed(std::string text)
      : file(sources.add("test.upg", std::move(text))), tree(parse(sources, file, sink)) {}

  std::string shown() const { return diagnostics::render_text(sink, sources); }
  std::string code(std::size_t i) const { return std::string(diagnostics::info(sink.all()[i].kind).code); }
  std::string text(diagnostics::Range range) const { return std::string(sources.text(range)); }

  diagnostics::Sources sources;
  diagnostics::Sink sink;
  diagnostics::FileId file;
  SyntaxTree tree;
};

}  // namespace upg::syntax
