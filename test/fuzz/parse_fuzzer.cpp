// Any bytes as a source file: no crash, no endless loop, every range inside the text, and a tree that can be shown.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "compiler/syntax/parse.h"

namespace {

using namespace upg;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_range(diagnostics::Range range, std::size_t size) {
  check(!range.valid() || (range.begin <= range.end && range.end <= size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  diagnostics::Sources sources;
  diagnostics::Sink sink;
  const diagnostics::FileId file = sources.add("fuzz.upg", std::string(reinterpret_cast<const char *>(data), size));
  const syntax::SyntaxTree tree = syntax::parse(sources, file, sink);
  check(tree.complete == (sink.errors() == 0));
  for (const diagnostics::Diagnostic &diagnostic : sink.all()) {
    check(diagnostic.kind != diagnostics::Kind::internal_error);
    check_range(diagnostic.primary.range, size);
    for (const diagnostics::Label &label : diagnostic.secondary) check_range(label.range, size);
    for (const diagnostics::FixIt &fix : diagnostic.fixes) {
      for (const diagnostics::Edit &edit : fix.edits) check_range(edit.range, size);
    }
  }
  std::uint32_t end = 0;
  for (const syntax::Token &token : tree.tokens) {
    check(token.begin >= end && token.end <= size);
    end = token.end;
  }
  check(!syntax::ast::dump(tree.file).empty());
  return 0;
}
