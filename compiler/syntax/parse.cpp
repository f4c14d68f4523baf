#include "compiler/syntax/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <set>

#include "UpgLexer.h"
#include "UpgParser.h"
#include "compiler/syntax/antlr/builder.h"
#include "compiler/syntax/antlr/error_report.h"
#include "compiler/syntax/antlr/lexemes.h"
#include "compiler/syntax/antlr/places.h"
#include "compiler/syntax/antlr/recovery.h"
#include "compiler/syntax/layout.h"
#include "compiler/syntax/text_check.h"

namespace upg::syntax {
namespace {

using diagnostics::FileId;
using diagnostics::Kind;
using diagnostics::Sink;

constexpr std::size_t max_tokens = 3'000'000;
constexpr std::size_t max_errors = 100;

/// Brackets that are open at a token, as far as the parser can have entered them: an error ends them where a brace or a
/// declaration cannot stand.
class OpenBrackets {
 public:
  std::size_t depth() const { return open_.size(); }

  void at(std::size_t type, bool margin) {
    const bool declares =
        (type >= UpgLexer::ACTION && type <= UpgLexer::VERSIONS) || type == UpgLexer::PARAM || type == UpgLexer::SECRET;
    if (margin && declares) open_.clear();
    switch (type) {
      case UpgLexer::LBRACE:  // no expression holds a block
        while (!open_.empty() && open_.back() != UpgLexer::RBRACE) open_.pop_back();
        open_.push_back(UpgLexer::RBRACE);
        return;
      case UpgLexer::LPAREN:
      case UpgLexer::CALL:
        open_.push_back(UpgLexer::RPAREN);
        return;
      case UpgLexer::LBRACK:
        open_.push_back(UpgLexer::RBRACK);
        return;
      case UpgLexer::INTERP:
        open_.push_back(UpgLexer::INTERP_CLOSE);
        return;
      case UpgLexer::RBRACE:
      case UpgLexer::RPAREN:
      case UpgLexer::RBRACK:
      case UpgLexer::INTERP_CLOSE:
        close(type);
        return;
      default:
        return;
    }
  }

 private:
  void close(std::size_t type) {
    const auto opener = std::find(open_.rbegin(), open_.rend(), type);
    if (opener != open_.rend()) open_.erase(std::next(opener).base(), open_.end());
  }

  std::vector<std::size_t> open_;  // the closing type of each
};

/// The parser recurses through brackets, and through `a<b<c` of types; both are counted before it runs.
bool nesting_fits(const Lexemes &lexemes, Sink &sink) {
  OpenBrackets open;
  std::size_t types = 0;
  for (std::size_t i = 0; i < lexemes.size(); ++i) {
    if (lexemes[i].channel != Lexeme::Channel::code) continue;
    const std::size_t type = lexemes[i].type;
    open.at(type, i == 0 || lexemes[i - 1].line < lexemes[i].line ? lexemes.column(i) == 0 : false);
    const bool in_type = type == UpgLexer::LT || type == UpgLexer::ID || type == UpgLexer::FIELD ||
                         (type >= UpgLexer::ABORT && type <= UpgLexer::WINDOW);
    types = !in_type ? 0 : types + (type == UpgLexer::LT ? 1 : 0);
    if (open.depth() > max_nesting || types > max_nesting) {
      sink.report(Kind::nested_too_deep, lexemes.range(i), fmt::format("this is nested more than {} deep", max_nesting))
          .help("move parts of it into a procedure or a `let`");
      return false;
    }
  }
  return true;
}

/// The tree of the generated parser, and what owns it.
class Parse {
 public:
  explicit Parse(std::string text) : input_(text), lexer_(&input_), stream_(&lexer_), parser_(&stream_) {
    lexer_.removeErrorListeners();
    parser_.removeErrorListeners();
    lexer_.limit_tokens(max_tokens);
    stream_.fill();
  }
  bool too_many_tokens() const { return lexer_.over_limit(); }
  antlr4::CommonTokenStream &stream() { return stream_; }

  /// The fast way, which ends at the first error: null then.
  UpgParser::FileContext *strict() {
    parser_.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(antlr4::atn::PredictionMode::SLL);
    parser_.setErrorHandler(std::make_shared<antlr4::BailErrorStrategy>());
    try {
      return parser_.file();
    } catch (const antlr4::ParseCancellationException &) {
      return nullptr;
    }
  }
  /// The thorough way, which mends what it can. Null if it gave up after `max_errors`.
  UpgParser::FileContext *mending(const Lexemes &lexemes, ErrorReporter &reporter) {
    parser_.reset();
    parser_.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(antlr4::atn::PredictionMode::LL);
    parser_.setErrorHandler(std::make_shared<Recovery>(lexemes, reporter, max_errors));
    try {
      return parser_.file();
    } catch (const antlr4::ParseCancellationException &) {
      return nullptr;
    }
  }

 private:
  antlr4::ANTLRInputStream input_;
  UpgLexer lexer_;
  antlr4::CommonTokenStream stream_;
  UpgParser parser_;
};

/// `places`: filled if given and the text has no error.
void parse_text(std::string_view text, const TextCheck &checked, FileId file, Sink &sink, SyntaxTree &result,
                std::vector<Place> *places) {
  Parse parse(std::string(text.substr(checked.bom_bytes)));
  const Lexemes lexemes(parse.stream(), text, checked.ascii, checked.bom_bytes, file);
  result.tokens = lexemes.public_tokens();
  if (parse.too_many_tokens()) {
    sink.report(Kind::text_too_large, lexemes.range(lexemes.size() - 2),
                fmt::format("the file has more than {} words and marks", max_tokens))
        .help("split it into modules");
    return;
  }
  if (!nesting_fits(lexemes, sink)) return;

  UpgParser::FileContext *tree = parse.strict();
  ErrorReporter reporter(lexemes, sink);
  if (tree == nullptr) {
    tree = parse.mending(lexemes, reporter);
    if (tree == nullptr) {
      const diagnostics::Range last_error = sink.all().back().primary.range;
      sink.report(Kind::too_many_mistakes, {file, last_error.end, last_error.end},
                  fmt::format("more than {} syntax errors: the rest of the file is not read", max_errors - 1));
      return;
    }
  }
  Builder builder(lexemes, reporter.cut_short(), sink);
  result.file = builder.file(tree);
  for (const std::size_t i : reporter.meant())
    result.file.broken.push_back({std::string(lexemes.text(i)), lexemes.range(i)});
  result.complete = sink.errors() == 0;
  if (result.complete) builder.report_stray_docs();
  if (result.complete && places != nullptr) *places = places_of(tree, lexemes);
}

/// The parser finds other things than the builder: told in the order of the text. Where a line end made the next line's
/// first word an operand, what then was wrong with the rest of that line is the same mistake.
void forward(const Sink &from, const diagnostics::Sources &sources, Sink &to) {
  std::vector<const diagnostics::Diagnostic *> all;
  std::set<std::uint32_t> swallowed_lines;
  const auto line_of = [&](diagnostics::Range range) { return sources.position(range.file, range.begin).line; };
  for (const diagnostics::Diagnostic &diagnostic : from.all()) {
    all.push_back(&diagnostic);
    if (diagnostic.kind == Kind::bad_layout && !diagnostic.secondary.empty())
      swallowed_lines.insert(line_of(diagnostic.secondary[0].range));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](auto *a, auto *b) { return a->primary.range.begin < b->primary.range.begin; });
  for (const diagnostics::Diagnostic *diagnostic : all) {
    const bool syntax = diagnostic->kind == Kind::unexpected_token || diagnostic->kind == Kind::unknown_clause;
    if (!swallowed_lines.empty() && syntax && swallowed_lines.count(line_of(diagnostic->primary.range)) > 0) continue;
    to.report(*diagnostic);
  }
}

SyntaxTree read(const diagnostics::Sources &sources, FileId file, Sink &shared_sink, std::vector<Place> *places) {
  SyntaxTree result;
  Sink sink;  // of this file alone, so that its errors can be counted
  result.file.id = file;
  const std::string_view text = sources.text(file);
  result.file.range = {file, 0, static_cast<std::uint32_t>(text.size() > max_file_bytes ? 0 : text.size())};
  const TextCheck checked = check_text(text, file, sink);
  if (!checked.readable) {
    forward(sink, sources, shared_sink);
    return result;
  }
  const auto failed = [&](std::string_view why) {
    sink.report(Kind::internal_error, {file, 0, 0}, fmt::format("the parser failed: {}", why));
    result.complete = false;
  };
  // The runtime of ANTLR throws all of these, C strings included.
  try {
    parse_text(text, checked, file, sink, result, places);
  } catch (const std::exception &error) {
    failed(error.what());
  } catch (const char *error) {
    failed(error);
  } catch (const std::string &error) {
    failed(error);
  } catch (...) {
    failed("unknown exception");
  }
  forward(sink, sources, shared_sink);
  return result;
}

}  // namespace

SyntaxTree parse(const diagnostics::Sources &sources, FileId file, Sink &sink) {
  return read(sources, file, sink, nullptr);
}

LaidOut lay_out(const diagnostics::Sources &sources, FileId file, Sink &sink) {
  LaidOut result;
  result.tree = read(sources, file, sink, &result.places);
  return result;
}

}  // namespace upg::syntax
