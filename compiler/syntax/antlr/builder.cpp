#include "compiler/syntax/antlr/builder.h"

#include <fmt/format.h>

#include <typeinfo>
#include <utility>

#include "UpgParser.h"

namespace upg::syntax {

using diagnostics::Kind;
using P = UpgParser;

// ---- Cursor
// ----------------------------------------------------------------------------------------------------------

/// Finds out what the cursor stands on; error nodes (skipped tokens) are stepped over. The classes of nodes are known
/// exactly and linked statically, so that the address of a type's name answers where dynamic_cast would search.
void Cursor::settle() {
  token_ = 0;
  rule_ = Lexemes::none;
  for (; at_ < children_.size(); ++at_) {
    antlr4::tree::ParseTree *child = children_[at_];
    const char *type = typeid(*child).name();
    if (type == typeid(antlr4::tree::ErrorNodeImpl).name()) continue;
    if (type == typeid(antlr4::tree::TerminalNodeImpl).name()) {
      token_ = static_cast<antlr4::tree::TerminalNode *>(child)->getSymbol()->getType();
    } else {
      rule_ = static_cast<Context *>(child)->getRuleIndex();
    }
    return;
  }
}

std::size_t Cursor::take_token() {
  if (token_ == 0) throw Broken{};
  const std::size_t index = static_cast<antlr4::tree::TerminalNode *>(children_[at_])->getSymbol()->getTokenIndex();
  ++at_;
  settle();
  return index;
}

std::size_t Cursor::take(std::size_t type) {
  if (token_ != type) throw Broken{};
  return take_token();
}

bool Cursor::accept(std::size_t type) {
  if (token_ != type) return false;
  take_token();
  return true;
}

Context *Cursor::take_rule() {
  if (rule_ == Lexemes::none) throw Broken{};
  auto *context = static_cast<Context *>(children_[at_]);
  ++at_;
  settle();
  return context;
}

Context *Cursor::take_rule(std::size_t rule) {
  if (rule_ != rule) throw Broken{};
  return take_rule();
}

Context *Cursor::find_rule(std::size_t rule) {
  while (!done()) {
    if (rule_ == rule) return take_rule();
    ++at_;
    settle();
  }
  return nullptr;
}

// ---- shared pieces
// ---------------------------------------------------------------------------------------------------

std::size_t Builder::last(const Context *context) const {
  const std::size_t begin = first(context);
  return context->stop == nullptr ? begin : std::max(begin, context->stop->getTokenIndex());
}

ast::Name Builder::name_at(std::size_t lexeme) const {
  std::string_view text = lexemes_.text(lexeme);
  Range range = lexemes_.range(lexeme);
  if (lexemes_[lexeme].type == P::FIELD) {
    text.remove_prefix(1);
    ++range.begin;
  }
  return {std::string(text), range};
}

ast::Name Builder::name(Context *context) { return name_at(first(context)); }

ast::QName Builder::qname(Context *context) {
  ast::QName result;
  result.range = range(context);
  Cursor cursor(context);
  result.parts.push_back(name(cursor.take_rule(P::RuleName)));
  while (cursor.token() == P::FIELD) result.parts.push_back(name_at(cursor.take_token()));
  return result;
}

ast::Ref Builder::ref(Context *context) {
  ast::Ref result;
  result.range = range(context);
  Cursor cursor(context);
  result.name = qname(cursor.take_rule(P::RuleQname));
  if (cursor.rule() == P::RuleArgs) result.arguments = arguments(cursor.take_rule());
  return result;
}

std::vector<ast::Ref> Builder::refs(Context *context) {
  std::vector<ast::Ref> result;
  Cursor cursor(context);
  while (Context *item = cursor.find_rule(P::RuleRef)) result.push_back(ref(item));
  return result;
}

std::vector<ast::Ref> Builder::refs_or_nothing(Context *context, bool &nothing) {
  std::vector<ast::Ref> result = refs(context);
  nothing = result.size() == 1 && !result[0].arguments && result[0].name.parts.size() == 1 &&
            result[0].name.parts[0].text == "nothing";
  if (nothing) result.clear();
  return result;
}

/// The `///` lines that end right above the line of `lexeme`; other comments may stand between, blank lines not.
std::optional<ast::Doc> Builder::doc_above(std::size_t lexeme) {
  std::size_t begin = lexeme;
  std::uint32_t line = lexemes_[lexeme].line;
  if (!lexemes_.first_on_line(lexeme)) return std::nullopt;
  while (begin > 0) {
    const Lexeme &above = lexemes_[begin - 1];
    if (above.channel == Lexeme::Channel::code || above.line + 1 != line || !lexemes_.first_on_line(begin - 1)) break;
    line = above.line;
    --begin;
  }
  std::optional<ast::Doc> result;
  for (std::size_t i = begin; i < lexeme; ++i) {
    if (lexemes_[i].channel != Lexeme::Channel::doc) continue;
    std::string_view text = lexemes_.text(i).substr(3);
    if (text.starts_with(' ')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    if (result) {
      result->text += '\n';
      result->text += text;
      result->range.end = lexemes_[i].end;
    } else {
      result = ast::Doc{std::string(text), lexemes_.range(i)};
    }
    doc_used_[i] = true;
  }
  return result;
}

void Builder::report_stray_docs() {
  bool in_group = false;  // one warning for lines that stand together
  for (std::size_t i = 0; i < lexemes_.size(); ++i) {
    const bool stray = lexemes_[i].channel == Lexeme::Channel::doc && !doc_used_[i];
    if (stray && !(in_group && lexemes_[i].line == lexemes_[i - 1].line + 1)) {
      sink_.report(Kind::stray_doc_comment, lexemes_.range(i), "this `///` comment belongs to nothing")
          .note("a doc comment stands on the lines right above a declaration, a host or a statement")
          .sure_fix("make it a plain comment", lexemes_.bytes(lexemes_[i].begin, lexemes_[i].begin + 3), "//");
    }
    in_group = stray;
  }
}

/// The fence that keeps line ends harmless: the second word of an item stands on the line of its first.
void Builder::check_layout(const Context *item) {
  const std::size_t begin = first(item);
  if (item->getRuleIndex() == P::RuleDecl && lexemes_.column(begin) != 0) {
    const Range blanks = lexemes_.bytes(lexemes_[begin].begin - lexemes_.column(begin), lexemes_[begin].begin);
    auto report = sink_.report(Kind::bad_layout, lexemes_.range(begin),
                               fmt::format("`{}` must stand at the left margin", lexemes_.text(begin)));
    report.note("declarations begin in column 1; everything inside them is indented");
    if (lexemes_.first_on_line(begin)) report.sure_fix("move it to the margin", blanks, "");
  }
  const std::size_t second = lexemes_.next_code(begin);
  if (second == Lexemes::none || second > last(item) || lexemes_[second].line == lexemes_[begin].line) return;
  sink_
      .report(
          Kind::bad_layout, lexemes_.range(begin),
          fmt::format("the line ends after `{}`: what belongs to it must begin on the same line", lexemes_.text(begin)))
      .label(lexemes_.range(second), "this would be taken for its operand")
      .sure_fix("join the lines", lexemes_.bytes(lexemes_[begin].end, lexemes_[second].begin), " ");
}

bool Builder::usable(const Context *item) {
  if (item->exception != nullptr || item->children.empty()) return false;
  if (cut_short_.count(last(item)) > 0) return false;
  const bool wraps_statement = item->getRuleIndex() == P::RuleUpgradeItem && Cursor(item).rule() == P::RuleStmt;
  if (!wraps_statement) check_layout(item);
  return true;
}

ast::File Builder::file(Context *context) {
  ast::File result;
  result.id = lexemes_.file();
  result.range = {lexemes_.file(), 0, static_cast<std::uint32_t>(lexemes_.file_text().size())};
  Cursor cursor(context);
  if (cursor.rule() == P::RuleModuleDecl) {
    Context *module = cursor.take_rule();
    try {
      Cursor parts(module);
      parts.take(P::MODULE);
      result.module = name(parts.take_rule(P::RuleName));
      result.module_doc = doc_above(first(module));
    } catch (const Broken &) {
    }
  }
  while (Context *item = cursor.find_rule(P::RuleDecl)) {
    if (item->exception == nullptr) check_layout(item);
    // A declaration with an error keeps its sound items; one whose head is broken at least keeps its name, so that uses
    // of it are no second error.
    if (std::optional<ast::Declaration> built = declaration(item)) {
      result.declarations.push_back(std::move(*built));
    } else {
      const std::size_t second = lexemes_.next_code(first(item));
      if (second != Lexemes::none && (lexemes_[second].type == P::ID ||
                                      (lexemes_[second].type >= P::ABORT && lexemes_[second].type <= P::WINDOW))) {
        result.broken.push_back(name_at(second));
      }
    }
  }
  result.expressions = next_expr_;
  return result;
}

}  // namespace upg::syntax
